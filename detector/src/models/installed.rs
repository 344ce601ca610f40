//! A model that can be opened, and the one that is compiled into the program, so that a first run needs
//! no download (`models/EMBEDDED.md`).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use sha2::{Digest, Sha256};

use crate::models::manifest::{ManifestError, ModelEntry};

/// A model that can be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledModel {
    pub entry: Arc<ModelEntry>,
    pub file: ModelFile,
}

/// Where the network is stored.
#[derive(Clone, PartialEq, Eq)]
pub enum ModelFile {
    At(PathBuf),
    /// Compiled into this program.
    BuiltIn(&'static [u8]),
}

impl fmt::Display for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(_) => f.write_str("the built-in model"),
        }
    }
}

impl fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => f.debug_tuple("At").field(path).finish(),
            // Without the bytes, of which there are millions.
            Self::BuiltIn(bytes) => write!(f, "BuiltIn({} bytes)", bytes.len()),
        }
    }
}

const ONNX: &[u8] = include_bytes!("../../../models/embedded.onnx");
const MANIFEST: &str = include_str!("../../../models/embedded.toml");

pub(crate) fn embedded_model() -> Result<InstalledModel, ManifestError> {
    Ok(InstalledModel {
        entry: Arc::new(ModelEntry::parse(MANIFEST)?),
        file: ModelFile::BuiltIn(ONNX),
    })
}

impl InstalledModel {
    /// SHA-256 of the file as it is, lower-case hex.
    pub fn sha256(&self) -> io::Result<String> {
        match &self.file {
            ModelFile::At(path) => sha256_of(path),
            ModelFile::BuiltIn(bytes) => Ok(hex(&Sha256::digest(bytes))),
        }
    }
}

/// SHA-256 of a file, lower-case hex.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_that_of_its_manifest() {
        let entry = embedded_model().expect("valid").entry;
        assert_eq!(entry.name, "embedded");
        assert_eq!(entry.bytes, Some(ONNX.len() as u64));
        assert_eq!(entry.sha256, Some(hex(&Sha256::digest(ONNX))));
        assert!(ONNX.len() <= 4_000_000, "small enough for every download");
    }

    #[test]
    fn the_embedded_model_detects_persons_and_faces() {
        let entry = embedded_model().expect("valid").entry;
        for name in ["person", "face"] {
            assert!(entry.labels.iter().any(|label| label == name), "{name}");
        }
    }
}
