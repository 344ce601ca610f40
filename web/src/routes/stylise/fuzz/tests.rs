use std::fs;
use std::path::{Path, PathBuf};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::routes::stylise::fuzz::http;

// The same as for uploads; no crate here depends on another's tests.
#[path = "../../../../../stylise/src/fuzz/mutation.rs"]
mod mutation;

/// Mutated inputs, besides the corpus: about a second's worth.
const TRIES: usize = 20_000;

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/http");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("each target has a corpus")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("readable");
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn requests_of_strangers() {
    let corpus = corpus();
    for (path, bytes) in &corpus {
        let broke = std::panic::catch_unwind(|| http(bytes)).is_err();
        assert!(!broke, "{} breaks it", path.display());
    }
    // A fixed seed: each run tries the same inputs. New ones are for `make fuzz`.
    let mut chance = SmallRng::seed_from_u64(5);
    for _ in 0..TRIES {
        let (path, bytes) = &corpus[chance.random_range(0..corpus.len())];
        let input = mutation::mutated(bytes, &mut chance);
        if std::panic::catch_unwind(|| http(&input)).is_err() {
            let kept = std::env::temp_dir().join("carrier-http-crash");
            fs::write(&kept, &input).expect("written");
            panic!("{}, from {}, breaks it", kept.display(), path.display());
        }
    }
}
