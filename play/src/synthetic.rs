//! Track sequences on a virtual clock, for tests.

use std::time::{Duration, Instant};

use crate::event::{GameEvent, RoundOutcome};
use crate::games::{Games, GamesSettings};
use crate::leaderboard::Leaderboard;
use crate::seen::{Region, SeenFrame, SeenObject};
use crate::start::{GameKind, StartedBy};
use crate::targets::{MeasuredClass, MeasuredModel};
use crate::text::GameText;

/// Frames of one source at a fixed rate.
pub(crate) struct SyntheticFrames {
    start: Instant,
    interval: Duration,
    frame_seq: u64,
    pub(crate) now: Instant,
}

impl SyntheticFrames {
    pub(crate) fn new(fps: u32) -> Self {
        let start = Instant::now();
        Self {
            start,
            interval: Duration::from_secs(1) / fps,
            frame_seq: 0,
            now: start,
        }
    }

    /// The next frame, captured now.
    pub(crate) fn frame(&mut self, objects: &[SeenObject]) -> SeenFrame {
        self.now += self.interval;
        self.frame_seq += 1;
        SeenFrame {
            frame_seq: self.frame_seq,
            source_number: 1,
            captured_at: self.now,
            objects: objects.to_vec(),
        }
    }

    /// Frames that cover `duration`.
    pub(crate) fn count(&self, duration: Duration) -> u32 {
        (duration.as_secs_f64() / self.interval.as_secs_f64()).ceil() as u32
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }
}

pub(crate) fn object(track_id: u64, class_id: usize, region: Region) -> SeenObject {
    SeenObject {
        track_id,
        class_id,
        score: 0.8,
        region,
        is_coasting: false,
    }
}

/// A person of usual shape whose feet are at (`x`, 0.9).
pub(crate) fn body_at(x: f32) -> Region {
    Region::new(x - 0.06, 0.3, x + 0.06, 0.9)
}

/// The classes of the tests' model.
pub(crate) const LABELS: [&str; 14] = [
    "person",
    "face",
    "cup",
    "bottle",
    "laptop",
    "chair",
    "tie",
    "banana",
    "bowl",
    "remote",
    "donut",
    "pizza",
    "teddy bear",
    "knife",
];
pub(crate) const PERSON: usize = 0;
pub(crate) const FACE: usize = 1;

/// Finds all its classes well.
pub(crate) fn model() -> (Vec<String>, MeasuredModel) {
    let labels: Vec<String> = LABELS.map(str::to_owned).to_vec();
    let classes = labels.iter().map(|label| MeasuredClass {
        class: label.clone(),
        ap50: 0.9,
        boxes: 100,
    });
    let measured = MeasuredModel {
        name: "test".to_owned(),
        classes: classes.collect(),
    };
    (labels, measured)
}

/// Games with that model, fed with synthetic frames.
pub(crate) struct PlayedGames {
    pub(crate) games: Games,
    pub(crate) frames: SyntheticFrames,
    pub(crate) events: Vec<GameEvent>,
}

impl PlayedGames {
    pub(crate) fn new(settings: GamesSettings, fps: u32) -> Self {
        let frames = SyntheticFrames::new(fps);
        let mut games = Games::new(settings, Leaderboard::default(), 1, frames.now);
        let (labels, measured) = model();
        games.set_model("test", &labels, Some(&measured));
        Self {
            games,
            frames,
            events: Vec::new(),
        }
    }

    pub(crate) fn start(&mut self, game: GameKind) {
        let started = self.games.start(game, StartedBy::Visitor, self.frames.now);
        self.events.extend(started.unwrap());
    }

    /// The next frame.
    pub(crate) fn step(&mut self, objects: &[SeenObject]) {
        let frame = self.frames.frame(objects);
        let events = self.games.observe(&frame, self.frames.now);
        self.events.extend(events);
    }

    /// Frames for `duration`; `objects` gets the seconds since its begin.
    pub(crate) fn play(
        &mut self,
        duration: Duration,
        mut objects: impl FnMut(f32) -> Vec<SeenObject>,
    ) {
        let began = self.frames.seconds();
        for _ in 0..self.frames.count(duration) {
            let seconds = (self.frames.seconds() - began) as f32;
            self.step(&objects(seconds));
        }
    }

    /// How the last round ended.
    pub(crate) fn outcome(&self) -> Option<&RoundOutcome> {
        self.events.iter().rev().find_map(|event| match event {
            GameEvent::RoundEnded { outcome, .. } => Some(outcome),
            _ => None,
        })
    }

    pub(crate) fn count_events(&self, is_it: impl Fn(&GameEvent) -> bool) -> usize {
        self.events.iter().filter(|event| is_it(event)).count()
    }

    /// The class that the hunt asks for now.
    pub(crate) fn asked_class(&self) -> Option<usize> {
        let view = self.games.view()?;
        view.countdown?;
        let Some(GameText::Key { key, .. }) = view.big_word else {
            return None;
        };
        let name = key.strip_prefix("play.target.")?.replace('-', " ");
        LABELS.iter().position(|label| *label == name)
    }
}
