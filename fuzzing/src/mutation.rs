//! Random mutations of inputs. Pure.

use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _};

/// Values at which lengths and counts fail.
const EDGES: [u8; 8] = [0, 1, 4, 0x7f, 0x80, 0xc8, 0xfe, 0xff];
/// Where headers are; half of the mutations are there.
const HEAD_BYTES: usize = 64;

/// Applies one to six mutations to `input`, some with pieces of `other`.
pub(crate) fn mutated(input: &[u8], other: &[u8], chance: &mut SmallRng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..=6) {
        change(&mut bytes, other, chance);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], chance: &mut SmallRng) {
    let reach = match chance.random_range(0..2) {
        0 => bytes.len().min(HEAD_BYTES),
        _ => bytes.len(),
    };
    let at = chance.random_range(0..=reach);
    let end = (at + chance.random_range(1..=64)).min(bytes.len());
    match chance.random_range(0..7) {
        0 => bytes.truncate(chance.random_range(0..=bytes.len())),
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
