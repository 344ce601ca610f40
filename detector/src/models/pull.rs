//! Downloads of models: bounded, continued where a transfer broke off, verified by SHA-256, and renamed into place only
//! when complete.

mod error;
mod transfer;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::models::installed::sha256_of;
use crate::models::manifest::ModelEntry;
use error::cannot_write;
use transfer::{Source, Transfer};

pub use error::PullError;

/// A transfer that breaks off is continued this often, as long as each attempt brings something.
const ATTEMPTS_MAX: u32 = 4;

/// A model that is where it belongs, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub path: PathBuf,
    /// It was there already, with the right contents: nothing was fetched.
    pub was_there: bool,
}

/// Downloads `entry` into `folder`, unless it is there. `mirror` replaces the URL of the manifest by
/// `MIRROR/NAME.onnx`. `progress` is called with the number of bytes that are there and of all.
///
/// An older file of that name is not changed until the new one is verified. What an earlier attempt has fetched is
/// continued if the server can do that.
pub fn pull(
    entry: &ModelEntry,
    folder: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Pulled, PullError> {
    let no_source = || PullError::NoSource {
        name: entry.name.clone(),
        folder: folder.to_owned(),
    };
    let (bytes, sha256) = entry
        .bytes
        .zip(entry.sha256.as_deref())
        .ok_or_else(no_source)?;
    let target = folder.join(entry.file_name());
    let is_there = |path: &Path| sha256_of(path).is_ok_and(|found| found == sha256);
    if is_there(&target) {
        return Ok(Pulled {
            path: target,
            was_there: true,
        });
    }
    let url = source_url(entry, mirror).ok_or_else(no_source)?;
    fs::create_dir_all(folder).map_err(|source| cannot_write(folder, source))?;
    let part = part_of(entry, folder);
    let source = Source {
        url: &url,
        bytes,
        sha256,
    };
    fetch(entry, &source, &part, progress)?;
    fs::rename(&part, &target).map_err(|source| cannot_write(&target, source))?;
    Ok(Pulled {
        path: target,
        was_there: false,
    })
}

/// The file of a download that is not complete. It is named by the contents that it will have, so that one of another
/// version is not continued.
#[must_use]
pub fn part_of(entry: &ModelEntry, folder: &Path) -> PathBuf {
    let version = entry.sha256.as_deref().and_then(|sha256| sha256.get(..8));
    folder.join(format!(
        ".{}.{}.part",
        entry.file_name(),
        version.unwrap_or("new")
    ))
}

fn source_url(entry: &ModelEntry, mirror: Option<&str>) -> Option<String> {
    match mirror {
        Some(base) => Some(format!(
            "{}/{}",
            base.trim_end_matches('/'),
            entry.file_name()
        )),
        None => entry.url.clone(),
    }
}

/// Fills `part` until it is the file that `source` means. Nothing useless is left behind.
fn fetch(
    entry: &ModelEntry,
    source: &Source<'_>,
    part: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), PullError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let mut file = options
        .open(part)
        .map_err(|error| cannot_write(part, error))?;
    lock(&file, entry, part)?;
    let result = fetch_into(&mut file, source, part, progress);
    let is_worth_keeping = match &result {
        Ok(()) => true,
        Err(_) => file.metadata().is_ok_and(|metadata| metadata.len() > 0),
    };
    if !is_worth_keeping {
        drop(fs::remove_file(part));
    }
    result
}

fn lock(file: &File, entry: &ModelEntry, part: &Path) -> Result<(), PullError> {
    match file.try_lock() {
        // Some file systems know no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(PullError::Busy {
            name: entry.name.clone(),
            path: part.to_owned(),
        }),
    }
}

fn fetch_into(
    file: &mut File,
    source: &Source<'_>,
    part: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), PullError> {
    let mut transfer = Transfer::continuing(file, part, source)?;
    let mut attempt = 1;
    loop {
        let (before, was_continued) = (transfer.got(), transfer.got() > 0);
        let result = transfer.attempt(progress);
        match result {
            Ok(()) => {}
            Err(PullError::Broken { .. }) if attempt < ATTEMPTS_MAX && transfer.got() > before => {
                attempt += 1;
                continue;
            }
            Err(error) => return Err(error),
        }
        match transfer.verify() {
            Ok(()) => return Ok(()),
            // The beginning may be of another file.
            Err(PullError::Hash { .. }) if was_continued && attempt < ATTEMPTS_MAX => {
                attempt += 1;
                transfer.start_again()?;
            }
            Err(error) => {
                transfer.start_again()?;
                return Err(error);
            }
        }
    }
}
