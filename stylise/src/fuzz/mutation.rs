//! Random mutations of inputs, for short tests without coverage guidance. Pure.

use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _};

/// Byte values at which lengths and counts overflow.
const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/// Applies one to five mutations: truncation, bit flips, boundary values, removed and repeated ranges.
pub(super) fn mutated(input: &[u8], chance: &mut SmallRng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..=5) {
        change(&mut bytes, chance);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, chance: &mut SmallRng) {
    // Half of the mutations affect the first bytes, where the headers are.
    let reach = if chance.random_range(0..2) == 0 {
        bytes.len().min(64)
    } else {
        bytes.len()
    };
    let at = chance.random_range(0..=reach);
    let end = (at + chance.random_range(1..=64)).min(bytes.len());
    match chance.random_range(0..6) {
        0 => bytes.truncate(at.max(bytes.len() / 2)),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.insert(at, chance.next_u32().to_be_bytes()[0]),
        3 => bytes.extend_from_within(at..end),
        4 if at < bytes.len() => bytes[at] = EDGES[chance.random_range(0..EDGES.len())],
        _ if at < bytes.len() => bytes[at] ^= 1 << chance.random_range(0..8),
        _ => {}
    }
}
