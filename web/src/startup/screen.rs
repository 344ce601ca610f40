//! The display of this machine: what the `screen` crate shows, and what its keys do.

mod visitors;

use std::env::current_exe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use capture::{Next, PooledPicture, SlotReader};
use detector::privacy::PrivacyMode;
use detector::{BBox, DetectorState, Tracks};
use screen::{
    Authority, AutoTheme, Code, Corner, DisplaySettings, Key, KeyAnswer, RestoreConsole,
    ScreenHandle, ScreenHost, ScreenSetup, ScreenState, VisitorPicture, Watching,
};
use serde_json::json;
use signaling::{Composed, PictureLease};

use self::visitors::VisitorPictures;
use crate::access::credentials::equal;
use crate::app::{App, TracksLease};
use crate::display;
use crate::environment;
use crate::shutter::{Cause, ShutterState, now_unix_ms};

/// Three seconds after a change of the network the codes are right: its interfaces are read every second.
const CODES_EVERY: Duration = Duration::from_secs(1);

/// Starts the screen, if one is configured and found.
pub(super) fn start(app: &Arc<App>) -> anyhow::Result<Option<ScreenHandle>> {
    let config = &app.config.screen;
    let restorer = current_exe().map(|program| RestoreConsole {
        program,
        arguments: vec!["restore-console".to_owned()],
    });
    let setup = ScreenSetup {
        output: config.output(),
        desktop: environment::desktop(),
        monitor: config.monitor.clone(),
        rotation: config.rotation(),
        is_mirrored: config.mirror,
        is_legacy: false,
        restore_console: restorer.ok(),
        threads: app.threads.clone(),
    };
    let visitors = VisitorPictures::start(app).context("cannot start the thread of pictures")?;
    let host = AppOnScreen {
        visitors,
        visitor: None,
        pictures: app.slots.composed.reader(),
        lease: ScreenLease::None,
        viewers: 0,
        auto_theme: AutoTheme::default(),
        codes: Vec::new(),
        codes_at: None,
        app: Arc::clone(app),
    };
    screen::spawn(setup, Box::new(host)).context("cannot start the screen's thread")
}

/// Held while a display is open: compose and the detector work for it, the encoders do not. While it is blank, only the
/// detector does.
#[expect(dead_code, reason = "dropping it ends the demand")]
enum ScreenLease {
    None,
    Tracks(TracksLease),
    Pictures(PictureLease),
}

struct AppOnScreen {
    app: Arc<App>,
    pictures: SlotReader<Composed>,
    lease: ScreenLease,
    visitors: Arc<VisitorPictures>,
    /// The one that is shown.
    visitor: Option<VisitorPicture>,
    /// Browsers that watched a moment ago.
    viewers: usize,
    auto_theme: AutoTheme,
    codes: Vec<Code>,
    codes_at: Option<Instant>,
}

impl ScreenHost for AppOnScreen {
    fn next_picture(&mut self, timeout: Duration) -> Next<PooledPicture> {
        match self.pictures.wait(timeout) {
            Next::Newer(composed) => Next::Newer(Arc::clone(&composed.painted)),
            Next::TimedOut => Next::TimedOut,
            Next::Closed => Next::Closed,
        }
    }

    fn picture_epoch(&self) -> u64 {
        self.app.slots.demand.picture_epoch().now()
    }

    fn state(&mut self) -> ScreenState {
        let now = Instant::now();
        self.follow_codes(now);
        let theme = self.app.config.screen.theme();
        let theme = theme.unwrap_or_else(|| self.auto_theme.theme(now, display::hour()));
        self.follow_visitors(now);
        let mut state = display::state(&self.app, self.codes.clone(), theme, now);
        state.visitor.clone_from(&self.visitor);
        state.status = display::machine_status(&self.app);
        state
    }

    fn display(&self) -> DisplaySettings {
        let config = &self.app.config.screen;
        let profile = self.app.power.profile_settings();
        DisplaySettings {
            brightness_percent: config.brightness().or(profile.screen_brightness_percent),
            most_fps: profile.screen_fps_max,
            blank_after: config.blank_after(),
        }
    }

    fn is_somebody_there(&mut self) -> bool {
        let app = &self.app;
        let viewers = app.engine.viewers().len();
        let has_come = viewers > std::mem::replace(&mut self.viewers, viewers);
        let tracks = app.slots.tracks.latest().filter(|tracks| {
            let classes = &app.settings.present().classes;
            let is_running = matches!(app.detector_state(), DetectorState::Running { .. });
            is_running && !app.shutter.is_closed() && finds_people(tracks, classes)
        });
        has_come || tracks.is_none_or(|tracks| !people(&tracks, Instant::now()).is_empty())
    }

    fn press(&mut self, key: Key, authority: Authority) -> KeyAnswer {
        self.app.games.note_use();
        let config = &self.app.config.screen;
        let may_open = config.keys_may_open() || authority == Authority::PinKnown;
        let is_permitted = match key {
            Key::Shutter => self.press_shutter(may_open),
            Key::Privacy => self.press_privacy(may_open),
            Key::NextCamera => {
                // Whoever stands there can turn the machine as well.
                next_camera(&self.app);
                true
            }
            Key::Game => {
                self.app.games.press_key();
                true
            }
            _ => true,
        };
        if is_permitted {
            return KeyAnswer::Done;
        }
        if config.pin.is_some() {
            return KeyAnswer::NeedsPin;
        }
        tracing::info!(
            "a key at the screen opens no camera and hides nothing less: there is no [screen] pin, and keys is \"tighten\""
        );
        KeyAnswer::Done
    }

    fn is_pin(&self, typed: &str) -> bool {
        let pin = self.app.config.screen.pin.as_deref();
        pin.is_some_and(|pin| equal(typed, pin))
    }

    fn set_watching(&mut self, watching: Watching) {
        self.visitors.set_watching(watching == Watching::Pictures);
        let demand = &self.app.slots.demand;
        self.lease = match watching {
            Watching::Nothing => ScreenLease::None,
            Watching::People => ScreenLease::Tracks(self.app.watch_presence()),
            Watching::Pictures => ScreenLease::Pictures(demand.watch_picture()),
        };
    }
}

impl AppOnScreen {
    /// Whoever stands there may close the camera; opening it is for those whom the owner allows to. `false`: it is
    /// not permitted.
    fn press_shutter(&self, may_open: bool) -> bool {
        let Some(closed) = wanted_shutter(self.app.shutter.is_closed(), may_open) else {
            return false;
        };
        self.app.shutter.decide(ShutterState {
            who: Some("screen".to_owned()),
            ..ShutterState::new(closed, Cause::Person, now_unix_ms())
        });
        true
    }

    /// `false`: it is not permitted.
    fn press_privacy(&self, may_loosen: bool) -> bool {
        let mode = self.app.settings.present().privacy.mode;
        let Some(next) = next_mode(mode, may_loosen) else {
            return false;
        };
        let patch = json!({"privacy": {"mode": next.name()}});
        if let Err(error) = self.app.settings.change(&patch, None, false) {
            tracing::warn!(
                ?error,
                "a key at the screen could not change the privacy mode"
            );
        }
        true
    }

    /// A picture keeps its corner, which was the best one when it appeared.
    fn follow_visitors(&mut self, now: Instant) {
        let shown = self.visitors.shown();
        let boxes = match self.app.slots.tracks.latest() {
            Some(tracks) if shown.is_some() => people(&tracks, now),
            _ => Vec::new(),
        };
        self.visitor = shown.map(|(id, pixels)| {
            let name = id.to_string();
            match self.visitor.take() {
                Some(same) if same.name == name => same,
                _ => VisitorPicture {
                    name,
                    pixels,
                    corner: Corner::with_least_hidden(&boxes),
                },
            }
        });
    }

    fn follow_codes(&mut self, now: Instant) {
        if self.codes_at.is_some_and(|at| now < at + CODES_EVERY) {
            return;
        }
        self.codes_at = Some(now);
        self.codes = display::codes_with_strip(&self.app, now);
    }
}

/// Whether the shutter is to be closed after a key; `None`: the key does nothing.
fn wanted_shutter(is_closed: bool, may_open: bool) -> Option<bool> {
    (!is_closed || may_open).then_some(!is_closed)
}

/// The next stricter mode; after the strictest the first one again, if `may_loosen`.
fn next_mode(mode: PrivacyMode, may_loosen: bool) -> Option<PrivacyMode> {
    let stricter = PrivacyMode::ALL.into_iter().find(|other| *other > mode);
    stricter.or(may_loosen.then_some(PrivacyMode::Open))
}

/// Selects the next camera, where there are several.
fn next_camera(app: &App) {
    if app.next_camera("screen").is_none() {
        tracing::info!("there is no other camera");
    }
}

/// Where people are, as left, top, right and bottom in parts of the picture.
fn people(tracks: &Tracks, now: Instant) -> Vec<[f32; 4]> {
    let (width, height) = (
        tracks.frame_width.max(1) as f32,
        tracks.frame_height.max(1) as f32,
    );
    let tracked = tracks.predicted_at(now).into_iter();
    tracked
        .filter(|track| is_person(&tracks.label(track.class_id)))
        .map(|track| {
            let BBox { x1, y1, x2, y2 } = track.bbox;
            [x1 / width, y1 / height, x2 / width, y2 / height]
        })
        .collect()
}

fn is_person(label: &str) -> bool {
    label == "person" || label == "face"
}

/// Whether the model finds people, and they are among the `classes` that the owner wants; empty: all.
fn finds_people(tracks: &Tracks, classes: &[String]) -> bool {
    let is_wanted = |label: &&String| classes.is_empty() || classes.contains(label);
    let mut labels = tracks.labels.iter().filter(is_wanted);
    labels.any(|label| is_person(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_at_the_screen_only_close_and_tighten_unless_all_is_allowed() {
        assert_eq!(wanted_shutter(false, false), Some(true));
        assert_eq!(wanted_shutter(true, false), None);
        assert_eq!(wanted_shutter(true, true), Some(false));
        let order = [
            (PrivacyMode::Open, Some(PrivacyMode::BlurFaces)),
            (PrivacyMode::BlurFaces, Some(PrivacyMode::BlurPeople)),
            (PrivacyMode::BlurPeople, Some(PrivacyMode::Silhouettes)),
            (PrivacyMode::Silhouettes, None),
        ];
        for (mode, next) in order {
            assert_eq!(next_mode(mode, false), next);
        }
        let first = next_mode(PrivacyMode::Silhouettes, true);
        assert_eq!(first, Some(PrivacyMode::Open));
    }

    #[test]
    fn people_are_where_their_boxes_are_and_only_if_they_are_looked_for() {
        let now = Instant::now();
        let bbox = BBox::new(64.0, 36.0, 320.0, 360.0);
        let tracks = Tracks {
            captured_at: now,
            frame_seq: 1,
            source_number: 0,
            mounting: capture::Mounting::default(),
            frame_width: 640,
            frame_height: 360,
            labels: Arc::from(["cat".to_owned(), "person".to_owned()]),
            items: vec![
                detector::Track::still(1, 0, 0.9, bbox),
                detector::Track::still(2, 1, 0.9, bbox),
            ],
        };
        assert_eq!(people(&tracks, now), [[0.1, 0.1, 0.5, 1.0]]);
        assert!(finds_people(&tracks, &[]));
        assert!(finds_people(&tracks, &["person".to_owned()]));
        assert!(!finds_people(&tracks, &["cat".to_owned()]));
    }
}
