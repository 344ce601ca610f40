//! `carrier eval` from outside.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use capture::convert::{Turn, rotate};
use capture::jpeg::JpegEncoder;
use capture::scene::Scene;
use capture::{Frame, PicturePool, WallClock};
use serde_json::{Value, json};

use crate::station::{command, fresh_folder};

const MODEL: &str = "yolox_nano.onnx";

/// Pictures whose content is known.
struct Known {
    home: PathBuf,
}

impl Known {
    fn new() -> Self {
        Self {
            home: fresh_folder(),
        }
    }

    fn coco(&self) -> PathBuf {
        self.home.join("instances.json")
    }

    /// Writes the file of annotations for the picture `a.png`.
    fn annotate(&self, (width, height): (u32, u32)) {
        let all = json!({
            "images": [{"id": 1, "file_name": "a.png", "width": width, "height": height}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [2, 2, 9, 9]}],
            "categories": [{"id": 3, "name": "person"}, {"id": 4, "name": "unicorn"}],
        });
        std::fs::write(self.coco(), all.to_string()).expect("written");
    }

    fn paint(&self) {
        let grey = image::RgbImage::from_pixel(65, 48, image::Rgb([90, 90, 90]));
        grey.save(self.home.join("a.png")).expect("written");
    }

    fn eval(&self, model: &Path) -> Output {
        eval(&self.home, model, &self.coco(), &self.home)
    }

    /// The error message; asserts the exit code.
    fn error_message(&self, model: &Path) -> String {
        let output = self.eval(model);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(output.stdout.is_empty(), "no half result");
        text
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// One annotated picture: class and `[left, top, width, height]`.
struct Annotated {
    file: &'static str,
    size: (u32, u32),
    boxes: Vec<(&'static str, [f32; 4])>,
}

/// Frames of the test scene as JPEG, with their true boxes.
struct Frames {
    scene: Scene,
    encoder: JpegEncoder,
    pool: PicturePool,
}

impl Frames {
    fn new() -> Self {
        Self {
            scene: Scene::new(WallClock::start(), PicturePool::new(2)).expect("prepares"),
            encoder: JpegEncoder::new().expect("starts"),
            pool: PicturePool::new(2),
        }
    }

    /// The upright frame at this second, with its boxes.
    fn jpeg(&mut self, second: u64, file: &'static str) -> (Vec<u8>, Annotated) {
        let (frame, boxes) = self.frame(second);
        let jpeg = self.encoder.encode(&frame.pixels, 90).expect("encodes");
        let size = (frame.pixels.width(), frame.pixels.height());
        (jpeg, Annotated { file, size, boxes })
    }

    /// As a phone held upright stores it: rotated, with EXIF orientation 6. The boxes are those of the
    /// stored pixels, as from a tool that ignores EXIF.
    fn turned(&mut self, second: u64, file: &'static str) -> (Vec<u8>, Annotated) {
        let (frame, boxes) = self.frame(second);
        let pixels = rotate(&frame.pixels, Turn::ThreeQuarters, &self.pool).expect("turns");
        let size = (pixels.width(), pixels.height());
        let upright_width = frame.pixels.width() as f32;
        let lying = boxes.into_iter().map(|(class, [x, y, width, height])| {
            (class, [y, upright_width - x - width, height, width])
        });
        let boxes = lying.collect();
        let plain = self.encoder.encode(&pixels, 90).expect("encodes");
        let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let jpeg = [&plain[..2], exif, &plain[2..]].concat();
        (jpeg, Annotated { file, size, boxes })
    }

    fn frame(&self, second: u64) -> (Frame, Vec<(&'static str, [f32; 4])>) {
        let elapsed = Duration::from_secs(second);
        let frame = self.scene.frame_at(elapsed, Instant::now(), 0);
        let truth = frame.truth.clone().expect("known");
        let boxed = truth.iter().map(|truth| {
            let [x1, y1, x2, y2] = truth.bbox_px;
            (truth.class, [x1, y1, x2 - x1, y2 - y1])
        });
        let boxes = boxed.collect();
        (frame, boxes)
    }
}

/// An annotation file as tools write it: names with `./`, whole numbers with a point, a byte order mark.
fn coco_file(pictures: &[Annotated]) -> String {
    let classes = ["stop sign", "clock"];
    let categories: Vec<Value> = (1..)
        .zip(classes)
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect();
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for (id, picture) in (1..).zip(pictures) {
        let (width, height) = picture.size;
        let file = format!("./{}", picture.file);
        images.push(
            json!({"id": f64::from(id), "file_name": file, "width": width, "height": height}),
        );
        annotations.extend(picture.boxes.iter().map(|(class, bbox)| {
            let category = 1 + classes.iter().position(|one| one == class).expect("known");
            json!({"image_id": id, "category_id": category, "bbox": bbox, "iscrowd": false})
        }));
    }
    let all = json!({"images": images, "annotations": annotations, "categories": categories});
    format!("\u{feff}{all}")
}

fn eval(home: &Path, model: &Path, coco: &Path, images: &Path) -> Output {
    command(home)
        .args(["eval", "--format", "json", "--model"])
        .arg(model)
        .arg("--coco")
        .arg(coco)
        .arg("--images")
        .arg(images)
        .output()
        .expect("runs")
}

/// A model and the data to measure it with.
fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("CARRIER_SHARED").map(PathBuf::from);
    if shared.is_none() {
        println!("skipped: CARRIER_SHARED is not set");
    }
    shared
}

/// The report; `None` without ONNX Runtime.
fn report(output: &Output) -> Option<Value> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("ONNX Runtime") {
        println!("skipped: {complaint}");
        return None;
    }
    assert!(output.status.success(), "{complaint}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON on stdout"))
}

#[test]
fn an_invalid_annotation_file_is_named() {
    let known = Known::new();
    let model = Path::new(MODEL);
    assert!(known.error_message(model).contains("instances.json"));
    std::fs::write(known.coco(), "{\"images\": []}").expect("written");
    let text = known.error_message(model);
    assert!(
        text.contains("instances.json") && text.contains("annotations"),
        "{text}"
    );
    known.annotate((65, 48));
    let text = known.error_message(model);
    assert!(text.contains("a.png"), "{text}");
    known.paint();
    let text = known.error_message(model);
    assert!(text.contains(MODEL), "{text}");
    let usage = command(&known.home).arg("eval").output().expect("runs");
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_picture_of_another_size_or_none_at_all_is_named() {
    let Some(shared) = shared() else { return };
    let model = shared.join("models").join(MODEL);
    let known = Known::new();
    known.paint();
    known.annotate((65, 48));
    let Some(nothing_found) = report(&known.eval(&model)) else {
        return;
    };
    assert_eq!(nothing_found["ap"], 0.0);
    assert_eq!(nothing_found["left_out"], json!(["unicorn"]));
    known.annotate((64, 48));
    let text = known.error_message(&model);
    assert!(
        text.contains("a.png is 65x48") && text.contains("64x48"),
        "{text}"
    );
    std::fs::write(known.home.join("a.png"), "hello").expect("written");
    let text = known.error_message(&model);
    assert!(text.contains("a.png") && text.contains("PNG"), "{text}");
}

#[test]
fn one_bad_picture_is_named_and_the_others_are_measured() {
    let (known, mut frames) = (Known::new(), Frames::new());
    let write = |(jpeg, told): (Vec<u8>, Annotated)| {
        std::fs::write(known.home.join(told.file), jpeg).expect("written");
        told
    };
    let good = [
        write(frames.jpeg(1, "a.jpg")),
        write(frames.jpeg(2, "b.jpg")),
    ];
    let turned = write(frames.turned(3, "turned.jpg"));
    let (whole, cut) = frames.jpeg(4, "cut.jpg");
    let cut = write((whole[..whole.len() / 3].to_vec(), cut));
    let page = write((b"<html>".to_vec(), frames.jpeg(5, "page.jpg").1));
    let missing = frames.jpeg(6, "missing.jpg").1;
    let (jpeg, mut other_size) = frames.jpeg(7, "size.jpg");
    other_size.size.0 += 2;
    let other_size = write((jpeg, other_size));
    let [a, b] = good;
    let all = coco_file(&[cut, a, page, b, missing, turned, other_size]);
    std::fs::write(known.coco(), all).expect("written");

    let output = known.eval(Path::new("embedded"));
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("ONNX Runtime") {
        println!("skipped: {words}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{words}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON on stdout");
    assert_eq!(report["pictures"], 3, "{report}");
    let bad = report["not_measured"].as_array().expect("a list");
    for name in ["cut.jpg", "page.jpg", "missing.jpg", "size.jpg"] {
        let named = bad
            .iter()
            .filter(|one| one.as_str().is_some_and(|one| one.contains(name)));
        assert_eq!(named.count(), 1, "{name}: {report}");
        assert!(words.contains(name), "{name}: {words}");
    }
    assert_eq!(bad.len(), 4, "{report}");
    // All boxes matched, those of the rotated picture too.
    assert!(
        report["ap50"].as_f64().expect("measured") > 0.99,
        "{report}"
    );
}

/// The first pictures of the shared set, as an annotation file.
fn first_pictures(shared: &Path, how_many: usize) -> Value {
    let file = shared.join("eval/coco80_288/instances.json");
    let text = std::fs::read(file).expect("the shared annotations");
    let mut all: Value = serde_json::from_slice(&text).expect("JSON");
    let images = all["images"].as_array_mut().expect("pictures");
    images.truncate(how_many);
    all
}

#[test]
fn a_good_model_is_found_good() {
    let Some(shared) = shared() else { return };
    let known = Known::new();
    let coco = first_pictures(&shared, 24).to_string();
    std::fs::write(known.coco(), coco).expect("written");
    let images = shared.join("eval/coco80_288/images");
    let output = eval(
        &known.home,
        &shared.join("models").join(MODEL),
        &known.coco(),
        &images,
    );
    let Some(report) = report(&output) else {
        return;
    };
    let number = |value: &Value| value.as_f64().expect("a number");
    println!("{report}");
    let [ap, ap50, ap75] = ["ap", "ap50", "ap75"].map(|name| number(&report[name]));
    assert!(ap > 0.2 && ap50 < 0.9, "{report}");
    assert!(ap < ap50 && ap75 < ap50, "{report}");
    assert!(
        number(&report["classes"]["person"]["ap50"]) > 0.3,
        "{report}"
    );
    assert!(number(&report["ms_per_image"]) > 0.1);
    assert_eq!(report["pictures"], 24);
    assert_eq!(report["left_out"], json!([]));
}

/// Rows `| class | AP | AP50 | boxes |` of the model card.
fn model_card_rows() -> Vec<(String, f64, f64)> {
    let card = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/EMBEDDED.md");
    let card = std::fs::read_to_string(card).expect("the model card");
    let table = card
        .split("<!-- judge -->")
        .nth(1)
        .expect("the marked table");
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let class = cells.next()?.to_owned();
        Some((
            class,
            cells.next()?.parse().ok()?,
            cells.next()?.parse().ok()?,
        ))
    };
    table.lines().filter_map(row).collect()
}

#[test]
fn the_model_card_tells_what_is_measured() {
    let Some(shared) = shared() else { return };
    let known = Known::new();
    let judge = shared.join("eval/coco80_288");
    let coco = judge.join("instances.json");
    let output = eval(
        &known.home,
        Path::new("embedded"),
        &coco,
        &judge.join("images"),
    );
    let Some(report) = report(&output) else {
        return;
    };
    let told = model_card_rows();
    assert!(told.iter().any(|(class, ..)| class == "person"), "{told:?}");
    for (class, ap, ap50) in told {
        let measured = &report["classes"][&class];
        for (told, name) in [(ap, "ap"), (ap50, "ap50")] {
            let measured = measured[name].as_f64().expect("measured");
            // Rounding differs between processors, which moves a few boxes.
            assert!((measured - told).abs() < 0.01, "{class} {name}: {measured}");
        }
    }
}
