//! After blurring, face detectors do not find the faces that they found before.

use std::path::{Path, PathBuf};

use capture::I420;
use detector::privacy::{Hidden, PrivacyMode};
use detector::{BBox, Detection, Detector};

use super::{ULTRAFACE, YUNET, face_model, filtered};
use crate::{pictures, rig};

/// Faces are found from this score on, before and after.
const FOUND: f32 = 0.5;
/// A face counts as the same with this IoU.
const SAME: f32 = 0.2;
/// With this many faces the test ends.
const ENOUGH: usize = 80;
/// Smaller faces cannot be recognised by anybody.
const LEAST_PX: f32 = 20.0;

fn stills(shared: &Path) -> Vec<PathBuf> {
    let folders = ["media", "eval/coco80_288/images"].map(|folder| shared.join(folder));
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("readable"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jpg"));
    paths.sort();
    paths
}

/// The box of a person with this face who sits in front of a webcam.
fn bust(face: &Detection) -> Detection {
    let (cx, _) = face.bbox.centre();
    let (width, height) = (face.bbox.width(), face.bbox.height());
    let bbox = BBox::new(
        cx - 1.3 * width,
        face.bbox.y1 - 0.3 * height,
        cx + 1.3 * width,
        face.bbox.y2 + 1.2 * height,
    );
    Detection { bbox, ..*face }
}

/// Blurs these faces in three ways and returns those that are found all the same.
fn found_again(
    detector: &mut Detector,
    picture: &I420,
    faces: &[Detection],
    name: &str,
) -> Vec<String> {
    let busts: Vec<Detection> = faces.iter().map(bust).collect();
    let mut again = Vec::new();
    for (mode, label, seen) in [
        (PrivacyMode::BlurFaces, "face", faces),
        (PrivacyMode::BlurFaces, "person", &busts),
        (PrivacyMode::BlurPeople, "person", &busts),
    ] {
        let shown = filtered(picture, mode, &[label.to_owned()], seen);
        let found = detector.detect(&shown, FOUND).expect("detects");
        for face in faces {
            let same = found.iter().find(|one| one.bbox.iou(&face.bbox) > SAME);
            again.extend(same.map(|one| {
                let width = face.bbox.width();
                format!(
                    "{name}, {mode} by a {label}: {width:.0} px, score {:.2}",
                    one.score
                )
            }));
        }
    }
    again
}

#[test]
fn no_face_is_found_after_blurring() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    for name in [YUNET, ULTRAFACE] {
        let mut detector = rig::open(&runtime, &face_model(&shared, name));
        let (mut before, mut again) = (0, Vec::new());
        for path in stills(&shared) {
            let picture = pictures::load(&path);
            let mut faces = detector.detect(&picture, FOUND).expect("detects");
            faces.retain(|face| face.bbox.width().min(face.bbox.height()) >= LEAST_PX);
            if faces.is_empty() {
                continue;
            }
            before += faces.len();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            again.extend(found_again(&mut detector, &picture, &faces, &name));
            if before >= ENOUGH {
                break;
            }
        }
        let name = detector.name();
        eprintln!(
            "{name}: {before} faces, {} found after blurring in three ways",
            again.len()
        );
        assert!(before >= ENOUGH, "{name}: there are faces to hide");
        assert!(again.is_empty(), "{name}: {again:#?}");
    }
}

#[test]
fn the_filter_tells_what_it_hides() {
    let (mut filter, _) = super::filter(PrivacyMode::BlurPeople);
    let mut picture = capture::I420::black(64, 48).expect("even");
    filter.apply(&mut picture, std::time::Instant::now());
    assert_eq!(filter.hidden(), Hidden::Whole);
}
