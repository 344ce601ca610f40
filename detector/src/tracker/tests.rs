//! On a virtual clock, with simulated moving objects and noisy detections.

mod benchmark;
mod confirming;

use std::sync::Arc;

use super::*;
use crate::tracks::Tracks;

const MS: Duration = Duration::from_millis(1);

/// Pseudo-random, the same in every run.
struct Noise(u32);

impl Noise {
    /// Uniform in 0..1 (Numerical Recipes' generator).
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }

    /// About normal (sum of twelve), standard deviation 1.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() - 6.0
    }

    fn stray(&mut self, bbox: BBox, px: f32) -> BBox {
        let mut edge = |at: f32| at + self.normal() * px;
        BBox::new(edge(bbox.x1), edge(bbox.y1), edge(bbox.x2), edge(bbox.y2))
    }
}

fn seen(class_id: usize, score: f32, bbox: BBox) -> Detection {
    Detection {
        class_id,
        score,
        bbox,
    }
}

fn square(x: f32, y: f32) -> BBox {
    BBox::around(x, y, 100.0, 100.0)
}

fn ids(tracks: &[Track]) -> Vec<u64> {
    tracks.iter().map(|track| track.id).collect()
}

fn tracks_of(items: Vec<Track>, captured_at: Instant) -> Tracks {
    let labels = Arc::from(["object".to_owned()]);
    let (frame_width, frame_height) = (1280, 720);
    Tracks {
        captured_at,
        frame_seq: 0,
        source_number: 0,
        frame_width,
        frame_height,
        mounting: Default::default(),
        labels,
        items,
    }
}

/// How a simulated object is captured, detected and painted.
struct Film {
    seconds: f32,
    detect_every: u32,
    /// Frames between the capture of a frame and the first painting of its detections.
    late: u32,
    stray_px: f32,
}

/// The mean IoU of the boxes painted at 30 fps with the true ones, from the first box on.
fn painted_iou(film: &Film, place: impl Fn(f32) -> BBox) -> f32 {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(1));
    let mut results: Vec<(u32, Tracks)> = Vec::new();
    let (mut sum, mut painted) = (0.0, 0_u32);
    for frame in 0..(film.seconds * 30.0) as u32 {
        let time = frame as f32 / 30.0;
        let now = start + Duration::from_secs_f32(time);
        if frame % film.detect_every == 0 {
            let found = seen(0, 0.8, noise.stray(place(time), film.stray_px));
            let items = tracker.update(&[found], now);
            results.push((frame + film.late, tracks_of(items, now)));
        }
        let Some((_, newest)) = results.iter().rev().find(|(ready, _)| *ready <= frame) else {
            continue;
        };
        let boxes = newest.predicted_at(now);
        assert_eq!(boxes.len(), 1, "always one box, frame {frame}");
        sum += boxes[0].bbox.iou(&place(time));
        painted += 1;
    }
    sum / painted as f32
}

/// Moves back and forth at 300 px/s with sharp turns, the worst case for the filter.
fn to_and_fro(time: f32) -> BBox {
    let way = (time * 300.0) % 1600.0;
    let x = if way < 800.0 { way } else { 1600.0 - way };
    BBox::around(240.0 + x, 360.0, 120.0, 160.0)
}

#[test]
fn predicted_boxes_overlap_well_at_ten_detections_a_second() {
    let film = Film {
        seconds: 10.0,
        detect_every: 3,
        late: 0,
        stray_px: 3.0,
    };
    let iou = painted_iou(&film, to_and_fro);
    assert!(iou >= 0.92, "prompt: {iou}");
    let late = painted_iou(&Film { late: 2, ..film }, to_and_fro);
    assert!(late >= 0.89, "two frames late: {late}");
}

#[test]
fn predicted_boxes_overlap_well_when_detection_is_one_frame_late() {
    let film = Film {
        seconds: 10.0,
        detect_every: 1,
        late: 1,
        stray_px: 3.0,
    };
    let iou = painted_iou(&film, to_and_fro);
    assert!(iou >= 0.94, "{iou}");
}

#[test]
fn boxes_follow_curves_and_growth() {
    let film = Film {
        seconds: 10.0,
        detect_every: 3,
        late: 2,
        stray_px: 3.0,
    };
    let round = |time: f32| {
        let (sin, cos) = (time * 2.0).sin_cos();
        let size = 1.0 + 0.4 * (time * 1.5).sin();
        BBox::around(
            640.0 + 150.0 * cos,
            360.0 + 150.0 * sin,
            140.0 * size,
            180.0 * size,
        )
    };
    let iou = painted_iou(&film, round);
    assert!(iou >= 0.8, "{iou}");
}

#[test]
fn boxes_of_still_objects_jitter_less_than_the_detections() {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(5));
    let place = square(600.0, 300.0);
    let (mut raw, mut shown) = (0.0, 0.0);
    for step in 0..200 {
        let now = start + MS * 100 * step;
        let found = noise.stray(place, 4.0);
        let tracks = tracks_of(tracker.update(&[seen(0, 0.8, found)], now), now);
        let painted = tracks.predicted_at(now + MS * 67);
        if step >= 10 {
            raw += (found.x1 - place.x1).powi(2);
            shown += (painted[0].bbox.x1 - place.x1).powi(2);
        }
    }
    assert!(shown < 0.75 * raw, "painted {shown}, detected {raw}");
}

#[test]
fn boxes_of_still_objects_jitter_by_less_than_a_pixel() {
    // What yolox_nano's boxes do on a still picture with a sensor's noise, for objects of 40 to 400 pixels.
    for (size, period) in [
        (40.0, 33),
        (100.0, 33),
        (200.0, 100),
        (400.0, 100),
        (200.0, 200),
    ] {
        let start = Instant::now();
        let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(5));
        let place = BBox::around(600.0, 300.0, size, size);
        let (mut squared, mut count) = ([0.0_f32; 4], 0.0);
        for step in 0..(12_000 / period) {
            let now = start + MS * period * step;
            let found = noise.stray(place, 0.006 * size + 0.3);
            let tracks = tracks_of(tracker.update(&[seen(0, 0.8, found)], now), now);
            let painted = tracks.predicted_at(now + MS * 50)[0].bbox;
            if step * period > 2000 {
                let edges = |bbox: &BBox| [bbox.x1, bbox.y1, bbox.x2, bbox.y2];
                let centre = edges(&place);
                for (sum, (edge, at)) in squared.iter_mut().zip(edges(&painted).iter().zip(centre))
                {
                    *sum += (edge - at).powi(2);
                }
                count += 1.0;
            }
        }
        let rms = squared.map(|sum| (sum / count).sqrt());
        assert!(
            rms.iter().all(|edge| *edge < 1.0),
            "{size} px, {period} ms: {rms:?}"
        );
    }
}

#[test]
fn an_object_that_starts_to_move_is_followed_at_once() {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(6));
    let mut least = 1.0_f32;
    for step in 0..60 {
        let time = step as f32 / 10.0;
        // Stands for three seconds, then walks at one width a second.
        let place = square(300.0 + 100.0 * (time - 3.0).max(0.0), 300.0);
        let found = noise.stray(place, 1.0);
        let tracks = tracker.update(&[seen(0, 0.8, found)], start + MS * 100 * step);
        least = least.min(tracks[0].bbox.iou(&place));
    }
    assert!(least > 0.8, "{least}");
}

#[test]
fn labels_are_voted_on_over_time() {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(8));
    let (mut names, mut ids_seen) = (Vec::new(), Vec::new());
    for step in 0..120 {
        // A couch that is taken for a chair in a third of the frames.
        let class_id = if step % 3 == 1 { 56 } else { 57 };
        let score = 0.55 + 0.1 * noise.next();
        let found = seen(class_id, score, noise.stray(square(300.0, 300.0), 1.5));
        for track in tracker.update(&[found], start + MS * 100 * step) {
            names.push(track.class_id);
            ids_seen.push(track.id);
        }
    }
    assert!(ids_seen.iter().all(|id| *id == 1), "{ids_seen:?}");
    assert!(names[10..].iter().all(|name| *name == 57), "{names:?}");
}

#[test]
fn a_small_fast_object_keeps_its_id_without_any_overlap() {
    let start = Instant::now();
    let mut tracker = Tracker::new(TrackerConfig::default());
    for step in 0..12 {
        // 30 px wide, 50 px further each time.
        let ball = BBox::around(100.0 + 50.0 * step as f32, 200.0, 30.0, 30.0);
        let tracks = tracker.update(&[seen(32, 0.7, ball)], start + MS * 100 * step);
        assert_eq!(ids(&tracks), [1], "step {step}");
    }
}

#[test]
fn crossing_objects_keep_their_ids() {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(9));
    let right = |step: u32| square(200.0 + 25.0 * step as f32, 300.0);
    let left = |step: u32| square(1000.0 - 25.0 * step as f32, 320.0);
    for step in 0..32 {
        let mut found = vec![
            seen(0, 0.8, noise.stray(right(step), 3.0)),
            seen(0, 0.75, noise.stray(left(step), 3.0)),
        ];
        // One occludes the other while they cross.
        if found[0].bbox.iou(&found[1].bbox) > 0.5 {
            found.truncate(1);
        }
        found.reverse();
        let tracks = tracker.update(&found, start + MS * 100 * step);
        if step == 31 {
            assert_eq!(ids(&tracks), [1, 2]);
            assert!(tracks[0].bbox.iou(&right(step)) > 0.7, "{tracks:?}");
            assert!(tracks[1].bbox.iou(&left(step)) > 0.7, "{tracks:?}");
        }
    }
}

#[test]
fn three_missed_detections_keep_the_id_and_do_not_flicker() {
    for period in [MS * 33, MS * 100, MS * 330] {
        let start = Instant::now();
        let mut tracker = Tracker::new(TrackerConfig::default());
        for step in 0..20 {
            let now = start + period * step;
            let place = square(200.0 + 90.0 * (now - start).as_secs_f32(), 300.0);
            let missed = (10..13).contains(&step);
            let found = [seen(0, 0.8, place)];
            let tracks = tracker.update(if missed { &[] } else { &found[..] }, now);
            if missed {
                assert!(
                    step > 11 || tracks.len() == 1,
                    "{period:?} {step}: shown on"
                );
            } else {
                assert_eq!(ids(&tracks), [1], "{period:?} {step}");
            }
        }
    }
}

#[test]
fn what_is_gone_is_shown_briefly_and_its_id_never_comes_back() {
    let start = Instant::now();
    let mut tracker = Tracker::new(TrackerConfig::default());
    for step in 0..5 {
        tracker.update(
            &[seen(0, 0.8, square(300.0, 300.0))],
            start + MS * 100 * step,
        );
    }
    let mut last_shown = 0;
    for step in 5..40 {
        if !tracker.update(&[], start + MS * 100 * step).is_empty() {
            last_shown = step;
        }
    }
    assert!(
        (6..=9).contains(&last_shown),
        "0.2 to 0.5 s after the last detection: {last_shown}"
    );
    let again = tracker.update(&[seen(0, 0.8, square(300.0, 300.0))], start + MS * 4000);
    assert_eq!(ids(&again), [2]);
}

#[test]
fn one_odd_frame_changes_neither_score_nor_class() {
    let start = Instant::now();
    let mut tracker = Tracker::new(TrackerConfig::default());
    let place = square(300.0, 300.0);
    for step in 0..8 {
        tracker.update(&[seen(2, 0.8, place)], start + MS * 100 * step);
    }
    let odd = tracker.update(&[seen(2, 0.36, place)], start + MS * 800);
    assert!((odd[0].score - 0.8).abs() < 1e-6);
    let renamed = tracker.update(&[seen(7, 0.8, place)], start + MS * 900);
    assert_eq!(
        (renamed.len(), renamed[0].id, renamed[0].class_id),
        (1, 1, 2)
    );
    let mut last = renamed;
    for step in 10..20 {
        last = tracker.update(&[seen(7, 0.8, place)], start + MS * 100 * step);
        assert_eq!(ids(&last), [1]);
    }
    assert_eq!(last[0].class_id, 7, "a lasting change is believed");
}

#[test]
fn two_boxes_for_one_thing_are_one_track() {
    let start = Instant::now();
    let mut tracker = Tracker::new(TrackerConfig::default());
    let found = [
        seen(0, 0.9, square(300.0, 300.0)),
        seen(0, 0.8, square(306.0, 303.0)),
    ];
    for step in 0..10 {
        assert_eq!(ids(&tracker.update(&found, start + MS * 100 * step)), [1]);
    }
}

#[test]
fn hostile_input_is_bounded() {
    let start = Instant::now();
    let (mut tracker, mut noise) = (Tracker::new(TrackerConfig::default()), Noise(3));
    for step in 0..4 {
        let mut found: Vec<Detection> = (0..1000)
            .map(|_| seen(0, 0.9, square(noise.next() * 9e4, noise.next() * 9e4)))
            .collect();
        found.push(seen(0, f32::NAN, square(1.0, 1.0)));
        found.push(seen(0, 0.9, BBox::new(f32::NAN, 0.0, 9.0, f32::INFINITY)));
        found.push(seen(0, 0.9, BBox::new(9.0, 9.0, 1.0, 1.0)));
        let tracks = tracker.update(&found, start + MS * 33 * step);
        assert!(tracks.len() <= MOST);
        assert!(tracks.iter().all(|track| track.bbox.x1.is_finite()));
    }
    assert!(tracker.dropped() >= 4 * (1000 - MOST as u64));
}

#[test]
fn time_that_stands_still_or_runs_back_is_harmless() {
    let start = Instant::now();
    let mut tracker = Tracker::new(TrackerConfig::default());
    let found = [seen(0, 0.9, square(300.0, 300.0))];
    for now in [start + MS * 100, start + MS * 100, start, start + MS * 200] {
        let tracks = tracker.update(&found, now);
        assert_eq!(ids(&tracks), [1]);
        assert!(tracks[0].bbox.iou(&found[0].bbox) > 0.99);
    }
}
