//! The error of a wrong configuration.

use std::path::PathBuf;

use thiserror::Error;

use crate::environment::CredentialError;

/// What is wrong with the configuration, naming the file or the key.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {path}: {source}", path = path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a valid configuration:\n{source}", path = path.display())]
    Parse {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error(
        "{path} has settings that were changed while carrier ran, and is wrong: {why}; fix it, or delete it to go \
         back to the configuration", path = path.display()
    )]
    Overlay { path: PathBuf, why: String },
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error("{key} = {value}: {why}")]
    Value {
        key: &'static str,
        value: String,
        why: String,
    },
}

impl ConfigError {
    pub(crate) fn value(
        key: &'static str,
        value: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self::Value {
            key,
            value: value.into(),
            why: why.into(),
        }
    }

    /// The key with the wrong value, if one is known.
    pub(crate) fn key(&self) -> Option<&'static str> {
        match self {
            Self::Value { key, .. } => Some(key),
            Self::Read { .. } | Self::Parse { .. } | Self::Overlay { .. } | Self::Credential(_) => {
                None
            }
        }
    }

    /// Like [`value`](Self::value), for secrets, which are not repeated.
    pub(super) fn hidden(key: &'static str, why: impl Into<String>) -> Self {
        Self::value(key, "(hidden)", why)
    }

    pub(crate) fn absent(key: &'static str, why: &str) -> Self {
        Self::value(key, "(absent)", why)
    }
}

/// The message of a refusal; empty for what is accepted.
#[cfg(test)]
pub(super) fn message(checked: Result<(), ConfigError>) -> String {
    checked.map_or_else(|error| error.to_string(), |()| String::new())
}
