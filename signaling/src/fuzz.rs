//! Fuzz targets for all parsers of untrusted input, used by the fuzzer (`make fuzz`, signaling/fuzz) and, with
//! the kept corpus, by `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

mod datagrams;
mod descriptions;
mod input;
mod stun;
#[cfg(test)]
mod tests;

/// The name of a target, which is also its corpus folder, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
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
