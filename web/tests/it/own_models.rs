//! Model files of the owner: `carrier models add`, and a station whose model carrier does not understand.

use std::path::{Path, PathBuf};

use crate::station::{Station, command, fresh_folder};

/// A made file of the detector's tests, copied into `home`.
fn copied(home: &Path, name: &str) -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../detector/tests/fixtures/onnx");
    let target = home.join(name);
    std::fs::copy(made.join(name), &target).expect("copied");
    target
}

/// Exit code and everything printed. `None`: there is no ONNX Runtime.
fn ran(home: &Path, args: &[&str]) -> Option<(Option<i32>, String)> {
    let output = command(home).args(args).output().expect("runs");
    let printed = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&printed).into_owned();
    if text.contains("make runtime") {
        println!("skipped: {text}");
        return None;
    }
    Some((output.status.code(), text))
}

#[test]
fn a_manifest_is_written_beside_a_file_that_is_recognised() {
    let home = fresh_folder();
    copied(&home, "yolov8.onnx");
    let add = ["models", "add", "yolov8.onnx"];
    let Some((code, text)) = ran(&home, &add) else {
        return;
    };
    assert_eq!(code, Some(0), "{text}");
    let manifest = std::fs::read_to_string(home.join("yolov8.toml")).expect("written");
    assert!(manifest.contains("head = \"yolov8\""), "{manifest}");
    assert!(
        text.contains(&manifest) && text.contains("--model ./yolov8.onnx"),
        "{text}"
    );
    // Blind to the picture, it misses what the test scene shows.
    assert!(text.contains("test picture"), "{text}");
    let (code, text) = ran(&home, &add).expect("ran before");
    assert!(code == Some(1) && text.contains("--force"), "{text}");
    let (code, text) = ran(&home, &[&add[..], &["--force"]].concat()).expect("ran before");
    assert_eq!(code, Some(0), "{text}");
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_file_that_is_unclear_gets_a_manifest_to_fill_in_and_never_stops_the_feed() {
    let home = fresh_folder();
    let model = copied(&home, "unclear.onnx").to_string_lossy().into_owned();
    let mut station = Station::start(&["--model", &model]);
    station.wait_ready();
    let status = station.status();
    let detector = |key: &str| status["detector"][key].as_str().unwrap_or_default();
    let message = detector("message").to_owned();
    if !message.contains("make runtime") {
        assert_eq!(detector("state"), "failed", "{status}");
        assert!(message.contains("`what` is f32 [1, 5, 9]"), "{status}");
        assert!(detector("fix").contains("carrier models add"), "{status}");
    }
    station.assert_feed_runs();
    drop(station);
    if let Some((code, text)) = ran(&home, &["models", "add", &model]) {
        assert_eq!(code, Some(1), "{text}");
        let draft = std::fs::read_to_string(home.join("unclear.toml")).expect("written");
        assert!(draft.contains("FILL IN") && text.contains(&draft), "{text}");
        let (code, text) = ran(&home, &["detect", "--model", &model, "x.jpg"]).expect("ran before");
        assert!(code == Some(1) && text.contains("unclear.toml"), "{text}");
    }
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn a_model_that_is_damaged_or_returns_nan_is_named_and_the_feed_goes_on() {
    for (name, said) in [("odd_nan.onnx", "NaN"), ("cut.onnx", "cannot be loaded")] {
        let home = fresh_folder();
        let whole = copied(&home, "odd_nan.onnx");
        let model = home.join(name);
        if model != whole {
            let bytes = std::fs::read(&whole).expect("copied");
            std::fs::write(&model, &bytes[..bytes.len() / 2]).expect("written");
        }
        let mut station = Station::start(&["--model", &model.to_string_lossy()]);
        station.wait_ready();
        let status = station.status();
        let message = status["detector"]["message"].as_str().unwrap_or_default();
        if !message.contains("make runtime") {
            assert_eq!(status["detector"]["state"], "failed", "{status}");
            assert!(message.contains(said), "{status}");
        }
        station.assert_feed_runs();
        drop(station);
        std::fs::remove_dir_all(home).expect("cleaned");
    }
}
