//! The task that lets time pass for the games: hands tracks to the rules, holds what a round needs of the pipeline, and
//! keeps its pictures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Frame;
use detector::{DetectorState, Track, Tracks};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use play::{GameEvent, MEASURED_AP, MeasuredModels, Moment, RoundEnd, SeenFrame, SeenObject};
use signaling::PictureLease;

use super::pictures::RoundPictures;
use super::strip::{RoundKeepsake, may_keep_pictures};
use crate::app::{App, TracksLease};

/// While there is something to see; clocks are shown by when they end.
const TURN_EVERY: Duration = Duration::from_millis(100);
/// While nothing runs: for the day, the model and the privacy mode.
const IDLE_TURN_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn follow(app: Arc<App>) {
    let mut following = Following::new(Arc::clone(&app));
    let mut tracks = app.slots.tracks.reader();
    loop {
        let (needs_tracks, is_shown) = {
            let games = app.games.lock();
            (games.rounds.needs_tracks(), games.rounds.view().is_some())
        };
        let pause = match needs_tracks || is_shown {
            true => TURN_EVERY,
            false => IDLE_TURN_EVERY,
        };
        let seen = tokio::select! {
            seen = tracks.next(), if needs_tracks => match seen {
                Some(seen) => Some(seen),
                None => return,
            },
            () = tokio::time::sleep(pause) => None,
            () = app.games.changed.notified() => None,
        };
        following.turn(seen.as_deref());
    }
}

struct Following {
    app: Arc<App>,
    measured: MeasuredModels,
    pictures: RoundPictures,
    /// Detection at full rate, while a round is open.
    tracks: Option<TracksLease>,
    /// At a low rate, while the attraction mode waits for somebody.
    presence: Option<TracksLease>,
    /// Composed pictures, while some may be kept.
    composed: Option<PictureLease>,
}

impl Following {
    fn new(app: Arc<App>) -> Self {
        // A test of the crate `play` reads it, too.
        let measured = toml::from_str(MEASURED_AP).unwrap_or_else(|error| {
            tracing::error!(%error, "the measurements of the models cannot be read");
            MeasuredModels::default()
        });
        Self {
            app,
            measured,
            pictures: RoundPictures::default(),
            tracks: None,
            presence: None,
            composed: None,
        }
    }

    fn turn(&mut self, seen: Option<&Tracks>) {
        let now = Instant::now();
        let events = self.let_time_pass(seen, now);
        let epoch = self.app.slots.demand.picture_epoch().now();
        if epoch != self.pictures.epoch() {
            self.pictures.follow(None, epoch);
        }
        self.add_picture();
        for event in &events {
            self.keep_pictures_of(event);
        }
        self.follow_round(epoch);
        if !events.is_empty() {
            let app = Arc::clone(&self.app);
            drop(tokio::task::spawn_blocking(move || {
                app.games.keep_leaderboard();
            }));
        }
    }

    fn let_time_pass(&self, seen: Option<&Tracks>, now: Instant) -> Vec<GameEvent> {
        let app = &self.app;
        let settings = app.settings.present();
        let rules = settings.play.start_rules();
        let keeps_pictures = may_keep_pictures(app);
        let frame = seen.filter(|_| !app.shutter.is_closed()).map(seen_frame);
        let model = match app.detector_state() {
            DetectorState::Running { model, .. } => Some(model),
            DetectorState::Off => Some("none".to_owned()),
            _ => None,
        };
        let labels = match (app.slots.tracks.latest(), &model) {
            (Some(tracks), Some(name)) if name != "none" => Some(Arc::clone(&tracks.labels)),
            (_, Some(name)) if name == "none" => Some(Arc::from([])),
            _ => None,
        };
        let labels = labels.map(|labels| shown_labels(labels, &settings.classes));
        let was_used = app.games.take_use();
        let ((), events) = app.games.update_and_tell(now, |rounds| {
            if was_used {
                rounds.interacted(now);
            }
            rounds.follow_rules(rules);
            rounds.begin_day(local_day());
            let mut events = rounds.follow_privacy(keeps_pictures);
            if let (Some(model), Some(labels)) = (&model, &labels) {
                events.extend(rounds.follow_model(model, labels, &self.measured));
            }
            events.extend(match &frame {
                Some(frame) => rounds.observe(frame, now),
                None => rounds.advance(now),
            });
            ((), events)
        });
        events
    }

    /// The newest picture as everybody may see it: after the privacy filter, without boxes.
    fn add_picture(&mut self) {
        let composed = self
            .composed
            .is_some()
            .then(|| self.app.slots.composed.latest());
        let clean: Option<Arc<Frame>> = composed.flatten().and_then(|one| one.clean.clone());
        if let Some(clean) = clean {
            self.pictures.add(&clean);
        }
    }

    fn keep_pictures_of(&mut self, event: &GameEvent) {
        let keepsake = match event {
            GameEvent::KeepMoment { moment, .. } => {
                self.pictures.keep(moment);
                None
            }
            GameEvent::TargetSeen { at, .. } => {
                self.app.carriers.target_seen(at.elapsed());
                None
            }
            GameEvent::RoundEnded {
                game,
                end: RoundEnd::Stopped,
                ..
            } if game.is_shared() => {
                self.app.carriers.stop_round();
                None
            }
            GameEvent::TakePhoto { round, moment } => self.photo(*round, moment),
            GameEvent::RoundEnded {
                round,
                game,
                end: RoundEnd::Finished,
                outcome,
            } => {
                self.app.carriers.share_score(*game, outcome);
                let about = (*round, self.pictures.epoch());
                RoundKeepsake::of_outcome(
                    &self.app.games,
                    about,
                    &game.title(),
                    outcome,
                    |moment| self.pictures.kept(moment),
                )
            }
            _ => None,
        };
        if let Some(keepsake) = keepsake {
            keepsake.store(&self.app);
        }
    }

    fn photo(&self, round: u64, moment: &Moment) -> Option<RoundKeepsake> {
        let frame = self.pictures.nearest(moment)?;
        Some(RoundKeepsake {
            round,
            epoch: self.pictures.epoch(),
            moments: vec![(frame, moment.clone())],
            inscription: None,
        })
    }

    /// Takes what the round needs, and gives back what it does not need any more.
    fn follow_round(&mut self, epoch: u64) {
        let (open_round, needs_tracks, keeps_pictures) = {
            let games = self.app.games.lock();
            let rounds = &games.rounds;
            (
                rounds.open_round(),
                rounds.needs_tracks(),
                rounds.is_keeping_pictures(),
            )
        };
        self.pictures.follow(open_round, epoch);
        let app = &self.app;
        hold(&mut self.tracks, open_round.is_some(), || {
            app.watch_tracks()
        });
        let waits = needs_tracks && open_round.is_none();
        hold(&mut self.presence, waits, || app.watch_presence());
        hold(&mut self.composed, keeps_pictures, || {
            app.slots.demand.watch_picture()
        });
    }
}

/// Takes a lease when it is needed, and drops it when it is not.
fn hold<T>(lease: &mut Option<T>, is_needed: bool, take: impl FnOnce() -> T) {
    match is_needed {
        true => {
            lease.get_or_insert_with(take);
        }
        false => *lease = None,
    }
}

/// The owner's choice of classes hides the others from games, too: their labels are empty. `shown`: empty for all.
fn shown_labels(labels: Arc<[String]>, shown: &[String]) -> Arc<[String]> {
    if shown.is_empty() {
        return labels;
    }
    let visible = |label: &String| match shown.contains(label) {
        true => label.clone(),
        false => String::new(),
    };
    labels.iter().map(visible).collect()
}

fn seen_frame(tracks: &Tracks) -> SeenFrame {
    let (width, height) = (
        tracks.frame_width.max(1) as f32,
        tracks.frame_height.max(1) as f32,
    );
    let object = |track: &Track| SeenObject {
        track_id: track.id,
        class_id: track.class_id,
        score: track.score,
        region: play::Region::new(
            track.bbox.x1 / width,
            track.bbox.y1 / height,
            track.bbox.x2 / width,
            track.bbox.y2 / height,
        ),
        is_coasting: track.is_coasting(),
    };
    SeenFrame {
        frame_seq: tracks.frame_seq,
        source_number: tracks.source_number,
        captured_at: tracks.captured_at,
        objects: tracks.items.iter().map(object).collect(),
    }
}

/// Counts the days at this place.
fn local_day() -> i64 {
    day_number(TimeZone::system().to_datetime(Timestamp::now()).date())
}

fn day_number(date: Date) -> i64 {
    let since = date.duration_since(Date::constant(1970, 1, 1));
    since.as_hours().div_euclid(24)
}

#[cfg(test)]
mod tests {
    use detector::BBox;

    use super::*;

    #[test]
    fn days_are_counted_one_by_one() {
        let day = |year, month, day| day_number(Date::constant(year, month, day));
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(2026, 11, 30) - day(2026, 11, 29), 1);
        assert_eq!(day(2027, 1, 1) - day(2026, 12, 31), 1);
        assert_eq!(day(1969, 12, 31), -1);
    }

    #[test]
    fn classes_that_are_not_shown_are_not_asked_for() {
        let labels: Arc<[String]> = ["person", "cup", "dog"].map(str::to_owned).into();
        assert_eq!(shown_labels(Arc::clone(&labels), &[]), labels);
        let shown = ["cup".to_owned(), "yeti".to_owned()];
        assert_eq!(*shown_labels(labels, &shown), ["", "cup", ""]);
    }

    #[test]
    fn boxes_are_parts_of_the_picture() {
        let bbox = BBox::new(64.0, 36.0, 320.0, 360.0);
        let tracks = Tracks {
            captured_at: Instant::now(),
            frame_seq: 9,
            source_number: 4,
            frame_width: 640,
            frame_height: 360,
            mounting: capture::Mounting::default(),
            labels: Arc::from(["person".to_owned()]),
            items: vec![Track::still(7, 0, 0.9, bbox)],
        };
        let seen = seen_frame(&tracks);
        assert_eq!((seen.frame_seq, seen.source_number), (9, 4));
        let expected = SeenObject {
            track_id: 7,
            class_id: 0,
            score: 0.9,
            region: play::Region::new(0.1, 0.1, 0.5, 1.0),
            is_coasting: false,
        };
        assert_eq!(seen.objects, [expected]);
    }

    #[test]
    fn the_measurements_know_the_embedded_model() {
        let measured: MeasuredModels = toml::from_str(MEASURED_AP).expect("valid");
        assert!(measured.of("embedded").is_some());
    }
}
