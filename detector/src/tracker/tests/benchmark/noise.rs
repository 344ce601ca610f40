//! Detections of simulated objects, with the misses, false alarms, scores and jitter of a real model.
//!
//! The figures are those of yolox_nano in clips of people and things, by `models/reference/detection_noise.py`
//! (BENCHMARKS.md has its table): of the worst clip, and more misses than on any, since people there stand close by.

use super::super::Noise;
use super::scenes::{HEIGHT, Seen, WIDTH};
use crate::detection::{BBox, Detection};

/// The share of visible objects that a picture's detections lack, and of those missed that the next picture lacks too.
const MISSED: f32 = 0.04;
const MISSED_AFTER: f32 = 0.67;
/// The mean score of an object, and its spread over objects.
const SCORE: f32 = 0.75;
const SCORE_SPREAD: f32 = 0.12;
/// The noise of scores around the mean of an object.
const SCORE_NOISE: f32 = 0.05;
const SCORE_AFTER: f32 = 0.82;
/// The noise of centres and of sides, in square roots of the area of a box.
const CENTRE_NOISE: f32 = 0.0065;
const SIDE_NOISE: f32 = 0.014;
const PLACE_AFTER: f32 = 0.38;
/// False alarms of a picture, and the share of them that the next picture has too.
const FALSE_ALARMS: f32 = 0.35;
const FALSE_AFTER: f32 = 0.72;
/// The score of a false alarm falls off exponentially from the least score.
const FALSE_SCORE_SPREAD: f32 = 0.1;
/// Detections below are of no use to any tracker here.
pub(super) const LEAST_SCORE: f32 = 0.175;
/// From this visible share on, an object is detected as if it were whole.
const WHOLE: f32 = 0.75;

/// A value with a normal distribution that the next picture's value resembles.
#[derive(Debug, Clone, Copy, Default)]
struct Slow(f32);

impl Slow {
    fn start(noise: &mut Noise) -> Self {
        Self(noise.normal())
    }

    /// `after`: the correlation with the value before.
    fn next(&mut self, noise: &mut Noise, after: f32) -> f32 {
        self.0 = after * self.0 + (1.0 - after * after).sqrt() * noise.normal();
        self.0
    }
}

/// What persists of an object from picture to picture.
#[derive(Debug, Clone)]
struct Habit {
    score: f32,
    is_missed: bool,
    of_score: Slow,
    of_box: [Slow; 4],
}

#[derive(Debug)]
struct FalseAlarm {
    place: BBox,
    score: f32,
}

/// The detector of one sequence.
pub(super) struct NoisyDetector {
    noise: Noise,
    habits: std::collections::BTreeMap<u32, Habit>,
    alarms: Vec<FalseAlarm>,
}

impl NoisyDetector {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            noise: Noise(seed),
            habits: Default::default(),
            alarms: Vec::new(),
        }
    }

    /// The detections of the next picture, at 30 a second.
    pub(super) fn detect(&mut self, seen: &[Seen]) -> Vec<Detection> {
        let mut all: Vec<Detection> = seen.iter().filter_map(|one| self.find(one)).collect();
        self.alarms.retain(|_| self.noise.next() < FALSE_AFTER);
        if self.noise.next() < FALSE_ALARMS * (1.0 - FALSE_AFTER) {
            let (width, height) = (
                20.0 + 80.0 * self.noise.next(),
                30.0 + 120.0 * self.noise.next(),
            );
            let place = BBox::around(
                self.noise.next() * WIDTH as f32,
                self.noise.next() * HEIGHT as f32,
                width,
                height,
            );
            let score = LEAST_SCORE - FALSE_SCORE_SPREAD * self.noise.next().max(1e-4).ln();
            self.alarms.push(FalseAlarm { place, score });
        }
        for alarm in &self.alarms {
            let size = alarm.place.area().sqrt();
            let place = self.noise.stray(alarm.place, 2.0 * CENTRE_NOISE * size);
            let score = alarm.score + SCORE_NOISE * self.noise.normal() / 2.0;
            all.extend(detection(place, score));
        }
        all
    }

    fn find(&mut self, seen: &Seen) -> Option<Detection> {
        let noise = &mut self.noise;
        let habit = self.habits.entry(seen.id).or_insert_with(|| Habit {
            score: (SCORE + SCORE_SPREAD * noise.normal()).clamp(0.4, 0.92),
            is_missed: noise.next() < MISSED,
            of_score: Slow::start(noise),
            of_box: std::array::from_fn(|_| Slow::start(noise)),
        });
        let whole = (seen.visible / WHOLE).min(1.0);
        let to_missed = MISSED * (1.0 - MISSED_AFTER) / (1.0 - MISSED);
        let to_missed = if habit.is_missed {
            MISSED_AFTER
        } else {
            to_missed
        };
        habit.is_missed = noise.next() < to_missed + (1.0 - to_missed) * (1.0 - whole);
        let score =
            habit.score * whole.sqrt() + SCORE_NOISE * habit.of_score.next(noise, SCORE_AFTER);
        // What is partly covered is located worse.
        let size = seen.bbox.area().sqrt() * (2.0 - whole);
        let stray = habit.of_box.each_mut();
        let [x, y, width, height] = stray.map(|slow| slow.next(noise, PLACE_AFTER));
        let (cx, cy) = seen.bbox.centre();
        let place = BBox::around(
            cx + x * CENTRE_NOISE * size,
            cy + y * CENTRE_NOISE * size,
            seen.bbox.width() + width * SIDE_NOISE * size,
            seen.bbox.height() + height * SIDE_NOISE * size,
        );
        if habit.is_missed {
            return None;
        }
        detection(place, score)
    }
}

fn detection(place: BBox, score: f32) -> Option<Detection> {
    let bbox = place.clipped(WIDTH, HEIGHT)?;
    (score >= LEAST_SCORE).then_some(Detection {
        class_id: 0,
        score: score.min(0.97),
        bbox,
    })
}
