//! The tracker on simulated sequences, measured as TrackEval measures: crossings, occlusions, entries at speed, turns,
//! cameras that pan and shake, at 30, 10 and 5 detections a second.
//!
//! `cargo test -p detector --lib benchmark -- --ignored --nocapture` prints all figures and writes the sequences and
//! results in the format of the MOT challenge to `target/tracking`, for `models/reference/compare_trackers.py`.

mod metrics;
mod noise;
mod scenes;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::camera_motion::CameraMotion;
use crate::detection::BBox;
use metrics::{Picture, Score};
use noise::NoisyDetector;
use scenes::{FPS, Film, SECONDS, Scene, Seen};

/// Detections a second, and after how many pictures they are ready to be painted.
const RATES: [(u32, u32); 3] = [(30, 1), (10, 2), (5, 3)];

/// One scene with the detections of every picture.
struct Sequence {
    scene: Scene,
    seen: Vec<Vec<Seen>>,
    detections: Vec<Vec<Detection>>,
    pictures: Vec<capture::I420>,
}

impl Sequence {
    fn of(scene: Scene, seed: u32) -> Self {
        let mut detector = NoisyDetector::new(seed);
        let mut film = Film::new();
        let times = (0..(SECONDS * FPS) as u32).map(|frame| frame as f32 / FPS);
        let seen: Vec<Vec<Seen>> = times.clone().map(|time| scene.at(time)).collect();
        Self {
            detections: seen.iter().map(|seen| detector.detect(seen)).collect(),
            pictures: times.map(|time| film.picture(&scene, time)).collect(),
            scene,
            seen,
        }
    }

    fn picture(&self, frame: usize, found: &[(u32, BBox)]) -> Picture {
        let (hidden, seen): (Vec<Seen>, Vec<Seen>) =
            self.seen[frame].iter().partition(|one| one.is_hidden());
        let truth = seen.iter().map(|one| (one.id, one.bbox)).collect();
        let hidden: Vec<BBox> = hidden.iter().map(|one| one.bbox).collect();
        Picture::new(truth, &hidden, found.to_vec())
    }
}

/// Boxes with numbers, for each picture that has any: what the tracker said of detected pictures, and what was painted.
#[derive(Default)]
struct Outcome {
    tracked: Vec<(usize, Vec<(u32, BBox)>)>,
    painted: Vec<Vec<(u32, BBox)>>,
}

fn boxes(tracks: &[Track]) -> Vec<(u32, BBox)> {
    let clipped = |track: &Track| {
        let inside = track.bbox.clipped(scenes::WIDTH, scenes::HEIGHT)?;
        Some((track.id as u32, inside))
    };
    tracks.iter().filter_map(clipped).collect()
}

/// `has_camera`: with the measured motion of the camera.
fn follow(sequence: &Sequence, (rate, late): (u32, u32), has_camera: bool) -> Outcome {
    let (start, every) = (Instant::now(), FPS as usize / rate as usize);
    let mut tracker = Tracker::new(TrackerConfig::default());
    let (mut of_detector, mut of_painter) = (CameraMotion::default(), CameraMotion::default());
    let mut detected_at = None;
    let (mut outcome, mut results) = (Outcome::default(), Vec::new());
    for frame in 0..sequence.seen.len() {
        let now = start + Duration::from_secs_f64(frame as f64 / f64::from(FPS));
        let picture = &sequence.pictures[frame];
        if frame.is_multiple_of(every) {
            of_detector.observe(picture, now);
            let moved = detected_at.and_then(|before| of_detector.since(before));
            detected_at = Some(now);
            let moved = moved.filter(|_| has_camera).unwrap_or_default();
            let items = tracker.update_moved(&sequence.detections[frame], now, moved);
            outcome.tracked.push((frame, boxes(&items)));
            let mut tracks = tracks_of(items, now);
            (tracks.frame_width, tracks.frame_height) = (scenes::WIDTH, scenes::HEIGHT);
            results.push((frame + late as usize, tracks));
        }
        of_painter.observe(picture, now);
        let newest = results.iter().rev().find(|(ready, _)| *ready <= frame);
        let painted = newest.map(|(_, tracks)| {
            let view = of_painter.since(tracks.captured_at).filter(|_| has_camera);
            boxes(&tracks.predicted_in_view(now, view))
        });
        outcome.painted.push(painted.unwrap_or_default());
    }
    outcome
}

/// Of the detected pictures, and of what is painted at video rate.
fn scores(sequence: &Sequence, outcome: &Outcome) -> (Score, Score) {
    let tracked = outcome.tracked.iter();
    let tracked: Vec<Picture> = tracked
        .map(|(frame, found)| sequence.picture(*frame, found))
        .collect();
    let painted = outcome.painted.iter().enumerate();
    let painted: Vec<Picture> = painted
        .map(|(frame, found)| sequence.picture(frame, found))
        .collect();
    (Score::of(&tracked), Score::of(&painted))
}

#[test]
fn objects_are_followed_through_crossings_occlusions_and_turns() {
    let (mut tracked, mut painted) = (Score::default(), Score::default());
    for (seed, scene) in (1..).zip(scenes::all().into_iter().take(4)) {
        let sequence = Sequence::of(scene, seed);
        let (one, other) = scores(&sequence, &follow(&sequence, (10, 2), true));
        tracked.add(&one);
        painted.add(&other);
    }
    let found = (
        tracked.mota(),
        tracked.idf1(),
        tracked.hota(),
        painted.mean_iou(),
    );
    // What is measured, less a little.
    assert!(tracked.mota() > 0.75, "{found:?}");
    assert!(tracked.idf1() > 0.68, "{found:?}");
    assert!(tracked.hota() > 0.64, "{found:?}");
    assert!(painted.mean_iou() > 0.66, "{found:?}");
}

#[test]
#[ignore = "writes files"]
fn all_sequences_are_measured_and_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tracking");
    let mut totals = vec![(Score::default(), Score::default()); RATES.len()];
    for (seed, scene) in (1..).zip(scenes::all()) {
        let sequence = Sequence::of(scene, seed);
        for (rate, total) in RATES.into_iter().zip(&mut totals) {
            if sequence.scene.has_moving_camera() {
                let (tracked, painted) = scores(&sequence, &follow(&sequence, rate, false));
                report("(as if still)", rate.0, &tracked, &painted);
            }
            let outcome = follow(&sequence, rate, true);
            write(&root, &sequence, rate, &outcome).expect("written");
            let (tracked, painted) = scores(&sequence, &outcome);
            report(sequence.scene.name, rate.0, &tracked, &painted);
            total.0.add(&tracked);
            total.1.add(&painted);
        }
    }
    for (rate, (tracked, painted)) in RATES.into_iter().zip(&totals) {
        report("all", rate.0, tracked, painted);
    }
}

#[allow(clippy::print_stderr)]
fn report(name: &str, rate: u32, tracked: &Score, painted: &Score) {
    eprintln!(
        "{name:<13} {rate:>2}/s  MOTA {:.4}  IDF1 {:.4}  HOTA {:.4}  switches {:>3}   painted: IoU {:.4}  HOTA {:.4}",
        tracked.mota(),
        tracked.idf1(),
        tracked.hota(),
        tracked.switches(),
        painted.mean_iou(),
        painted.hota(),
    );
}

/// `gt.txt` (every picture; hidden objects have the confidence 0), `det.txt`, `ours.txt` (pictures with detections) and
/// `painted.txt` (every picture), in a folder for each scene and rate.
fn write(
    root: &Path,
    sequence: &Sequence,
    (rate, late): (u32, u32),
    outcome: &Outcome,
) -> std::io::Result<()> {
    let folder = root.join(format!("{}-{rate}", sequence.scene.name));
    std::fs::create_dir_all(&folder)?;
    let row = |text: &mut String, frame: usize, id: i64, bbox: &BBox, rest: &str| {
        let BBox { x1, y1, .. } = bbox;
        let (width, height) = (bbox.width(), bbox.height());
        let frame = frame + 1;
        writeln!(
            text,
            "{frame},{id},{x1:.3},{y1:.3},{width:.3},{height:.3},{rest}"
        )
    };
    let (mut truth, mut detections, mut ours, mut painted) = Default::default();
    let every = FPS as usize / rate as usize;
    for (frame, seen) in sequence.seen.iter().enumerate() {
        for one in seen {
            let counts = u8::from(!one.is_hidden());
            let rest = format!("{counts},1,{:.3}", one.visible);
            row(&mut truth, frame, one.id.into(), &one.bbox, &rest).expect("a string");
        }
        for (id, bbox) in &outcome.painted[frame] {
            row(&mut painted, frame, (*id).into(), bbox, "1,-1,-1,-1").expect("a string");
        }
        for found in sequence.detections[frame]
            .iter()
            .filter(|_| frame.is_multiple_of(every))
        {
            let rest = format!("{:.4},-1,-1,-1", found.score);
            row(&mut detections, frame, -1, &found.bbox, &rest).expect("a string");
        }
    }
    for (frame, found) in &outcome.tracked {
        for (id, bbox) in found {
            row(&mut ours, *frame, (*id).into(), bbox, "1,-1,-1,-1").expect("a string");
        }
    }
    let length = sequence.seen.len();
    let about = format!("[Sequence]\nframes={length}\nevery={every}\nlate={late}\n");
    std::fs::write(folder.join("sequence.ini"), about)?;
    std::fs::write(folder.join("gt.txt"), truth)?;
    std::fs::write(folder.join("det.txt"), detections)?;
    std::fs::write(folder.join("ours.txt"), ours)?;
    std::fs::write(folder.join("painted.txt"), painted)
}
