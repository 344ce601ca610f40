//! Models, runtime and pictures for the tests, which may not be installed.

use std::path::{Path, PathBuf};

use detector::{Detector, Device, InstalledModel, Manifest, ModelStore, Places, Runtime};
use detector::{ModelChoice, ModelFile, SessionConfig};

/// The folder with models, pictures and expected results.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("CARRIER_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: CARRIER_SHARED is not set");
    }
    shared
}

/// Those of the environment.
pub(crate) fn places() -> Places {
    Places::from_lookup(|name| std::env::var_os(name))
}

/// ONNX Runtime, where it is installed.
pub(crate) fn runtime() -> Option<Runtime> {
    match Runtime::load(&places()) {
        Ok(runtime) => Some(runtime),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// The models of the manifest as they lie in the shared folder.
pub(crate) fn store(shared: &Path) -> ModelStore {
    let manifest = Manifest::built_in().expect("valid");
    ModelStore::with(manifest, vec![shared.join("models")])
}

pub(crate) fn model(shared: &Path, name: &str) -> InstalledModel {
    let named = ModelChoice::Named(name.to_owned());
    store(shared)
        .find(&named)
        .expect("installed")
        .expect("asked for")
}

/// The file of a model of the shared folder.
pub(crate) fn file(shared: &Path, name: &str) -> PathBuf {
    match model(shared, name).file {
        ModelFile::At(path) => path,
        ModelFile::BuiltIn(_) => panic!("{name} is no file"),
    }
}

/// Opened on the device that `CARRIER_TEST_DEVICE` names, else the CPU, with one thread.
pub(crate) fn open(runtime: &Runtime, model: &InstalledModel) -> Detector {
    let device = std::env::var("CARRIER_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let device: Device = device.parse().expect("a device");
    let provider = device.provider().expect("one provider");
    let config = SessionConfig {
        threads: Some(1),
        device,
        ..SessionConfig::default()
    };
    let detector = Detector::open(runtime, model, &config).expect("opens");
    assert_eq!(detector.provider(), provider);
    detector
}
