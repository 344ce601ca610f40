//! Group photo: when enough faces are in view and still, it counts down and takes the picture.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{GameRules, has_passed};
use crate::event::{GameEvent, Moment, RoundOutcome};
use crate::people::{DROPOUT, FollowedPeople, Person};
use crate::seen::{Region, SeenFrame};
use crate::text::GameText;
use crate::view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole};

/// Without enough still faces it gives up.
const TIME: Duration = Duration::from_secs(45);
const COUNTDOWN: Duration = Duration::from_secs(3);
/// How long all must be still before it counts down.
const STILL_FOR: Duration = Duration::from_secs(1);
/// A face that moved more, in parts of its size, is not still.
const STILL: f32 = 0.25;
/// While it counts down people may smile and lean.
const STILL_IN_COUNTDOWN: f32 = 0.6;

#[derive(Debug)]
pub(crate) struct GroupPhoto {
    round: u64,
    faces_min: usize,
    people: FollowedPeople,
    began_at: Option<Instant>,
    /// Where each face was when all became still, by the number of the person.
    still: Option<(Instant, BTreeMap<u64, Region>)>,
    /// When enough faces were last in view and still.
    ready_at: Option<Instant>,
    counts_since: Option<Instant>,
    photo: Option<Moment>,
    flash: Option<Flash>,
    now: Instant,
}

impl GroupPhoto {
    pub(crate) fn new(round: u64, head_class: usize, faces_min: usize, now: Instant) -> Self {
        Self {
            round,
            faces_min: faces_min.max(1),
            people: FollowedPeople::new(head_class),
            began_at: None,
            still: None,
            ready_at: None,
            counts_since: None,
            photo: None,
            flash: None,
            now,
        }
    }

    /// Since when enough faces are still, at this frame.
    fn still_since(&mut self, at: Instant) -> Option<Instant> {
        let faces = self.people.present();
        if faces.len() < self.faces_min {
            return None;
        }
        let limit = if self.counts_since.is_some() {
            STILL_IN_COUNTDOWN
        } else {
            STILL
        };
        // Somebody who joins a countdown is welcome.
        let is_welcome = self.counts_since.is_some();
        let is_still =
            |face: &&Person, places: &BTreeMap<u64, Region>| match places.get(&face.number) {
                Some(before) => face.region.moved_from(before) <= limit,
                None => is_welcome,
            };
        if let Some((since, places)) = &self.still {
            if faces.iter().all(|face| is_still(face, places)) {
                return Some(*since);
            }
            if self.counts_since.is_some() {
                return None;
            }
        }
        let places = faces.iter().map(|face| (face.number, face.region));
        self.still = Some((at, places.collect()));
        Some(at)
    }

    fn cancel(&mut self, events: &mut Vec<GameEvent>) {
        self.still = None;
        if self.counts_since.take().is_some() {
            let (round, is_running) = (self.round, false);
            events.push(GameEvent::PhotoCountdown { round, is_running });
        }
    }

    fn take(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        let faces = u32::try_from(self.people.present().len()).unwrap_or(u32::MAX);
        let moment = Moment {
            frame_seq: frame.frame_seq,
            source_number: frame.source_number,
            track_id: None,
            region: None,
            caption: GameText::key("play.group-photo.faces").with("count", faces),
        };
        events.push(GameEvent::TakePhoto {
            round: self.round,
            moment: moment.clone(),
        });
        self.photo = Some(moment);
    }
}

impl GameRules for GroupPhoto {
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        if !self.people.observe(frame) || self.photo.is_some() {
            return;
        }
        let at = frame.captured_at;
        if self.began_at.is_none_or(|began| at < began) {
            return;
        }
        match self.still_since(at) {
            Some(since) => {
                self.ready_at = Some(at);
                if self.counts_since.is_none() && has_passed(at, since, STILL_FOR) {
                    self.counts_since = Some(self.now);
                    let (round, is_running) = (self.round, true);
                    events.push(GameEvent::PhotoCountdown { round, is_running });
                }
            }
            // A face that is lost for a frame or two cancels nothing.
            None if self
                .ready_at
                .is_some_and(|ready| !has_passed(at, ready, DROPOUT)) => {}
            None => self.cancel(events),
        }
        let is_due = self
            .counts_since
            .is_some_and(|since| has_passed(at, since, COUNTDOWN));
        if is_due {
            self.take(frame, events);
        }
    }

    fn begin(&mut self, now: Instant, _events: &mut Vec<GameEvent>) {
        self.now = now;
        self.began_at = Some(now);
    }

    fn advance(&mut self, now: Instant, _events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        self.now = now;
        if let Some(photo) = self.photo.take() {
            let headline = GameText::key("play.group-photo.taken");
            let mut outcome = RoundOutcome::new(None, headline);
            outcome.rows.push(photo.caption);
            let kind = FlashKind::Photo;
            self.flash = Some(Flash { kind, since: now });
            return Some(outcome);
        }
        let is_over = has_passed(now, self.began_at?, TIME + COUNTDOWN)
            || has_passed(now, self.began_at?, TIME) && self.counts_since.is_none();
        is_over.then(|| RoundOutcome::new(None, GameText::key("play.group-photo.none")))
    }

    fn show(&self, view: &mut GameView) {
        let Some(began_at) = self.began_at else {
            return;
        };
        let faces = self.people.present().len();
        view.flash = self.flash;
        if let Some(since) = self.counts_since {
            view.line = GameText::key("play.group-photo.smile");
            view.countdown = Some(Countdown::new(since, COUNTDOWN));
            return;
        }
        view.countdown = Some(Countdown::new(began_at, TIME));
        let missing = u32::try_from(self.faces_min.saturating_sub(faces)).unwrap_or(u32::MAX);
        view.line = if missing > 0 {
            GameText::key("play.group-photo.more").with("count", missing)
        } else {
            GameText::key("play.group-photo.still")
        };
    }

    fn marks(&self) -> Vec<GameMark> {
        let mark = |face: &Person| GameMark {
            track_id: face.track_id,
            region: face.region,
            role: MarkRole::Counted,
            text: None,
        };
        self.people.present().into_iter().map(mark).collect()
    }
}
