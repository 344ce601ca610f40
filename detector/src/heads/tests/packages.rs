//! Decoding against the post-processing of the packages that export the models. Their outputs and results are made
//! outside of this repository and are not part of it; without them there is nothing to compare.

use serde_json::Value;

use super::super::decoding::Values;
use super::*;
use crate::detection::suppress;

/// The folder of results, one JSON file for each model: `head`, `width`, `height`, `classes`, `min_score`, `nms_iou`
/// (or null), `outputs` (by the name that the head uses: `shape` and `values`) and `expected`, a list of class,
/// score, left, top, right, bottom in pixels of the input. `clipped` is true where the package clips them to it.
const FOLDER: &str = "CARRIER_PACKAGE_RESULTS";

/// In pixels.
const MOST_OFF: f64 = 1e-2;

struct Recorded(Vec<(String, ArrayD<f32>)>);

impl RawOutputs for Recorded {
    fn floats(&self, output: &'static str) -> Result<Values<'_, f32>, HeadError> {
        let found = self.0.iter().find(|(name, _)| name == output);
        let why = "not recorded".to_owned();
        let view = found.map(|(_, array)| array.view().into());
        view.ok_or(HeadError::Output { output, why })
    }

    fn integers(&self, output: &'static str) -> Result<Values<'_, i64>, HeadError> {
        let floats = self.floats(output)?;
        Ok(floats.map(|value| *value as i64).into())
    }

    fn nan_share(&self) -> f32 {
        0.0
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().expect("a list").iter();
    all.map(|one| one.as_f64().expect("a number")).collect()
}

fn recorded(case: &Value) -> Recorded {
    let outputs = case["outputs"].as_object().expect("outputs").iter();
    let read = |(name, output): (&String, &Value)| {
        let shape: Vec<usize> = numbers(&output["shape"])
            .iter()
            .map(|one| *one as usize)
            .collect();
        let values = numbers(&output["values"])
            .iter()
            .map(|one| *one as f32)
            .collect();
        let array = ArrayD::from_shape_vec(shape, values).expect("as many as the shape says");
        (name.clone(), array)
    };
    Recorded(outputs.map(read).collect())
}

fn decoded(case: &Value) -> Vec<Detection> {
    let head = Head::deserialize(&case["head"]).expect("a head");
    let number = |key: &str| case[key].as_f64();
    let side = |key: &str| number(key).expect("a size") as usize;
    let mut decoder = head.decoder(HeadConfig {
        input: InputSize {
            width: side("width"),
            height: side("height"),
        },
        classes: side("classes"),
        box_units: None,
    });
    let mut found = Vec::new();
    let min_score = number("min_score").expect("a score") as f32;
    let decoding = decoder.decode(&recorded(case), min_score, &mut found);
    decoding.expect("decodes");
    if let Some(iou) = number("nms_iou") {
        suppress(&mut found, iou as f32);
    }
    if case["clipped"] == true {
        let (width, height) = (side("width") as f32, side("height") as f32);
        for one in &mut found {
            one.bbox = BBox::new(
                one.bbox.x1.clamp(0.0, width),
                one.bbox.y1.clamp(0.0, height),
                one.bbox.x2.clamp(0.0, width),
                one.bbox.y2.clamp(0.0, height),
            );
        }
    }
    found
}

/// The largest difference of a corner, and how many of `expected` have no equal.
fn compare(found: &[Detection], expected: &[Value]) -> (f64, usize) {
    let (mut most, mut missing) = (0.0_f64, 0);
    for wanted in expected {
        let wanted = numbers(wanted);
        let off = |one: &&Detection| {
            let corners = [one.bbox.x1, one.bbox.y1, one.bbox.x2, one.bbox.y2].map(f64::from);
            let pairs = corners.iter().zip(&wanted[2..]);
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let is_same = |one: &&Detection| {
            one.class_id as f64 == wanted[0] && (f64::from(one.score) - wanted[1]).abs() < 1e-5
        };
        let nearest = found.iter().filter(is_same).map(|one| off(&one));
        match nearest
            .min_by(f64::total_cmp)
            .filter(|off| *off <= MOST_OFF)
        {
            Some(off) => most = most.max(off),
            None => missing += 1,
        }
    }
    (most, missing)
}

#[test]
#[allow(clippy::print_stderr)]
fn decoding_agrees_with_the_packages() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        eprintln!("skipped: {FOLDER} is not set");
        return;
    };
    let mut failed = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let case: Value = serde_json::from_str(&text).expect("JSON");
        let expected = case["expected"].as_array().expect("a list");
        let found = decoded(&case);
        let (most, missing) = compare(&found, expected);
        let (name, wanted, here) = (path.display(), expected.len(), found.len());
        eprintln!("{name}: {wanted} expected, {here} found, {missing} missing, {most:.6} px off");
        if missing > 0 || wanted != here || wanted == 0 {
            failed.push(path);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
