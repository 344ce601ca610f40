//! What the fuzz targets of all crates share. `make fuzz` runs a target with libFuzzer, which finds inputs by coverage;
//! `cargo test` runs its kept corpus and, for a short time, mutations of that.

mod corpus;
mod mutation;

pub use corpus::{corpus, run_all, run_corpus_and_mutations};

/// The name of a target, which is also its corpus folder, and its function, which takes any bytes and must neither
/// panic nor hang.
pub type Target = (&'static str, fn(&[u8]));

/// The target that the environment variable `FUZZ_TARGET` names.
///
/// # Panics
///
/// When it names none of `targets`.
#[must_use]
pub fn target_of_environment(targets: &[Target]) -> fn(&[u8]) {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = targets.iter().map(|target| target.0).collect();
    let found = targets.iter().find(|target| target.0 == name);
    found
        .unwrap_or_else(|| panic!("FUZZ_TARGET is one of {names:?}, not {name:?}"))
        .1
}
