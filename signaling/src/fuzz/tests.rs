use std::path::Path;
use std::time::Duration;

use fuzzing::run_corpus_and_mutations;

use super::*;

/// How long each target runs mutated inputs.
const TIME: Duration = Duration::from_secs(2);

fn try_for_a_while(name: &str) {
    let target = TARGETS.iter().find(|target| target.0 == name);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    run_corpus_and_mutations(*target.expect("a target"), &corpus.join(name), TIME);
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
