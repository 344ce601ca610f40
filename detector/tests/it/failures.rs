//! Broken files and missing parts: each is a clear error, and the process goes on.

use std::path::PathBuf;

use detector::{
    DetectError, Detector, Device, InstalledModel, ModelChoice, ModelEntry, ModelFile, ModelStore,
    Places, Provider, Runtime, SessionConfig, open,
};

use crate::rig;

/// A folder that is removed when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("carrier-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("temporary folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_missing_runtime_is_an_error_that_names_the_fix() {
    let nowhere = Places {
        cache_home: Some("/nowhere".into()),
        ..Places::default()
    };
    let error = Runtime::load(&nowhere).expect_err("nothing there");
    assert!(error.to_string().contains("make runtime"), "{error}");
    assert_eq!(error.fix(), "make runtime");
}

#[test]
fn a_file_that_is_not_a_library_is_an_error() {
    let folder = Folder::new("no-library");
    let library = folder.0.join("libonnxruntime.so");
    std::fs::write(&library, "not a library").expect("writable");
    // Another test may have loaded the library already; then loading succeeds.
    let places = Places {
        runtime_library: Some(library),
        ..Places::default()
    };
    if let Err(error) = Runtime::load(&places) {
        assert!(error.to_string().contains("make runtime"), "{error}");
    }
}

#[test]
fn a_missing_model_names_the_command_that_pulls_it() {
    let folder = Folder::new("no-models");
    let config = detector::DetectorConfig {
        places: Places {
            models: Some(folder.0.clone()),
            ..Places::default()
        },
        model: ModelChoice::Named("yolox_nano".to_owned()),
        ..detector::DetectorConfig::default()
    };
    let problem = open(&config, &Default::default()).expect_err("no model");
    assert!(problem.is_missing, "{problem:?}");
    assert!(problem.message.contains("yolox_nano"), "{problem}");
    assert_eq!(
        problem.fix.as_deref(),
        Some("carrier models pull yolox_nano")
    );
}

#[test]
fn a_device_that_the_library_does_not_have_is_an_error_that_names_the_command() {
    let Some(runtime) = rig::runtime() else {
        return;
    };
    for device in [
        Device::On(Provider::Cuda),
        "openvino:GPU".parse().expect("a device"),
    ] {
        let provider = device.provider().expect("one");
        if provider == runtime.provider() {
            continue;
        }
        let config = SessionConfig {
            device,
            ..SessionConfig::default()
        };
        let model = ModelStore::new(&Places::default()).expect("valid");
        let model = model.find(&ModelChoice::Named("embedded".to_owned()));
        let model = model.expect("part of the program").expect("asked for");
        let error = Detector::open(&runtime, &model, &config).expect_err("not in the library");
        let words = error.to_string();
        let command = format!("make runtime RUNTIME={provider}");
        assert!(words.contains(&command), "{words}");
    }
}

/// Opens a damaged file without the check of its hash, as if it had a manifest of its own.
fn open_file(name: &str, contents: &[u8], change: impl Fn(&mut ModelEntry)) -> Option<String> {
    let (shared, runtime) = (rig::shared()?, rig::runtime()?);
    let folder = Folder::new(name);
    let path = folder.0.join("model.onnx");
    std::fs::write(&path, contents).expect("writable");
    let mut entry = (*rig::model(&shared, "yolox_nano").entry).clone();
    change(&mut entry);
    let model = InstalledModel {
        entry: entry.into(),
        file: ModelFile::At(path),
    };
    let error = Detector::open(&runtime, &model, &SessionConfig::default()).expect_err(name);
    assert!(
        matches!(error, DetectError::Session(_) | DetectError::Head { .. }),
        "{error}"
    );
    Some(error.to_string())
}

#[test]
fn a_corrupt_model_is_an_error_that_names_the_file() {
    let Some(shared) = rig::shared() else { return };
    let whole = std::fs::read(rig::file(&shared, "yolox_nano")).expect("readable");
    let mut flipped = whole.clone();
    flipped[200..2000].fill(0xff);
    let cases = [
        ("cut", &whole[..whole.len() / 2]),
        ("flipped", &flipped),
        ("text", b"hello"),
        ("empty", b""),
    ];
    for (name, contents) in cases {
        if let Some(error) = open_file(name, contents, |_| ()) {
            eprintln!("{name}: {error}");
            assert!(error.contains("model.onnx"), "{name}: {error}");
        }
    }
}

#[test]
fn a_model_that_is_not_what_its_manifest_says_is_refused() {
    let Some(shared) = rig::shared() else { return };
    let whole = std::fs::read(rig::file(&shared, "yolox_nano")).expect("readable");
    let wrong_name = open_file("name", &whole, |entry| {
        entry.input.name = "pictures".to_owned()
    });
    let wrong_size = open_file("size", &whole, |entry| entry.input.width = 640);
    let wrong_head = open_file("head", &whole, |entry| {
        entry.head = detector::Head::NanodetPlus
    });
    let other_head = open_file("other-head", &whole, |entry| {
        entry.head = detector::Head::Deimv2
    });
    let cases = [
        (wrong_name, "no input `pictures`; its inputs are images"),
        (wrong_size, "[1, 3, 416, 640]"),
        (wrong_head, "nanodet_plus"),
        (other_head, "orig_target_sizes"),
    ];
    for (error, wanted) in cases {
        let Some(error) = error else { continue };
        eprintln!("{error}");
        assert!(error.contains(wanted), "{error}");
    }
}
