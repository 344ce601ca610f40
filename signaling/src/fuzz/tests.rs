use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::*;

/// How long each target runs mutated inputs.
const TIME: Duration = Duration::from_secs(2);

/// Values at which lengths and counts fail.
const EDGES: [u8; 8] = [0, 1, 4, 0x7f, 0x80, 0xc8, 0xfe, 0xff];
const LENGTH_MAX: usize = 8192;

/// Applies a few mutations to `input`, some with pieces of `other`.
fn mutated(input: &[u8], other: &[u8], chance: &mut SmallRng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..=6) {
        change(&mut bytes, other, chance);
    }
    bytes.truncate(LENGTH_MAX);
    bytes
}

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

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("each target has a corpus")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| fs::read(path).expect("readable");
    paths.iter().map(read).collect()
}

/// Runs a target and reports the input that fails.
fn run((name, take): Target, input: &[u8]) {
    let broke = std::panic::catch_unwind(|| take(input)).is_err();
    assert!(!broke, "{name} fails with {}", input.escape_ascii());
}

fn try_for_a_while(name: &str) {
    let target = *TARGETS
        .iter()
        .find(|target| target.0 == name)
        .expect("a target");
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has a corpus");
    for input in corpus.iter().map(Vec::as_slice).chain([&[][..]]) {
        run(target, input);
    }
    // A fixed seed, so that every run tests the same inputs; `make fuzz` finds new ones.
    let mut chance = SmallRng::seed_from_u64(4);
    let start = Instant::now();
    while start.elapsed() < TIME {
        let [one, other] = [0, 1].map(|_| &corpus[chance.random_range(0..corpus.len())]);
        run(target, &mutated(one, other, &mut chance));
    }
}

#[test]
fn offers() {
    try_for_a_while("offer");
}

#[test]
fn offers_of_publishers() {
    try_for_a_while("publish");
}

#[test]
fn media_of_a_publisher() {
    try_for_a_while("media");
}

#[test]
fn fragments() {
    try_for_a_while("fragment");
}

#[test]
fn whep_bodies() {
    try_for_a_while("whep");
}

#[test]
fn the_demultiplexer() {
    try_for_a_while("demux");
}

#[test]
fn datagrams_of_a_viewer() {
    try_for_a_while("peer");
}

#[test]
fn stun() {
    try_for_a_while("stun");
}

#[test]
fn rtcp() {
    try_for_a_while("rtcp");
}
