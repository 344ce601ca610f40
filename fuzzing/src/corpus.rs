//! Kept inputs of a target, and running it on them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Target;
use crate::mutation::mutated;

/// Longer inputs are cut.
const LENGTH_MAX: usize = 16_384;

/// The inputs that are kept for a target, by name.
pub fn corpus(folder: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    let mut paths: Vec<PathBuf> = entries?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path)?;
        Ok((path, bytes))
    };
    paths.into_iter().map(read).collect()
}

/// [`run_corpus_and_mutations`] of each target; `folder` has the corpora.
///
/// # Panics
///
/// When a target does, or has no corpus.
pub fn run_all(targets: &[Target], folder: &Path, time: Duration) {
    for target in targets {
        run_corpus_and_mutations(*target, &folder.join(target.0), time);
    }
}

/// Runs the target on nothing, on its corpus, and for `time` on mutations of it: the same ones each time.
///
/// # Panics
///
/// When the target does, whose input is then kept in the folder for temporary files, and without a corpus.
pub fn run_corpus_and_mutations((name, take): Target, folder: &Path, time: Duration) {
    let corpus = corpus(folder).unwrap_or_default();
    assert!(!corpus.is_empty(), "{} has no inputs", folder.display());
    run((name, take), &[], "no input");
    for (path, input) in &corpus {
        run((name, take), input, &path.display().to_string());
    }
    let mut chance = SmallRng::seed_from_u64(4);
    let start = Instant::now();
    while start.elapsed() < time {
        let [one, other] = [0, 1].map(|_| &corpus[chance.random_range(0..corpus.len())]);
        let mut input = mutated(&one.1, &other.1, &mut chance);
        input.truncate(LENGTH_MAX.max(one.1.len()));
        run(
            (name, take),
            &input,
            &format!("made from {}", one.0.display()),
        );
    }
}

fn run((name, take): Target, input: &[u8], what: &str) {
    if std::panic::catch_unwind(|| take(input)).is_err() {
        let kept = std::env::temp_dir().join(format!("carrier-{name}-crash"));
        let written = fs::write(&kept, input);
        panic!(
            "{name} fails with {what}, kept as {} ({written:?})",
            kept.display()
        );
    }
}
