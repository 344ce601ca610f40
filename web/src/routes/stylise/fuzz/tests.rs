use std::path::Path;
use std::time::Duration;

use fuzzing::run_corpus_and_mutations;

use crate::routes::stylise::fuzz::http;

/// How long mutated inputs are tried.
const TIME: Duration = Duration::from_secs(1);

#[test]
fn requests_of_strangers() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/http");
    run_corpus_and_mutations(("http", http), &corpus, TIME);
}
