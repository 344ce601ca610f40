//! Painted boxes at video rate against the scene's true boxes: what a viewer sees, not what inference
//! returned.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::scene::{FPS, Scene};
use capture::{Frame, Next, PicturePool, Slot, Truth, WallClock};
use detector::{
    BBox, DetectorConfig, DetectorMetrics, DetectorState, ModelChoice, Pace, Places, Track, Tracks,
    WorkerParts,
};

use crate::timing::HANG_TIMEOUT;

/// In frames of the scene.
const SETTLING: u64 = 2 * FPS as u64;
const WATCHING: u64 = 8 * FPS as u64;
/// How many frames an inference takes on the scene's clock, however long this machine needs.
const INFERENCE: u64 = 3;
/// The measure of "boxes stick to moving things".
const LEAST_MEAN_IOU: f64 = 0.75;
const LEAST_PAINTED: f64 = 0.85;

#[test]
fn painted_boxes_stick_to_moving_things() {
    let Some(shared) = std::env::var_os("CARRIER_SHARED").map(PathBuf::from) else {
        println!("skipped: CARRIER_SHARED is not set");
        return;
    };
    let places = Places::from_lookup(|name| match name {
        "CARRIER_MODELS" => Some(OsString::from(shared.join("models"))),
        other => std::env::var_os(other),
    });
    watch("yolox_nano", places);
}

#[test]
fn the_embedded_model_detects_the_scene() {
    watch(
        "embedded",
        Places::from_lookup(|name| std::env::var_os(name)),
    );
}

fn watch(model: &str, places: Places) {
    let frames = Slot::<Frame>::new();
    let tracks = Slot::<Tracks>::new();
    let state = Slot::<DetectorState>::new();
    let pace = Arc::new(Pace::default());
    pace.set_watched(true);
    let worker = detector::spawn_worker(
        WorkerParts {
            frames: frames.reader(),
            tracks: Arc::clone(&tracks),
            state: Arc::clone(&state),
            pace,
            sightings: Default::default(),
            tuning: Arc::default(),
            model: Arc::default(),
            metrics: Arc::new(DetectorMetrics::default()),
            threads: capture::Threads::default(),
        },
        DetectorConfig {
            model: ModelChoice::Named(model.to_owned()),
            places,
            ..DetectorConfig::default()
        },
    )
    .expect("the detector starts");

    match running(&state) {
        Ok(()) => measure_boxes(model, &frames, &tracks),
        Err(why) => println!("skipped: {why}"),
    }
    worker.stop();
}

fn running(state: &Arc<Slot<DetectorState>>) -> Result<(), String> {
    let mut states = state.reader();
    let until = Instant::now() + HANG_TIMEOUT;
    while let Next::Newer(state) = states.wait(until.saturating_duration_since(Instant::now())) {
        match &*state {
            DetectorState::Running { .. } => return Ok(()),
            DetectorState::Missing { message, .. } => return Err(message.clone()),
            DetectorState::Failed { message, .. } => panic!("{message}"),
            DetectorState::Off | DetectorState::Warming => {}
        }
    }
    panic!("the detector neither runs nor says why");
}

/// Computes, for each frame, the boxes that the painter would paint. The scene's clock is the only one: tracks
/// are used `INFERENCE` frames after the frame they belong to, and then the next frame is detected.
fn measure_boxes(model: &str, frames: &Arc<Slot<Frame>>, tracks: &Arc<Slot<Tracks>>) {
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("prepares");
    let (mut found, began) = (tracks.reader(), Instant::now());
    let (mut judged, mut painted, mut iou_sum, mut strays) = (0_u32, 0_u32, 0.0, 0_u32);
    let (mut newest, mut next) = (None::<Arc<Tracks>>, None);
    for seq in 0..SETTLING + WATCHING {
        let elapsed = Duration::from_secs(seq) / FPS;
        let draw = || scene.frame_at(elapsed, began + elapsed, seq);
        if seq % INFERENCE == 0 {
            newest = next.take();
            frames.publish(draw());
            let Next::Newer(tracks) = found.wait(HANG_TIMEOUT) else {
                panic!("nothing is found in frame {seq}");
            };
            assert_eq!(tracks.frame_seq, seq);
            next = Some(tracks);
        }
        let Some(newest) = newest.as_ref().filter(|_| seq >= SETTLING) else {
            continue;
        };
        let frame = draw();
        let boxes = newest.predicted_at(frame.captured_at);
        let truth = frame.truth.as_deref().expect("the scene knows");
        // Only classes that the model has count.
        let offered = |thing: &&Truth| newest.labels.iter().any(|label| *label == thing.class);
        for thing in truth.iter().filter(offered) {
            judged += 1;
            if let Some(iou) = best_iou(thing, &boxes, newest) {
                painted += 1;
                iou_sum += f64::from(iou);
            }
        }
        strays += boxes.iter().filter(|found| is_stray(found, truth)).count() as u32;
    }
    assert!(judged > 0, "{model} offers nothing that is in the scene");
    let (share, mean) = (
        f64::from(painted) / f64::from(judged),
        iou_sum / f64::from(painted),
    );
    println!(
        "{model}: {judged} things in frames, {:.1} % painted, mean IoU {mean:.3}, {strays} strays",
        share * 100.0
    );
    assert!(
        share >= LEAST_PAINTED,
        "{share:.3} of the things were painted"
    );
    assert!(mean >= LEAST_MEAN_IOU, "mean IoU {mean:.3}");
}

fn best_iou(thing: &Truth, boxes: &[Track], tracks: &Tracks) -> Option<f32> {
    let of_class = boxes
        .iter()
        .filter(|found| tracks.label(found.class_id) == thing.class);
    let ious = of_class.map(|found| found.bbox.iou(&truth_box(thing)));
    ious.filter(|iou| *iou > 0.3).max_by(f32::total_cmp)
}

fn is_stray(found: &Track, truth: &[Truth]) -> bool {
    truth
        .iter()
        .all(|thing| found.bbox.iou(&truth_box(thing)) < 0.1)
}

fn truth_box(thing: &Truth) -> BBox {
    let [x1, y1, x2, y2] = thing.bbox_px;
    BBox { x1, y1, x2, y2 }
}
