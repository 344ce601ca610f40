//! Inputs: read piece by piece, and changed at random for a short look without a fuzzer's knowledge of
//! the code. Pure.

#[cfg(test)]
use rand::rngs::SmallRng;
#[cfg(test)]
use rand::{Rng as _, RngExt as _};

/// Takes a number off the front; 0 where nothing is left.
pub(super) fn byte(data: &mut &[u8]) -> u8 {
    let Some((first, rest)) = data.split_first() else {
        return 0;
    };
    *data = rest;
    *first
}

/// Takes a chunk off the front that begins with its length, two bytes; what there is if less.
pub(super) fn chunk<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(u16::from_be_bytes([byte(data), byte(data)]));
    let (chunk, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    chunk
}

/// Numbers at which lengths and counts go wrong.
#[cfg(test)]
const EDGES: [u8; 8] = [0, 1, 4, 0x7f, 0x80, 0xc8, 0xfe, 0xff];
#[cfg(test)]
const LENGTH_MAX: usize = 8192;

/// A few changes to `input`, some with pieces of `other`.
#[cfg(test)]
pub(super) fn mutated(input: &[u8], other: &[u8], chance: &mut SmallRng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..=6) {
        change(&mut bytes, other, chance);
    }
    bytes.truncate(LENGTH_MAX);
    bytes
}

#[cfg(test)]
fn change(bytes: &mut Vec<u8>, other: &[u8], chance: &mut SmallRng) {
    let at = chance.random_range(0..=bytes.len());
    let end = (at + chance.random_range(1..=32)).min(bytes.len());
    match chance.random_range(0..7) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.insert(at, chance.next_u32().to_be_bytes()[0]),
        3 => bytes.extend_from_within(at..end),
        4 => {
            let from = chance.random_range(0..=other.len());
            let to = (from + chance.random_range(1..=64)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        5 if at < bytes.len() => bytes[at] = EDGES[chance.random_range(0..EDGES.len())],
        _ if at < bytes.len() => bytes[at] ^= 1 << chance.random_range(0..8),
        _ => {}
    }
}
