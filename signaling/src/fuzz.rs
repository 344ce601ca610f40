//! Everything that reads bytes of strangers, as functions of bytes: for the fuzzer
//! (`make fuzz`, signaling/fuzz) and, with the kept corpus, for `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

mod datagrams;
mod descriptions;
mod input;
mod stun;
#[cfg(test)]
mod tests;

/// A name, also of its corpus folder, and what takes the input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("offer", descriptions::offer),
    ("publish", descriptions::publish),
    ("fragment", descriptions::fragment),
    ("whep", descriptions::whep),
    ("demux", datagrams::demux),
    ("peer", datagrams::peer),
    ("stun", stun::stun),
    ("rtcp", datagrams::rtcp),
    ("media", datagrams::media),
];
