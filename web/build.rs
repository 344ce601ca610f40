//! Lists the files of `pages/`, so that a new one is in the program without another line, and compresses those that
//! are text. Language files get the texts of the games.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=pages")?;
    writeln!(io::stdout(), "cargo::rerun-if-changed=../play/lang")?;
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("pages");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let out = variable("OUT_DIR")?;
    let mut list = "&[\n".to_owned();
    for (number, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&root).unwrap_or(file);
        let file = match with_texts_of_games(path, file)? {
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

/// A language file with the texts of `play/lang/`, both of which are one JSON object; `None`: it is no language file.
fn with_texts_of_games(path: &Path, file: &Path) -> io::Result<Option<String>> {
    let (Ok(name), Some(pages)) = (path.strip_prefix("lang"), file.ancestors().nth(2)) else {
        return Ok(None);
    };
    let games = pages.join("../../play/lang").join(name);
    if !games.exists() {
        return Ok(None);
    }
    let (words, games) = (fs::read_to_string(file)?, fs::read_to_string(games)?);
    let objects = words
        .trim()
        .strip_suffix('}')
        .zip(games.trim().strip_prefix('{'));
    let (words, games) = objects.ok_or_else(|| io::Error::other("a language file is no object"))?;
    Ok(Some(format!("{},{games}", words.trim_end())))
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
