//! Lists the files of `pages/`, so that a new one is in the program without another line.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=pages")?;
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("pages");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut list = "&[\n".to_owned();
    for file in &files {
        let path = file.strip_prefix(&root).unwrap_or(file);
        let _ = writeln!(
            list,
            "Asset {{ path: {path:?}, bytes: include_bytes!({file:?}) }},"
        );
    }
    list.push_str("]\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("pages.rs"), list)
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(io::Error::other)
}

/// Whatever begins with a dot is an editor's.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
