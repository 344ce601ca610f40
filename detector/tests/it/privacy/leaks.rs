//! How much of persons leaves un-hidden. A measurement: run it with
//! `cargo test -p detector --test it leak -- --ignored --nocapture`. `CARRIER_LEAK_FRAMES` limits the
//! pictures of each clip.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use capture::I420;
use detector::privacy::{
    Hidden, PrivacyFilter, PrivacyMode, SIGHTING_SCORE, SightedKind, Sighting, Sightings,
};
use detector::{BBox, Detection, Detector, ModelStore, Places, Runtime};

use super::{YUNET, face_model, sighting};
use crate::clip::Clip;
use crate::{pictures, rig};

const RATES: [u32; 3] = [30, 15, 6];
const MODES: [PrivacyMode; 2] = [PrivacyMode::BlurPeople, PrivacyMode::BlurFaces];
/// From the capture of a frame to its sighting.
const LATENCY: Duration = Duration::from_millis(40);
/// Speeds of entries in widths of the picture per second.
const SPEEDS: [f32; 5] = [0.05, 0.2, 0.5, 1.0, 2.0];

/// One filter with detections at one rate.
struct Lane {
    filter: PrivacyFilter,
    sightings: Sightings,
    mode: PrivacyMode,
    rate: u32,
    model: usize,
    /// Sightings that are still being made.
    coming: VecDeque<Sighting>,
    due: Option<Instant>,
    tally: Tally,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    secret: u64,
    leaked: u64,
    other: u64,
    hidden_other: u64,
    whole: u64,
    pictures: u64,
}

impl Lane {
    fn all(models: usize) -> Vec<Self> {
        let one = |mode, model, rate| {
            let (filter, sightings) = super::filter(mode);
            Self {
                filter,
                sightings,
                mode,
                rate,
                model,
                coming: VecDeque::new(),
                due: None,
                tally: Tally::default(),
            }
        };
        let models = move |mode| (0..models).map(move |model| (mode, model));
        let pairs = MODES.into_iter().flat_map(models);
        pairs
            .flat_map(|(mode, model)| RATES.map(|rate| one(mode, model, rate)))
            .collect()
    }

    /// Shows a picture. `secret`: for each pixel, whether it must be hidden.
    fn step(&mut self, picture: &I420, now: Instant, seen: &Sighting, secret: &[bool]) {
        // A little early, because times are rounded.
        let slack = Duration::from_millis(2);
        if self.due.is_none_or(|due| now + slack >= due) {
            let period = Duration::from_secs(1) / self.rate;
            self.due = Some(self.due.unwrap_or(now).max(now - period) + period);
            self.coming.push_back(seen.clone());
        }
        while self
            .coming
            .front()
            .is_some_and(|next| next.captured_at + LATENCY <= now)
        {
            let next = self.coming.pop_front().expect("there is one");
            self.sightings.slot.publish(next);
        }
        self.filter.apply(&mut picture.clone(), now);
        self.tally.add(picture, self.filter.hidden(), secret);
    }
}

impl Tally {
    fn add(&mut self, picture: &I420, hidden: Hidden<'_>, secret: &[bool]) {
        let stride = picture.width() as usize;
        let mut is_hidden = vec![false; secret.len()];
        match hidden {
            Hidden::Nothing => {}
            Hidden::Whole => is_hidden.fill(true),
            Hidden::Areas(areas) => {
                for area in areas {
                    let rows = is_hidden.chunks_exact_mut(stride);
                    for row in rows.take(area.bottom() as usize).skip(area.y as usize) {
                        row[area.x as usize..area.right() as usize].fill(true);
                    }
                }
            }
        }
        self.pictures += 1;
        self.whole += u64::from(hidden == Hidden::Whole);
        for (secret, hidden) in secret.iter().zip(&is_hidden) {
            self.secret += u64::from(*secret);
            self.leaked += u64::from(*secret && !*hidden);
            self.other += u64::from(!*secret);
            self.hidden_other += u64::from(!*secret && *hidden);
        }
    }

    fn row(&self) -> String {
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        format!(
            "{:>8.3} {:>8.1} {:>8.1}",
            share(self.leaked, self.secret),
            share(self.hidden_other, self.other),
            share(self.whole, self.pictures)
        )
    }
}

/// The models under test, and the one that tells where faces are.
struct Models {
    names: [&'static str; 3],
    detectors: [Detector; 2],
    faces: Detector,
}

impl Models {
    fn open(shared: &Path, runtime: &Runtime) -> Self {
        let embedded = ModelStore::new(&Places::default()).expect("valid");
        let named = detector::ModelChoice::Named("embedded".to_owned());
        let embedded = embedded.find(&named).expect("built in");
        let nano = rig::model(shared, "yolox_nano");
        Self {
            names: ["yolox_nano", "embedded", "both"],
            detectors: [
                rig::open(runtime, &nano),
                rig::open(runtime, &embedded.expect("built in")),
            ],
            faces: rig::open(runtime, &face_model(shared, YUNET)),
        }
    }

    /// Of each model, and of the first one with the faces of the second, as the worker runs them.
    fn sightings(&mut self, picture: &I420, now: Instant) -> [Sighting; 3] {
        let [nano, embedded] = self.detectors.each_mut().map(|detector| {
            let found = detector.detect(picture, SIGHTING_SCORE).expect("detects");
            sighting(picture, now, &detector.labels(), &found)
        });
        let mut both = nano.clone();
        let faces = embedded
            .items
            .iter()
            .filter(|item| item.kind == SightedKind::Face);
        both.items.extend(faces);
        both.finds_faces = true;
        [nano, embedded, both]
    }

    /// The boxes of persons and of faces at the models' usual thresholds.
    fn truth(&mut self, picture: &I420) -> [Vec<BBox>; 2] {
        let nano = &mut self.detectors[0];
        let mut persons = nano.detect(picture, nano.min_score()).expect("detects");
        persons.retain(|found| found.class_id == 0);
        let faces = self
            .faces
            .detect(picture, self.faces.min_score())
            .expect("detects");
        let boxes = |found: Vec<Detection>| found.iter().map(|one| one.bbox).collect();
        [boxes(persons), boxes(faces)]
    }
}

fn inside(picture: &I420, boxes: &[BBox]) -> Vec<bool> {
    let (width, height) = (picture.width(), picture.height());
    let mut inside = vec![false; (width * height) as usize];
    for bbox in boxes.iter().filter_map(|bbox| bbox.clipped(width, height)) {
        let rows = inside.chunks_exact_mut(width as usize);
        for row in rows.take(bbox.y2 as usize).skip(bbox.y1 as usize) {
            row[bbox.x1 as usize..bbox.x2 as usize].fill(true);
        }
    }
    inside
}

fn print(what: &str, lanes: &[Lane], names: [&str; 3]) {
    eprintln!("\n{what}");
    eprintln!(
        "{:<12} {:<11} {:>4} {:>8} {:>8} {:>8}  (per cent of person or face pixels, of other pixels, of pictures)",
        "mode", "model", "rate", "leaked", "others", "whole"
    );
    for lane in lanes {
        let (mode, name) = (lane.mode.name(), names[lane.model]);
        eprintln!(
            "{mode:<12} {name:<11} {:>4} {}",
            lane.rate,
            lane.tally.row()
        );
    }
}

fn limit() -> usize {
    let limit = std::env::var("CARRIER_LEAK_FRAMES").ok();
    limit.map_or(usize::MAX, |limit| limit.parse().expect("a number"))
}

#[test]
#[ignore = "a measurement of minutes"]
fn leak_rate_on_clips() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let mut models = Models::open(&shared, &runtime);
    for name in [
        "one-by-one-person-detection",
        "webcam_asl_640x480",
        "gif_head-pose-face-detection-female-and-male",
        "bottle-detection",
    ] {
        let Some(clip) = Clip::open(&shared.join(format!("media/{name}.mp4"))) else {
            return;
        };
        let (fps, start) = (clip.fps, Instant::now());
        let mut lanes = Lane::all(3);
        for (index, picture) in clip.take(limit()).enumerate() {
            let now = start + Duration::from_secs_f64(index as f64 / fps);
            let seen = models.sightings(&picture, now);
            let secrets = models.truth(&picture).map(|boxes| inside(&picture, &boxes));
            for lane in &mut lanes {
                let secret = match lane.mode {
                    PrivacyMode::BlurFaces => &secrets[1],
                    _ => &secrets[0],
                };
                lane.step(&picture, now, &seen[lane.model], secret);
            }
        }
        print(
            &format!("{name}, {fps} pictures a second"),
            &lanes,
            models.names,
        );
    }
}

/// Copies the ellipse inside `bbox` of `from` to `x` of `to`, standing on its lower edge. Returns the
/// pixels that were painted.
fn paste(from: &I420, bbox: &BBox, to: &mut I420, x: f32) -> Vec<bool> {
    let (width, height) = (to.width() as i32, to.height() as i32);
    let mut painted = vec![false; (width * height) as usize];
    let (from_width, to_width) = (from.width() as usize, width as usize);
    let (columns, rows) = (bbox.width() as i32, bbox.height().min(height as f32) as i32);
    let (source, target) = (from.planes(), to.planes_mut());
    for row in 0..rows {
        let up = 2.0 * (row as f32 + 0.5) / rows as f32 - 1.0;
        for column in 0..columns {
            let across = 2.0 * (column as f32 + 0.5) / columns as f32 - 1.0;
            let (x, y) = (x as i32 + column, height - rows + row);
            if across * across + up * up > 1.0 || !(0..width).contains(&x) {
                continue;
            }
            let (from_x, from_y) = (
                bbox.x1 as usize + column as usize,
                bbox.y1 as usize + row as usize,
            );
            let at = y as usize * to_width + x as usize;
            painted[at] = true;
            target.y[at] = source.y[from_y * from_width + from_x];
            let half = y as usize / 2 * (to_width / 2) + x as usize / 2;
            let from_half = from_y / 2 * (from_width / 2) + from_x / 2;
            target.u[half] = source.u[from_half];
            target.v[half] = source.v[from_half];
        }
    }
    painted
}

#[test]
#[ignore = "a measurement of minutes"]
fn leak_rate_of_entries_at_speed() {
    let (Some(shared), Some(runtime)) = (rig::shared(), rig::runtime()) else {
        return;
    };
    let mut models = Models::open(&shared, &runtime);
    let photo = pictures::load(&shared.join("media/person.jpg"));
    let person = models.truth(&photo)[0][0];
    let clip = Clip::open(&shared.join("media/bottle-detection.mp4"));
    let Some(room) = clip.and_then(|mut clip| clip.next()) else {
        return;
    };
    for speed in SPEEDS {
        let mut lanes = Lane::all(3);
        lanes.retain(|lane| lane.mode == PrivacyMode::BlurPeople);
        let (start, width) = (Instant::now(), room.width() as f32);
        let seconds = ((width + 2.0 * person.width()) / (speed * width)).min(8.0);
        for index in 0..(seconds * 30.0) as u32 + 20 {
            let now = start + Duration::from_secs_f64(f64::from(index) / 30.0);
            let mut picture = room.clone();
            // The first pictures are empty.
            let x = -person.width() + (index as f32 - 20.0) / 30.0 * speed * width;
            let secret = paste(&photo, &person, &mut picture, x);
            let seen = models.sightings(&picture, now);
            for lane in &mut lanes {
                lane.step(&picture, now, &seen[lane.model], &secret);
            }
        }
        print(
            &format!("entry at {speed} widths a second"),
            &lanes,
            models.names,
        );
    }
}
