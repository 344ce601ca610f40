use std::sync::Arc;

use capture::canvas::{Canvas, Ink, Rect};
use capture::scene::{FPS, Scene};
use capture::{Mounting, PicturePool, WallClock};

use super::*;
use crate::detection::Detection;
use crate::tracker::TrackerConfig;
use crate::tracks::{Track, Tracks};

const SIZE: (u32, u32) = (640, 360);
/// From a frame to its tracks, on the clock of the frames.
const LATENCY: Duration = Duration::from_millis(60);

/// A station that detects what the gate selects, on a virtual clock.
struct Station {
    gate: MotionGate,
    tracker: Tracker,
    now: Instant,
    longest: Option<Duration>,
    detections: u32,
    /// Of the last detection.
    tracks: Vec<Track>,
}

impl Station {
    fn new() -> Self {
        Self {
            gate: MotionGate::default(),
            tracker: Tracker::new(TrackerConfig::for_score(0.35)),
            now: Instant::now(),
            longest: None,
            detections: 0,
            tracks: Vec::new(),
        }
    }

    /// The next frame, in which `found` would be detected. Returns whether it is detected.
    fn frame(&mut self, picture: &I420, found: &[Detection]) -> bool {
        self.now += Duration::from_secs(1) / FPS;
        let is_due = self
            .gate
            .is_due(picture, self.now, &self.tracker, self.longest);
        if is_due {
            self.detections += 1;
            MotionGate::prepare(&mut self.tracker, true);
            self.tracks = self.tracker.update(found, self.now);
            self.gate.note_detection(self.now);
        }
        is_due
    }

    /// The tracks of the last detection as the painter gets them.
    fn published(&self, picture: &I420) -> Tracks {
        Tracks {
            captured_at: self.now,
            frame_seq: 1,
            source_number: 0,
            frame_width: picture.width(),
            frame_height: picture.height(),
            mounting: Mounting::default(),
            labels: Arc::default(),
            items: self.tracks.clone(),
        }
    }

    /// The number of detections in so many seconds of frames.
    fn detections_in(
        &mut self,
        seconds: u32,
        mut frame: impl FnMut(u32) -> (I420, Vec<Detection>),
    ) -> u32 {
        let before = self.detections;
        for index in 0..seconds * FPS {
            let (picture, found) = frame(index);
            self.frame(&picture, &found);
        }
        self.detections - before
    }
}

/// A room with light and dark parts.
fn room() -> I420 {
    let mut picture = I420::black(SIZE.0, SIZE.1).expect("even");
    let width = SIZE.0 as usize;
    for (row, line) in picture.planes_mut().y.chunks_exact_mut(width).enumerate() {
        for (column, sample) in line.iter_mut().enumerate() {
            *sample = 50 + ((column / 80 + row / 60) % 5 * 30) as u8;
        }
    }
    picture
}

fn with_block(mut picture: I420, area: Rect) -> I420 {
    let ink = Ink {
        y: 230,
        u: 128,
        v: 128,
    };
    Canvas::new(&mut picture).fill_rect(area, ink, 255);
    picture
}

/// The block and its detection at a place.
fn block(x: i32) -> (I420, Vec<Detection>) {
    let area = Rect::new(x, 100, 60, 160);
    let bbox = BBox::new(x as f32, 100.0, x as f32 + 60.0, 260.0);
    let found = Detection {
        class_id: 0,
        score: 0.9,
        bbox,
    };
    (with_block(room(), area), vec![found])
}

#[test]
fn a_still_picture_is_detected_once_a_second_with_and_without_objects() {
    let mut empty = Station::new();
    let count = empty.detections_in(5, |_| (room(), Vec::new()));
    assert!((5..=6).contains(&count), "{count}");
    let mut station = Station::new();
    let count = station.detections_in(5, |_| block(200));
    assert!((5..=6).contains(&count), "{count}");
}

#[test]
fn tracks_of_a_still_picture_are_shown_until_the_next_detection() {
    let mut station = Station::new();
    let mut shown_until = station.now;
    for _ in 0..4 * FPS {
        let (picture, found) = block(200);
        if station.frame(&picture, &found) {
            let shown = station.tracker.expectations(station.now);
            let shown_for = shown.map(|object| object.shown_for).min();
            shown_until = station.now + shown_for.expect("an object");
        }
        assert!(station.now + LATENCY < shown_until);
    }
}

#[test]
fn noise_and_brightness_are_no_reason_for_a_detection() {
    let mut station = Station::new();
    let mut random = 1_u32;
    let count = station.detections_in(3, |index| {
        let mut picture = room();
        for sample in picture.planes_mut().y {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Within a second the picture becomes brighter by 20.
            let noisy =
                i32::from(*sample) + (random >> 16) as i32 % 13 - 6 + (index % FPS) as i32 * 2 / 3;
            *sample = noisy.clamp(0, 255) as u8;
        }
        (picture, Vec::new())
    });
    assert!(count <= 4, "{count}");
}

#[test]
fn what_enters_a_still_picture_is_detected_in_the_same_frame() {
    let mut station = Station::new();
    assert!(station.frame(&room(), &[]));
    for _ in 0..10 {
        assert!(!station.frame(&room(), &[]));
    }
    let part = with_block(room(), Rect::new(0, 120, 24, 120));
    assert!(station.frame(&part, &[]), "a part of somebody who comes in");
}

#[test]
fn an_object_that_is_not_confirmed_is_detected_again_soon() {
    let mut station = Station::new();
    let (picture, mut found) = block(200);
    found[0].score = 0.45;
    assert!(station.frame(&picture, &found));
    let next = (1..10).find(|_| station.frame(&picture, &found));
    assert_eq!(next, Some(2), "frames until the next detection");
    assert_eq!(station.tracker.next_id(), 2, "it is shown");
}

#[test]
fn an_object_that_has_gone_is_noticed_at_once() {
    let mut station = Station::new();
    station.detections_in(2, |_| block(200));
    let before = station.detections;
    let gone = (1..=FPS).find(|_| {
        station.frame(&room(), &[]);
        station
            .tracker
            .expectations(station.now)
            .all(|object| object.standing == Standing::Lost)
    });
    assert!(gone.is_some_and(|frames| frames <= FPS), "{gone:?}");
    assert!(station.detections - before >= 3);
}

#[test]
fn what_keeps_changing_without_an_object_is_searched_less_often_after_a_while() {
    let mut station = Station::new();
    let flicker = |index: u32| {
        let area = Rect::new(300, 40 + (index % 2) as i32 * 120, 120, 120);
        (with_block(room(), area), Vec::new())
    };
    let first = station.detections_in(2, flicker);
    assert!((12..=16).contains(&first), "{first}");
    let later = station.detections_in(4, flicker);
    assert!((12..=18).contains(&later), "{later}");
}

#[test]
fn a_shorter_longest_time_is_kept_although_nothing_moves() {
    let mut station = Station::new();
    station.longest = Some(Duration::from_secs(1) / 6);
    let count = station.detections_in(5, |_| block(200));
    assert!(count >= 30, "{count}");
}

#[test]
fn another_size_of_picture_is_detected_at_once() {
    let mut station = Station::new();
    assert!(station.frame(&room(), &[]));
    assert!(!station.frame(&room(), &[]));
    let other = I420::black(320, 180).expect("even");
    assert!(station.frame(&other, &[]));
    assert!(!station.frame(&other, &[]));
}

/// Painted boxes of the test scene at video rate against the true ones. A detection finds what is there with errors as of
/// a small model.
#[test]
fn boxes_stay_on_the_moving_things_of_the_scene_with_six_detections_a_second() {
    const SECONDS: u32 = 20;
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("prepares");
    let mut station = Station::new();
    let (mut random, mut newest, mut coming) = (1_u32, None::<Tracks>, None);
    let (mut painted, mut iou_sum) = (0_u32, 0.0);
    for index in 0..SECONDS * FPS {
        let elapsed = Duration::from_secs(u64::from(index)) / FPS;
        let frame = scene.frame_at(elapsed, station.now + Duration::from_secs(1) / FPS, 1);
        let truth: Vec<BBox> = frame
            .truth
            .iter()
            .flat_map(|all| all.iter())
            .map(|object| {
                let [x1, y1, x2, y2] = object.bbox_px;
                BBox::new(x1, y1, x2, y2)
            })
            .collect();
        let mut error = |side: f32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((random >> 16) as f32 / 65_536.0 - 0.5) * 0.06 * side
        };
        let found = truth.iter().map(|bbox| Detection {
            class_id: 0,
            score: 0.7,
            bbox: BBox::new(
                bbox.x1 + error(bbox.width()),
                bbox.y1 + error(bbox.height()),
                bbox.x2 + error(bbox.width()),
                bbox.y2 + error(bbox.height()),
            ),
        });
        let found: Vec<Detection> = found.collect();
        if coming.as_ref().is_some_and(|(due, _)| *due <= station.now) {
            newest = coming.take().map(|(_, tracks)| tracks);
        }
        if coming.is_some() {
            // The detector is busy.
            station.now += Duration::from_secs(1) / FPS;
        } else if station.frame(&frame.pixels, &found) {
            coming = Some((station.now + LATENCY, station.published(&frame.pixels)));
        }
        for track in newest
            .iter()
            .flat_map(|tracks| tracks.predicted_at(frame.captured_at))
        {
            let best = truth
                .iter()
                .map(|bbox| bbox.iou(&track.bbox))
                .fold(0.0, f32::max);
            painted += 1;
            iou_sum += best;
        }
    }
    let (mean, rate) = (
        iou_sum / painted as f32,
        station.detections as f32 / SECONDS as f32,
    );
    let share = painted as f32 / (4 * SECONDS * FPS) as f32;
    assert!(mean > 0.85, "IoU {mean} with {rate} detections a second");
    assert!(share > 0.95, "{share} of the boxes were painted");
    assert!(rate < 7.0, "{rate} detections a second");
}
