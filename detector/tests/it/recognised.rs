//! Model files without a manifest: the published ones are recognised as what the manifest says of them, and
//! the made ones (`detector/tests/fixtures/onnx/make.py`) detect what was put into them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detector::{
    Detection, Detector, DetectorConfig, Manifest, ModelChoice, ModelFile, OpenError, Places,
    Recognised, SessionConfig, examine, open,
};

use crate::failures::Folder;
use crate::{pictures, rig};

fn places() -> Places {
    Places::from_lookup(|name| std::env::var_os(name))
}

#[test]
fn published_files_are_what_the_manifest_says() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let dog = pictures::load(&shared.join("media/dog.jpg"));
    for wanted in Manifest::built_in().expect("valid").models() {
        let path = rig::file(&shared, &wanted.name);
        let examined = examine(&places(), &path).expect("a model");
        let Recognised { entry, .. } =
            examined.unwrap_or_else(|unclear| panic!("{}: {unclear}", wanted.name));
        assert_eq!(entry.head, wanted.head, "{}", wanted.name);
        assert_eq!(entry.labels, wanted.labels, "{}", wanted.name);
        assert_eq!(entry.input, wanted.input, "{}", wanted.name);
        assert_eq!(entry.outputs, wanted.outputs, "{}", wanted.name);
        assert_eq!(entry.dimensions, wanted.dimensions, "{}", wanted.name);
        let mut model = rig::model(&shared, &wanted.name);
        let known = rig::open(&runtime, &model).detect(&dog, 0.3);
        let max_iou = entry.nms_iou;
        model.entry = Arc::new(entry);
        let found = rig::open(&runtime, &model).detect(&dog, 0.3);
        if max_iou == wanted.nms_iou {
            assert_eq!(
                known.expect("detects"),
                found.expect("detects"),
                "{}",
                wanted.name
            );
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/onnx/{name}"))
}

/// Opens a made file as `--model FILE` does. `None`: there is no runtime.
fn opened(name: &str) -> Option<Result<Detector, OpenError>> {
    rig::runtime()?;
    let config = DetectorConfig {
        model: ModelChoice::File(fixture(name)),
        places: places(),
        session: SessionConfig {
            threads: Some(1),
            ..SessionConfig::default()
        },
        ..DetectorConfig::default()
    };
    let opened = open(&config, &Arc::default());
    Some(opened.map(|detector| detector.expect("a model was asked for")))
}

/// Class, score and box of every made file, on a picture of 640x480.
const LABEL: &str = "stop sign";
const SCORE: f32 = 0.75;
const BOX: [f32; 4] = [160.0, 120.0, 320.0, 360.0];

fn assert_is_made(name: &str, found: &[Detection], labels: &[String]) {
    let [one] = found else {
        panic!("{name}: {found:?}");
    };
    assert_eq!(labels[one.class_id], LABEL, "{name}");
    assert!((one.score - SCORE).abs() < 2e-3, "{name}: {}", one.score);
    let corners = [one.bbox.x1, one.bbox.y1, one.bbox.x2, one.bbox.y2];
    for (found, wanted) in corners.into_iter().zip(BOX) {
        // Half precision has steps of a quarter at 320.
        assert!((found - wanted).abs() < 1.0, "{name}: {corners:?}");
    }
}

#[test]
fn made_files_of_every_kind_work_without_a_manifest() {
    let picture = capture::I420::black(640, 480).expect("even");
    let names = [
        "yolov5",
        "yolov8",
        "yolov8_half",
        "yolov8_dynamic",
        "yolov10",
        "rtdetr_rows",
        "rtdetr_rows",
        "yolox",
        "yolox_decoded",
        "rf_detr",
        "optimum",
        "d_fine",
        "ssd",
        "external",
    ];
    for name in names {
        let Some(opened) = opened(&format!("{name}.onnx")) else {
            return;
        };
        let mut detector = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = detector.detect(&picture, 0.5).expect("detects");
        assert_is_made(name, &found, &detector.labels());
        // Blind to the picture, they miss the things of the test scene.
        let warning = detector.warning().unwrap_or_default();
        assert!(
            warning.contains("stop sign") || warning.contains("clock"),
            "{name}: {warning}"
        );
    }
}

#[test]
fn a_wrong_guess_is_noticed() {
    let cases = [
        ("odd_nan_boxes.onnx", "NaN"),
        ("odd_outside.onnx", "outside of the picture"),
        ("odd_equal.onnx", "all scores are equal"),
        ("odd_whole.onnx", "covers the whole picture"),
    ];
    for (name, odd) in cases {
        let Some(opened) = opened(name) else { return };
        let detector = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        let warning = detector.warning().unwrap_or_default();
        assert!(warning.contains(odd), "{name}: {warning}");
    }
    let Some(error) = opened("odd_nan.onnx") else {
        return;
    };
    let error = error.expect_err("nothing but NaN").to_string();
    assert!(error.contains("NaN"), "{error}");
}

#[test]
fn what_is_unclear_or_damaged_is_said() {
    let Some(unclear) = opened("unclear.onnx") else {
        return;
    };
    let error = unclear.expect_err("unclear");
    for part in [
        "`images` is f32 [1, 3, 64, 64]",
        "`what` is f32 [1, 5, 9]",
        "unclear.onnx",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
    let fix = error.fix.expect("a command");
    assert!(fix.starts_with("carrier models add "), "{fix}");
    // The weights of this one are in a file beside it.
    let folder = Folder::new("external");
    let alone = folder.0.join("external.onnx");
    std::fs::copy(fixture("external.onnx"), &alone).expect("copied");
    let error = examine(&places(), &alone).expect_err("half of it is missing");
    assert!(error.message.contains("external.onnx"), "{error}");
    std::fs::copy(fixture("external.bin"), folder.0.join("external.bin")).expect("copied");
    let recognised = examine(&places(), &alone).expect("whole").expect("clear");
    std::fs::write(folder.0.join("external.toml"), recognised.manifest).expect("written");
    let store = detector::ModelStore::new(&places()).expect("valid");
    let found = store
        .find(&ModelChoice::File(alone.clone()))
        .expect("has a manifest");
    let model = found.expect("asked for");
    assert_eq!(
        (model.file, &*model.entry),
        (ModelFile::At(alone), &recognised.entry)
    );
}
