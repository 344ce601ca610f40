//! The model that is part of the program, so that a first run needs no download. How it was
//! trained, and what it is good and bad at, stands in `models/EMBEDDED.md`.

use std::sync::Arc;

use crate::manifest::{ManifestError, ModelEntry};
use crate::store::{InstalledModel, ModelFile};

const ONNX: &[u8] = include_bytes!("../../models/embedded.onnx");
const MANIFEST: &str = include_str!("../../models/embedded.toml");

pub(crate) fn embedded_model() -> Result<InstalledModel, ManifestError> {
    Ok(InstalledModel {
        entry: Arc::new(ModelEntry::parse(MANIFEST)?),
        file: ModelFile::BuiltIn(ONNX),
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::store::hex;

    #[test]
    fn the_file_is_the_one_that_its_manifest_means() {
        let entry = embedded_model().expect("valid").entry;
        assert_eq!(entry.name, "embedded");
        assert_eq!(entry.bytes, Some(ONNX.len() as u64));
        assert_eq!(entry.sha256, Some(hex(&Sha256::digest(ONNX))));
        assert!(ONNX.len() <= 4_000_000, "small enough for every download");
    }

    #[test]
    fn it_offers_what_a_visitor_is_and_holds_up() {
        let entry = embedded_model().expect("valid").entry;
        for name in ["person", "face"] {
            assert!(entry.labels.iter().any(|label| label == name), "{name}");
        }
    }
}
