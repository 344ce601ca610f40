//! Average precision against pycocotools, the reference implementation.

use std::path::{Path, PathBuf};
use std::process::Command;

use detector::coco::{Accuracy, Annotations, BoxXywh, Classes, Evaluation, Id, ScoredBox};
use serde_json::Value;

/// A tolerance for sums in another order.
const NEAR: f64 = 1e-9;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/coco_ap")
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).expect("the fixture is there")
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&read(folder, name)).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The results in the picture `id`.
fn found_in(id: &Id, results: &Value, truth: &Annotations) -> Vec<ScoredBox> {
    let number_of = |id: &Value| Id::Number(id.as_i64().expect("a whole number"));
    let category = |id: &Value| {
        let id = number_of(id);
        let place = truth.categories.iter().position(|one| one.id == id);
        place.expect("a category of the file")
    };
    let results = results.as_array().expect("a list").iter();
    results
        .filter(|one| number_of(&one["image_id"]) == *id)
        .map(|one| ScoredBox {
            category: category(&one["category_id"]),
            rect: BoxXywh::from([0, 1, 2, 3].map(|side| number(&one["bbox"][side]))),
            score: number(&one["score"]),
        })
        .collect()
}

/// Our accuracy, without the classes that pycocotools left out.
fn accuracy(folder: &Path, truth: &Annotations) -> Accuracy {
    let left_out = json(folder, "expected.json")["left_out"].clone();
    let left_out = left_out.as_array().expect("a list");
    let names = truth.categories.iter().map(|one| one.name.clone());
    let labels: Vec<String> = names
        .filter(|name| !left_out.contains(&Value::from(name.as_str())))
        .collect();
    let classes = Classes::new(&labels, &truth.categories);
    let results = json(folder, "results.json");
    let mut evaluation = Evaluation::new(classes.offered());
    for picture in &truth.pictures {
        evaluation.add(&picture.boxes, found_in(&picture.id, &results, truth));
    }
    evaluation.accuracy().expect("boxes to be found")
}

fn assert_as_expected(folder: &Path) {
    let truth = Annotations::parse(&read(folder, "truth.json")).expect("a COCO file");
    let ours = accuracy(folder, &truth);
    let wanted = json(folder, "expected.json");
    let near = |what: &str, ours: f64, wanted: &Value| {
        let wanted = number(wanted);
        assert!((ours - wanted).abs() < NEAR, "{what}: {ours}, not {wanted}");
    };
    near("ap", ours.ap, &wanted["ap"]);
    near("ap50", ours.ap50, &wanted["ap50"]);
    near("ap75", ours.ap75, &wanted["ap75"]);
    let classes = wanted["classes"].as_object().expect("classes");
    assert_eq!(ours.classes.len(), classes.len());
    assert!(classes.len() >= 3, "a test of something");
    for class in &ours.classes {
        let name = &truth.categories[class.category].name;
        near(name, class.ap, &classes[name]["ap"]);
        near(name, class.ap50, &classes[name]["ap50"]);
    }
}

#[test]
fn average_precision_is_that_of_pycocotools() {
    assert_as_expected(&fixture());
}

#[test]
fn average_precision_is_that_of_pycocotools_on_fresh_pictures() {
    let Some(python) = std::env::var_os("CARRIER_PYCOCOTOOLS") else {
        eprintln!("skipped: CARRIER_PYCOCOTOOLS (a Python that has pycocotools) is not set");
        return;
    };
    for seed in 2..=13 {
        let folder = std::env::temp_dir().join(format!("carrier-ap-{}-{seed}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let made = Command::new(&python)
            .arg(fixture().join("make.py"))
            .args(["--seed", &seed.to_string()])
            .arg(&folder)
            .output()
            .expect("CARRIER_PYCOCOTOOLS names a Python");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        assert_as_expected(&folder);
        std::fs::remove_dir_all(&folder).expect("cleaned");
    }
}
