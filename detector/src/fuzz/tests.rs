use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

/// How long each target runs mutated inputs.
const TIME: Duration = Duration::from_secs(2);

/// Has a folder for each target.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");

#[test]
fn no_target_fails_on_its_corpus_and_on_mutations_of_it() {
    fuzzing::run_all(&TARGETS, Path::new(CORPUS), TIME);
}

#[test]
fn the_seeds_reach_what_they_are_for() {
    for (name, text) in manifests() {
        let is_read = ModelEntry::parse(&text).is_ok() || Manifest::parse(&text).is_ok();
        assert!(is_read, "{name}");
    }
    for (name, text) in model_files() {
        assert!(recognise("model", &signature(&text)).is_ok(), "{name}");
    }
    for (head, input) in all_outputs() {
        let mut run = Run::of(&input).expect(head);
        let mut found = Vec::new();
        let decoded = run.decoder.decode(&run.tensors, run.min_score, &mut found);
        decoded.expect(head);
        assert!(!found.is_empty(), "{head}");
    }
}

fn manifests() -> Vec<(&'static str, String)> {
    let embedded = include_str!("../../../models/embedded.toml").to_owned();
    let all = include_str!("../../../models/manifest.toml").to_owned();
    vec![("embedded", embedded), ("built-in", all)]
}

/// As exporters write them.
fn model_files() -> Vec<(&'static str, String)> {
    let text = |records: &[&[&str]]| -> String {
        let records: Vec<String> = records.iter().map(|fields| fields.join("\t")).collect();
        records.join("\x1e")
    };
    let yolov8 = text(&[
        &["input", "images", "f32", "1", "3", "384", "640"],
        &["output", "output0", "f32", "1", "7", "5040"],
        &["metadata", "task", "detect"],
        &["metadata", "stride", "32"],
        &["metadata", "imgsz", "[384, 640]"],
        &["metadata", "names", "{0: 'cat', 1: 'dog', 2: 'stop sign'}"],
    ]);
    let yolox = text(&[
        &["input", "images", "f32", "1", "3", "416", "416"],
        &["output", "output", "f32", "1", "3549", "85"],
    ]);
    let dfine = text(&[
        &["input", "images", "f32", "N", "3", "640", "640"],
        &["input", "orig_target_sizes", "i64", "N", "2"],
        &["output", "labels", "i64", "N", "300"],
        &["output", "boxes", "f32", "N", "300", "4"],
        &["output", "scores", "f32", "N", "300"],
    ]);
    vec![("yolov8", yolov8), ("yolox", yolox), ("dfine", dfine)]
}

/// Of each head, with the shapes that it wants for 96x64 pixels and 3 classes, and high scores.
fn all_outputs() -> Vec<(&'static str, Vec<u8>)> {
    let grid: &[&[u16]] = &[&[126, 8]];
    let distributions: &[&[u16]] = &[&[128, 35]];
    let rows: &[&[u16]] = &[&[7, 6]];
    let heads: [(&'static str, &[&[u16]]); 13] = [
        ("yolox", grid),
        ("nanodet_plus", distributions),
        ("deimv2", &[&[7], &[7, 4], &[7]]),
        ("fastestdet", &[&[8, 4, 6]]),
        (
            "yunet",
            &[
                &[96, 1],
                &[96, 1],
                &[96, 4],
                &[24, 1],
                &[24, 1],
                &[24, 4],
                &[6, 1],
                &[6, 1],
                &[6, 4],
            ],
        ),
        ("ultraface", &[&[7, 2], &[7, 4]]),
        ("yolov5", &[&[7, 8]]),
        ("yolov8", &[&[7, 7]]),
        ("yolov10", rows),
        ("detr", &[&[7, 3], &[7, 4]]),
        ("rtdetr_rows", rows),
        ("ssd", &[&[7], &[7, 4], &[7]]),
        (
            "picodet",
            &[
                &[96, 3],
                &[96, 32],
                &[24, 3],
                &[24, 32],
                &[6, 3],
                &[6, 32],
                &[2, 3],
                &[2, 32],
            ],
        ),
    ];
    heads
        .map(|(head, shapes)| (head, input(head, shapes)))
        .into()
}

/// All numbers are 1.0, as floats; as integers 2 (see [`Tensors`]).
fn input(head: &str, shapes: &[&[u16]]) -> Vec<u8> {
    let mut bytes = [head.as_bytes(), b"\n\x03\x19\x00"].concat();
    for (index, shape) in shapes.iter().enumerate() {
        bytes.push(u8::try_from(shape.len()).expect("few axes"));
        bytes.extend(shape.iter().flat_map(|length| length.to_le_bytes()));
        let is_labels = head == "deimv2" && index == 0;
        let number = if is_labels { 12 } else { 110 };
        bytes.extend([1, number]);
    }
    bytes
}

/// `cargo test -p detector --lib fuzz::tests::writes -- --ignored`. Files that a fuzzer found are kept.
#[test]
#[ignore = "changes files of the repository"]
fn writes_the_corpus() {
    let bytes = |(name, text): (&'static str, String)| (name, text.into_bytes());
    let of_targets = [
        ("manifest", manifests().into_iter().map(bytes).collect()),
        ("model-file", model_files().into_iter().map(bytes).collect()),
        ("outputs", all_outputs()),
    ];
    for (target, inputs) in of_targets {
        fs::create_dir_all(Path::new(CORPUS).join(target)).expect("a folder");
        for (name, bytes) in inputs {
            fs::write(Path::new(CORPUS).join(target).join(name), bytes).expect("written");
        }
    }
}
