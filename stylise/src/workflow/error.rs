//! What is wrong with a workflow.

use std::path::PathBuf;

use thiserror::Error;

/// Names the file and what to do. The other workflows load all the same.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WorkflowError {
    /// A file or the folder.
    #[error("{}: cannot be read: {why}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The TOML itself.
    #[error("{file}: {why}")]
    Toml {
        /// Which.
        file: String,
        /// Where in it and what.
        why: String,
    },
    /// A key of the TOML.
    #[error("{file}: {key}: {why}")]
    Key {
        /// Which file.
        file: String,
        /// Which key.
        key: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// The exported workflow.
    #[error("{file}: {why}")]
    Graph {
        /// Which file.
        file: String,
        /// What is wrong and what to do.
        why: String,
    },
}

impl WorkflowError {
    pub(super) fn key(file: &str, key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Key {
            file: file.to_owned(),
            key: key.into(),
            why: why.into(),
        }
    }

    pub(super) fn graph(file: &str, why: impl Into<String>) -> Self {
        Self::Graph {
            file: file.to_owned(),
            why: why.into(),
        }
    }
}
