//! `carrier eval` from outside.

use std::path::{Path, PathBuf};
use std::process::Output;

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

    /// What the program complains about, with the right exit code.
    fn complaint(&self, model: &Path) -> String {
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

/// The report, unless there is no ONNX Runtime here.
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
fn a_file_that_is_not_right_is_named() {
    let known = Known::new();
    let model = Path::new(MODEL);
    assert!(known.complaint(model).contains("instances.json"));
    std::fs::write(known.coco(), "{\"images\": []}").expect("written");
    let text = known.complaint(model);
    assert!(
        text.contains("instances.json") && text.contains("annotations"),
        "{text}"
    );
    known.annotate((65, 48));
    let text = known.complaint(model);
    assert!(text.contains("a.png"), "{text}");
    known.paint();
    let text = known.complaint(model);
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
    let text = known.complaint(&model);
    assert!(
        text.contains("a.png is 65x48") && text.contains("64x48"),
        "{text}"
    );
    std::fs::write(known.home.join("a.png"), "hello").expect("written");
    let text = known.complaint(&model);
    assert!(text.contains("a.png") && text.contains("PNG"), "{text}");
}

/// The first pictures of the shared set, as a file of its own.
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

/// Rows `| class | AP | AP50 | boxes |` of the table that the judging pictures made.
fn told_in_the_card() -> Vec<(String, f64, f64)> {
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
    let told = told_in_the_card();
    assert!(told.iter().any(|(class, ..)| class == "person"), "{told:?}");
    for (class, ap, ap50) in told {
        let measured = &report["classes"][&class];
        for (told, name) in [(ap, "ap"), (ap50, "ap50")] {
            let measured = measured[name].as_f64().expect("measured");
            // Another processor rounds differently, which moves a box or two.
            assert!((measured - told).abs() < 0.01, "{class} {name}: {measured}");
        }
    }
}
