//! Why a model could not be downloaded.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

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
    /// The transfer broke off. What has come is kept.
    #[error("{url} broke off after {got} of {wanted} bytes; the next pull continues there")]
    Broken {
        url: String,
        got: u64,
        /// The size that the manifest tells.
        wanted: u64,
    },
    /// The file is longer than the manifest tells.
    #[error(
        "{url} sent more than the {wanted} bytes that the model has: it is not the file that the manifest means"
    )]
    TooLong { url: String, wanted: u64 },
    #[error("{url} is not the file the manifest means: its SHA-256 is {found}, wanted {wanted}")]
    Hash {
        url: String,
        found: String,
        wanted: String,
    },
    /// Another process downloads the same model.
    #[error("another download of {name} is under way (it writes {path})", path = path.display())]
    Busy { name: String, path: PathBuf },
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

pub(super) fn cannot_write(path: &Path, source: io::Error) -> PullError {
    PullError::Write {
        path: path.to_owned(),
        source,
    }
}
