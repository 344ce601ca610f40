//! Painted boxes at video rate with the motion gate, on real clips with a real model. The reference are the tracks of a
//! tracker that gets every frame at once.
//!
//! `cargo test -p detector --test it motion_gate -- --ignored --nocapture` measures whole clips.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use capture::{I420, Mounting};
use detector::{Detection, MotionGate, Track, Tracker, TrackerConfig, Tracks};

use crate::clip::Clip;
use crate::rig;

const CLIPS: [&str; 4] = [
    "one-by-one-person-detection",
    "bottle-detection",
    "webcam_asl_640x480",
    "gif_head-pose-face-detection-female-and-male",
];
/// From the capture of a frame to its tracks, and the time in which the detector is busy with it.
const LATENCY: Duration = Duration::from_millis(50);
/// Pictures of each clip in the test.
const FRAMES: usize = 240;
/// The mean IoU of painted boxes with the reference.
const LEAST_IOU: f64 = 0.85;
/// Objects from this score on do not flicker, so that each must be painted ...
const CERTAIN_SCORE: f32 = 0.6;
/// ... in this share of its pictures, compared with a station that detects as often as it can.
const LEAST_SHARE: f64 = 0.95;
/// ... and so soon after its first one, at most.
const APPEARS_WITHIN: Duration = Duration::from_millis(400);

/// What a viewer sees, compared with the reference.
#[derive(Default)]
struct Tally {
    painted: u32,
    iou_sum: f64,
    certain: u32,
    certain_painted: u32,
    detections: u32,
    /// For each certain object, when it appeared and how much later it was painted.
    appeared: BTreeMap<u64, (Instant, Option<Duration>)>,
}

impl Tally {
    fn add(&mut self, at: Instant, painted: &[Track], reference: &[Track]) {
        let overlap = |one: &Track, others: &[Track]| {
            let same = others.iter().filter(|other| other.class_id == one.class_id);
            same.map(|other| other.bbox.iou(&one.bbox))
                .fold(0.0, f32::max)
        };
        for track in painted {
            self.painted += 1;
            self.iou_sum += f64::from(overlap(track, reference));
        }
        for object in reference
            .iter()
            .filter(|object| object.score >= CERTAIN_SCORE)
        {
            let is_painted = overlap(object, painted) > 0.5;
            self.certain += 1;
            self.certain_painted += u32::from(is_painted);
            let (since, after) = self.appeared.entry(object.id).or_insert((at, None));
            if is_painted && after.is_none() {
                *after = Some(at - *since);
            }
        }
    }

    fn mean_iou(&self) -> f64 {
        self.iou_sum / f64::from(self.painted.max(1))
    }

    fn share(&self) -> f64 {
        f64::from(self.certain_painted) / f64::from(self.certain.max(1))
    }

    fn latest_appearance(&self) -> Duration {
        let delays = self.appeared.values().filter_map(|(_, after)| *after);
        delays.max().unwrap_or_default()
    }
}

/// A station on a virtual clock.
struct Station {
    gate: Option<MotionGate>,
    tracker: Tracker,
    newest: Option<Tracks>,
    coming: Option<(Instant, Tracks)>,
    tally: Tally,
}

impl Station {
    fn new(gate: Option<MotionGate>, config: TrackerConfig) -> Self {
        let mut tracker = Tracker::new(config);
        MotionGate::prepare(&mut tracker, gate.is_some());
        Self {
            gate,
            tracker,
            newest: None,
            coming: None,
            tally: Tally::default(),
        }
    }

    fn frame(&mut self, picture: &I420, at: Instant, found: &[Detection], reference: &[Track]) {
        if self.coming.as_ref().is_some_and(|(due, _)| *due <= at) {
            self.newest = self.coming.take().map(|(_, tracks)| tracks);
        }
        let mut is_due = |gate: &mut MotionGate| gate.is_due(picture, at, &self.tracker, None);
        if self.coming.is_none() && self.gate.as_mut().is_none_or(&mut is_due) {
            self.tally.detections += 1;
            let items = self.tracker.update(found, at);
            if let Some(gate) = &mut self.gate {
                gate.note_detection(at);
            }
            self.coming = Some((at + LATENCY, tracks(picture, at, items)));
        }
        let newest = self.newest.as_ref();
        let painted = newest
            .map(|tracks| tracks.predicted_at(at))
            .unwrap_or_default();
        self.tally.add(at, &painted, reference);
    }
}

fn tracks(picture: &I420, captured_at: Instant, items: Vec<Track>) -> Tracks {
    Tracks {
        captured_at,
        frame_seq: 0,
        source_number: 0,
        frame_width: picture.width(),
        frame_height: picture.height(),
        mounting: Mounting::default(),
        labels: [].into(),
        items,
    }
}

#[test]
fn boxes_of_clips_stay_on_their_objects_with_fewer_detections() {
    measure(FRAMES);
}

#[test]
#[ignore = "takes minutes"]
fn boxes_of_whole_clips_stay_on_their_objects_with_fewer_detections() {
    measure(usize::MAX);
}

fn measure(frames: usize) {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let mut detector = rig::open(&runtime, &rig::model(&shared, "yolox_nano"));
    let config = TrackerConfig::for_score(detector.min_score());
    for name in CLIPS {
        let Some(clip) = Clip::open(&shared.join(format!("media/{name}.mp4"))) else {
            return;
        };
        let (fps, start) = (clip.fps, Instant::now());
        let mut reference = Tracker::new(config);
        let mut always = Station::new(None, config);
        let mut gated = Station::new(Some(MotionGate::default()), config);
        let mut count = 0;
        for picture in clip.take(frames) {
            let at = start + Duration::from_secs_f64(f64::from(count) / fps);
            count += 1;
            let found = detector
                .detect(&picture, config.weak_score)
                .expect("detects");
            let items = reference.update(&found, at);
            let items = tracks(&picture, at, items).predicted_at(at);
            always.frame(&picture, at, &found, &items);
            gated.frame(&picture, at, &found, &items);
        }
        let seconds = f64::from(count) / fps;
        for (what, Station { tally, .. }) in [("always", &always), ("motion", &gated)] {
            eprintln!(
                "{name:.20} {what}: {:4.1} detections a second, IoU {:.3}, {:.3} of certain objects, appearing within {:.2?}",
                f64::from(tally.detections) / seconds,
                tally.mean_iou(),
                tally.share(),
                tally.latest_appearance(),
            );
        }
        let (always, gated) = (always.tally, gated.tally);
        assert!(
            gated.mean_iou() > LEAST_IOU,
            "{name}: IoU {}",
            gated.mean_iou()
        );
        let share = gated.share() / always.share();
        assert!(share > LEAST_SHARE, "{name}: {share} of certain objects");
        let latest = gated.latest_appearance();
        assert!(
            latest <= APPEARS_WITHIN,
            "{name}: painted only after {latest:?}"
        );
        assert!(
            f64::from(gated.detections) < f64::from(always.detections) * 0.7,
            "{name}: {} of {} detections",
            gated.detections,
            always.detections
        );
    }
}
