//! OpenVINO's plugin for the processor against ONNX Runtime's own kernels, of the same library: boxes, times, and the
//! cache of compiled models. Skipped where that flavour is not installed.

use std::process::Command;
use std::time::{Duration, Instant};

use capture::I420;
use detector::{Detection, Detector, Device, Manifest, Provider, SessionConfig};

use crate::failures::Folder;
use crate::{pictures, rig};

const FLAVOUR: &str = "openvino";
const RUNS: usize = 15;

/// A process has one library, and the other tests have loaded another one.
#[test]
fn openvino_finds_what_the_processor_finds() {
    if rig::shared().is_none() {
        return;
    }
    let folder = rig::places().runtime_folder();
    if !folder.is_some_and(|folder| folder.join(FLAVOUR).is_dir()) {
        eprintln!("skipped: `make runtime RUNTIME=openvino` has not been run");
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("a test program"));
    child.args(["--exact", "openvino::compare", "--ignored", "--nocapture"]);
    child.env("CARRIER_RUNTIME", FLAVOUR);
    let status = child.status().expect("starts");
    assert!(status.success(), "see above");
}

fn opened(name: &str, device: Device, engines: &Folder) -> (Detector, Duration) {
    let shared = rig::shared().expect("checked");
    let runtime = rig::runtime().expect("installed");
    let config = SessionConfig {
        threads: Some(1),
        device,
        engines: Some(engines.0.clone()),
    };
    let began = Instant::now();
    let detector = Detector::open(&runtime, &rig::model(&shared, name), &config).expect("opens");
    (detector, began.elapsed())
}

/// The median in milliseconds.
fn time_of(detector: &mut Detector, picture: &I420) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            detector.detect(picture, 0.5).expect("detects");
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Each detection that is clearly over the threshold has an equal one on the other side.
fn assert_alike(name: &str, one: &[Detection], other: &[Detection], least: f32) {
    for wanted in one.iter().filter(|one| one.score >= least + 0.05) {
        let is_equal = |found: &Detection| {
            found.class_id == wanted.class_id
                && (found.score - wanted.score).abs() <= 0.02
                && found.bbox.iou(&wanted.bbox) >= 0.95
        };
        assert!(
            other.iter().any(is_equal),
            "{name}: {wanted:?} is not among {other:?}"
        );
    }
}

#[test]
#[ignore = "a process of its own; openvino_finds_what_the_processor_finds starts it"]
fn compare() {
    let runtime = rig::runtime().expect("installed");
    assert_eq!(runtime.provider(), Provider::Openvino);
    let shared = rig::shared().expect("checked");
    let pictures = ["dog", "horses", "person"];
    let pictures = pictures.map(|name| pictures::load(&shared.join(format!("media/{name}.jpg"))));
    let engines = Folder::new("engines");
    eprintln!("model, CPU ms, OpenVINO ms, ratio, opening ms, again from the cache ms, placements");
    for entry in Manifest::built_in().expect("valid").models() {
        let name = &entry.name;
        let (mut plain, _) = opened(name, Device::On(Provider::Cpu), &engines);
        let (mut fast, first) = opened(name, Device::On(Provider::Openvino), &engines);
        assert_eq!(fast.provider(), Provider::Openvino);
        let share = fast.placements()[0].clone();
        assert!(share.nodes.is_some_and(|nodes| nodes > 0), "{share:?}");
        for picture in &pictures {
            let least = entry.min_score;
            let one = plain.detect(picture, least).expect("detects");
            let other = fast.detect(picture, least).expect("detects");
            assert_alike(name, &one, &other, least);
            assert_alike(name, &other, &one, least);
        }
        let times = [&mut plain, &mut fast].map(|one| time_of(one, &pictures[0]));
        let placements = fast.placements().to_vec();
        drop(fast);
        let (_, again) = opened(name, Device::On(Provider::Openvino), &engines);
        eprintln!(
            "{name}, {:.1}, {:.1}, {:.2}, {:.0}, {:.0}, {placements:?}",
            times[0],
            times[1],
            times[0] / times[1],
            first.as_secs_f64() * 1e3,
            again.as_secs_f64() * 1e3,
        );
    }
    let kept = engines.0.join(FLAVOUR).read_dir().expect("made").count();
    assert!(kept > 0, "nothing was kept");
}
