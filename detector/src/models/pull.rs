//! Downloads of models: bounded, verified by SHA-256, and renamed into place only when complete.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::models::installed::hex;
use crate::models::manifest::ModelEntry;

/// Time limit for connecting, and for each read.
const SILENCE: Duration = Duration::from_secs(20);

/// Why a model could not be downloaded.
#[derive(Debug, Error)]
pub enum PullError {
    /// There is no public file.
    #[error(
        "`{name}` has no public download: copy {name}.onnx into {folder} yourself, or name a mirror \
         with CARRIER_MODELS_URL",
        folder = folder.display()
    )]
    NoSource {
        name: String,
        /// Where the file would be.
        folder: PathBuf,
    },
    /// The server cannot be reached, or refuses.
    #[error("{url} cannot be fetched: {why}")]
    Fetch { url: String, why: String },
    /// The transfer was too short or too long.
    #[error(
        "{url} sent {got} bytes, the model has {wanted}: cut off, or not the file that the \
         manifest means"
    )]
    Size {
        url: String,
        /// At least this many bytes were received.
        got: u64,
        /// The size that the manifest tells.
        wanted: u64,
    },
    #[error("{url} is not the file the manifest means: its SHA-256 is {found}, wanted {wanted}")]
    Hash {
        url: String,
        found: String,
        wanted: String,
    },
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Downloads `entry` into `folder` and returns the path of the file. `mirror` replaces the URL of the
/// manifest by `MIRROR/NAME.onnx`. `progress` is called with the number of bytes received and of all.
///
/// An older file of that name is not changed until the new one is verified.
pub fn pull(
    entry: &ModelEntry,
    folder: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf, PullError> {
    let no_source = || PullError::NoSource {
        name: entry.name.clone(),
        folder: folder.to_owned(),
    };
    let url = source_url(entry, mirror).ok_or_else(no_source)?;
    let wanted = entry
        .bytes
        .zip(entry.sha256.as_deref())
        .ok_or_else(no_source)?;

    let write = |path: &Path, source| PullError::Write {
        path: path.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(|source| write(folder, source))?;
    let target = folder.join(entry.file_name());
    let part = Part(folder.join(format!(
        ".{}.{}.part",
        entry.file_name(),
        std::process::id()
    )));
    let mut file = File::create(&part.0).map_err(|source| write(&part.0, source))?;
    fetch(&url, wanted, &mut file, &part.0, progress)?;
    // Synced before the rename, so that a power cut does not leave an empty file under the name.
    file.sync_all().map_err(|source| write(&part.0, source))?;
    fs::rename(&part.0, &target).map_err(|source| write(&target, source))?;
    Ok(target)
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

fn fetch(
    url: &str,
    (bytes, sha256): (u64, &str),
    file: &mut File,
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), PullError> {
    let failed = |why: String| PullError::Fetch {
        url: url.to_owned(),
        why,
    };
    let agent = ureq::Agent::config_builder()
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent();
    let mut response = agent
        .get(url)
        .call()
        .map_err(|error| failed(error.to_string()))?;
    // One byte more than expected is enough to detect a file that is too long.
    let mut body = response.body_mut().as_reader().take(bytes + 1);
    let (mut hasher, mut got, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // What ureq reports when a connection ends before its Content-Length.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(failed(error.to_string())),
        };
        hasher.update(&buffer[..read]);
        let written = file.write_all(&buffer[..read]);
        written.map_err(|source| PullError::Write {
            path: path.to_owned(),
            source,
        })?;
        got += read as u64;
        progress(got.min(bytes), bytes);
    }
    if got != bytes {
        return Err(PullError::Size {
            url: url.to_owned(),
            got,
            wanted: bytes,
        });
    }
    let found = hex(&hasher.finalize());
    if found != sha256 {
        return Err(PullError::Hash {
            url: url.to_owned(),
            found,
            wanted: sha256.to_owned(),
        });
    }
    Ok(())
}

/// A partial file. Dropping it removes the file unless it was renamed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Fails after the rename, as it should.
        drop(fs::remove_file(&self.0));
    }
}
