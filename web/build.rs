//! Lists the files of `pages/`, so that a new one is in the program without another line, and compresses those that
//! are text.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=pages")?;
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("pages");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let out = variable("OUT_DIR")?;
    let mut list = "&[\n".to_owned();
    for (number, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&root).unwrap_or(file);
        let gzip = match compressed(file)? {
            Some(bytes) => {
                let to = Path::new(&out).join(format!("{number}.gz"));
                fs::write(&to, bytes)?;
                format!("Some(include_bytes!({to:?}))")
            }
            None => "None".to_owned(),
        };
        let _ = writeln!(
            list,
            "Asset {{ path: {path:?}, bytes: include_bytes!({file:?}), gzip: {gzip} }},"
        );
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("pages.rs"), list)
}

/// `None` for pictures, which are compressed already.
fn compressed(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let ending = file.extension().unwrap_or_default();
    if ["png", "jpg", "webp"]
        .iter()
        .any(|picture| ending == *picture)
    {
        return Ok(None);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&fs::read(file)?)?;
    gzip.finish().map(Some)
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
