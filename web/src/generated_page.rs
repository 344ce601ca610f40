//! Pages of docs/ that tests generate from the code: a test compares the committed file, an ignored test writes it.

use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("web lies in the workspace")
        .join("docs")
        .join(name)
}

pub(crate) fn assert_is_current(name: &str, text: &str) {
    let committed = std::fs::read_to_string(path(name)).unwrap_or_default();
    let mut lines = committed.lines().zip(text.lines()).zip(1..);
    let first = lines.find(|((committed, current), _)| committed != current);
    assert!(
        committed == text,
        "docs/{name} differs from what the code says{}; write it again with \
         `cargo test -p carrier --bin carrier write_page -- --ignored`",
        first.map_or_else(String::new, |((committed, current), line)| format!(
            ", at line {line}:\n  {committed}\n  {current}\n"
        ))
    );
}

pub(crate) fn write(name: &str, text: &str) {
    std::fs::write(path(name), text).expect("docs/ can be written");
}
