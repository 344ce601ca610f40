//! Lists the files of `pages/`, so that a new one is in the program without another line, and compresses those that
//! are text. Language files get the texts of the games and the names of classes.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Language files of other crates, whose texts pages show, too.
const MORE_TEXTS: [&str; 2] = ["play/lang", "detector/lang"];

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=pages")?;
    for folder in MORE_TEXTS {
        writeln!(io::stdout(), "cargo::rerun-if-changed=../{folder}")?;
    }
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("pages");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let out = variable("OUT_DIR")?;
    let mut list = "&[\n".to_owned();
    for (number, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&root).unwrap_or(file);
        let file = match with_more_texts(path, file)? {
            Some(words) => {
                let to = Path::new(&out).join(format!("{number}.json"));
                fs::write(&to, words)?;
                to
            }
            None => file.clone(),
        };
        let gzip = match compressed(&file)? {
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

/// A language file with the texts of other crates, each of which is one JSON object; `None`: it is no language file.
fn with_more_texts(path: &Path, file: &Path) -> io::Result<Option<String>> {
    let (Ok(name), Some(pages)) = (path.strip_prefix("lang"), file.ancestors().nth(2)) else {
        return Ok(None);
    };
    let mut words = fs::read_to_string(file)?;
    for folder in MORE_TEXTS {
        let more = pages.join("../..").join(folder).join(name);
        if !more.exists() {
            return Ok(None);
        }
        let more = fs::read_to_string(more)?;
        let objects = words
            .trim()
            .strip_suffix('}')
            .zip(more.trim().strip_prefix('{'));
        let (before, more) =
            objects.ok_or_else(|| io::Error::other("a language file is no object"))?;
        words = format!("{},{more}", before.trim_end());
    }
    Ok(Some(words))
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
