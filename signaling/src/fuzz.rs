//! Everything that reads bytes of strangers, as functions of bytes: for the fuzzer
//! (`make fuzz`, signaling/fuzz) and, with the kept corpus, for `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

mod datagrams;
mod descriptions;
#[cfg(test)]
mod mutation;
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
    ("media", crate::whip::fuzz::media),
];

/// Takes a number off the front; 0 where nothing is left.
pub(crate) fn byte(data: &mut &[u8]) -> u8 {
    let Some((first, rest)) = data.split_first() else {
        return 0;
    };
    *data = rest;
    *first
}

/// Takes a chunk off the front that begins with its length, two bytes; what there is if less.
pub(crate) fn chunk<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes([byte(data), byte(data)]));
    let (chunk, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    chunk
}
