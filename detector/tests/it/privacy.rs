//! Privacy with real models: faces that stay unknown after blurring, and how much leaves un-hidden.

mod faces;
mod leaks;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, I420, PicturePool};
use detector::privacy::{
    PrivacyControl, PrivacyFilter, PrivacyMode, PrivacySettings, Sighting, Sightings,
};
use detector::{Detection, InstalledModel, Manifest, ModelFile};

const YUNET: &str = "yunet_n_640_640";
const ULTRAFACE: &str = "ultraface_rfb_320";

/// A model of the manifest, from the shared folder.
fn face_model(shared: &Path, name: &str) -> InstalledModel {
    let manifest = Manifest::built_in().expect("valid");
    let entry = manifest.by_name(name).expect("listed");
    let file = shared.join(format!("models/{name}.onnx"));
    InstalledModel {
        entry: Arc::clone(entry),
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
