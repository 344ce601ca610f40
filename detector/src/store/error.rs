//! Why there is no model, and what mends it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::AUTO_ORDER;
use crate::manifest::ManifestError;

/// Why there is no model.
#[derive(Debug, Error)]
pub enum StoreError {
    /// `auto` found none.
    #[error("no model is installed")]
    NoneInstalled,
    /// The manifest has no such model.
    #[error("there is no model called `{name}`. {hint}Known are {known}")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// What may have been meant, as a sentence before the next; empty when nothing is like it.
        hint: String,
        /// What there is.
        known: String,
    },
    /// It is known but not here.
    #[error("the model `{name}` is not installed; looked in {folders}")]
    NotInstalled {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folders: String,
    },
    /// The file is not the one the manifest means.
    #[error(
        "{path} is not the `{name}` that the manifest names (its SHA-256 is {found}): it is damaged \
         or another file. Pull it again, or put a manifest beside it ({name}.toml) to use it as it is",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The model it is called after.
        name: String,
        /// Its hash.
        found: String,
    },
    /// A file that nobody knows.
    #[error(
        "{path} is a model that carrier does not know: put a manifest beside it ({manifest}) that says \
         how to feed it; models/manifest.toml in the sources shows the form",
        path = path.display(),
        manifest = manifest.display()
    )]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// Where its manifest would be.
        manifest: PathBuf,
    },
    /// The manifest beside a file cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl StoreError {
    /// The command that mends it, where there is one.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::NoneInstalled => Some(format!("carrier models pull {}", AUTO_ORDER[0])),
            Self::NotInstalled { name, .. } | Self::Foreign { name, .. } => {
                Some(format!("carrier models pull {name}"))
            }
            Self::UnknownName { .. } => Some("carrier models list".to_owned()),
            Self::UnknownFile { .. } | Self::Manifest { .. } | Self::Unreadable { .. } => None,
        }
    }
}
