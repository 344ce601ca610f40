//! The manifest, the last entry of a backup: versions, and the size and hash of every other entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backup::error::BackupError;

/// The format that this program writes; it reads all earlier ones.
const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The version of the program that wrote it.
    pub(crate) program: String,
    /// Of the booth's database; absent without one.
    pub(crate) schema: Option<i64>,
    pub(crate) made_at_unix_ms: u64,
    pub(crate) has_secrets: bool,
    pub(crate) entries: BTreeMap<String, Fingerprint>,
}

/// What an entry's content must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The part that every format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
    program: String,
}

pub(crate) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

impl Manifest {
    pub(crate) fn new(made_at_unix_ms: u64, has_secrets: bool) -> Self {
        Self {
            format: FORMAT,
            program: PROGRAM.to_owned(),
            schema: None,
            made_at_unix_ms,
            has_secrets,
            entries: BTreeMap::new(),
        }
    }

    pub(crate) fn read(json: &[u8]) -> Result<Self, BackupError> {
        let unreadable = |_| BackupError::NoBackup("its manifest is not readable");
        let version: Version = serde_json::from_slice(json).map_err(unreadable)?;
        if version.format > FORMAT {
            return Err(BackupError::NewerFormat {
                // It is printed, and may come from anybody.
                program: version.program.escape_default().take(40).collect(),
                found: version.format,
                known: FORMAT,
            });
        }
        let manifest: Self = serde_json::from_slice(json).map_err(unreadable)?;
        let known = stylise::backup::SCHEMA;
        match manifest.schema {
            Some(found) if found > known => Err(BackupError::NewerSchema {
                program: manifest.program.escape_default().take(40).collect(),
                found,
                own: PROGRAM,
                known,
            }),
            _ => Ok(manifest),
        }
    }

    /// Of all entries together.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.values().map(|entry| entry.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_or_schema_names_both_versions() {
        let newer = br#"{"format": 2, "program": "7.0.0", "something": "else"}"#;
        let error = Manifest::read(newer).expect_err("newer").to_string();
        assert!(error.contains("carrier 7.0.0 in format 2"), "{error}");
        assert!(error.contains("up to format 1"), "{error}");
        let mut manifest = Manifest::new(0, true);
        manifest.schema = Some(stylise::backup::SCHEMA + 1);
        manifest.program = "7.0.0".to_owned();
        let json = serde_json::to_vec(&manifest).expect("JSON");
        let error = Manifest::read(&json).expect_err("newer").to_string();
        assert!(
            error.contains("install carrier 7.0.0") && error.contains(PROGRAM),
            "{error}"
        );
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"format": "x"}"#,
            r#"{"format": 1, "program": "x"}"#,
        ] {
            Manifest::read(bad.as_bytes()).expect_err(bad);
        }
    }
}
