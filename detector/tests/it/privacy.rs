//! Privacy with real models: faces that stay unknown after blurring, and how much leaves un-hidden.

mod clip;
mod faces;
mod leaks;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, I420, PicturePool};
use detector::privacy::{
    PrivacyControl, PrivacyFilter, PrivacyMode, PrivacySettings, Sighting, Sightings,
};
use detector::{Detection, InstalledModel, ModelEntry, ModelFile};

const YUNET: &str = r#"
name = "yunet_n_640_640"
licence = "Apache-2.0"
head = "yunet"
labels = ["face"]
min_score = 0.6
nms_iou = 0.3

[input]
name = "input"
width = 640
height = 640
layout = "nchw"
colour = "bgr"
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
resize = "stretch"
"#;

const ULTRAFACE: &str = r#"
name = "ultraface_rfb_320"
licence = "MIT"
head = "ultraface"
labels = ["face"]
min_score = 0.7
nms_iou = 0.3

[input]
name = "input"
width = 320
height = 240
layout = "nchw"
colour = "rgb"
mean = [127.0, 127.0, 127.0]
std = [128.0, 128.0, 128.0]
resize = "stretch"
"#;

/// A model that the manifest does not list, from the shared folder.
fn face_model(shared: &Path, manifest: &str) -> InstalledModel {
    let entry = Arc::new(ModelEntry::parse(manifest).expect("valid"));
    let file = shared.join(format!("models/{}.onnx", entry.name));
    InstalledModel {
        entry,
        file: ModelFile::At(file),
    }
}

/// A filter in one mode, and the way to its sightings.
fn filter(mode: PrivacyMode) -> (PrivacyFilter, Sightings) {
    let settings = PrivacySettings {
        mode,
        ..PrivacySettings::default()
    };
    let control = PrivacyControl::new(settings).expect("valid");
    let sightings = Sightings {
        control: Arc::new(control),
        ..Sightings::default()
    };
    (PrivacyFilter::new(sightings.clone()), sightings)
}

fn sighting(
    picture: &I420,
    captured_at: Instant,
    labels: &[String],
    detections: &[Detection],
) -> Sighting {
    let frame = Frame::new(PicturePool::new(1).copy_of(picture), 1, captured_at);
    Sighting::new(&frame, labels, detections)
}

/// A still picture as the filter shows it, with these detections.
fn filtered(
    picture: &I420,
    mode: PrivacyMode,
    labels: &[String],
    detections: &[Detection],
) -> I420 {
    let (mut filter, sightings) = filter(mode);
    let start = Instant::now();
    filter.apply(&mut picture.clone(), start);
    sightings
        .slot
        .publish(sighting(picture, start, labels, detections));
    let mut shown = picture.clone();
    filter.apply(&mut shown, start + Duration::from_millis(33));
    shown
}
