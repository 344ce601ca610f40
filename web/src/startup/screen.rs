//! The display of this machine: what the `screen` crate shows, and what its keys do.

use std::collections::BTreeMap;
use std::env::current_exe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use capture::{Next, PooledPicture, SlotReader};
use detector::Tracks;
use detector::privacy::PrivacyMode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use screen::{
    Code, Count, Key, RestoreConsole, ScreenHandle, ScreenHost, ScreenSetup, ScreenState,
    StatusItem,
};
use serde_json::json;
use signaling::{Composed, PictureLease};

use crate::app::App;
use crate::environment;
use crate::qr;
use crate::routes::join::public_address;
use crate::shutter::{Cause, ShutterState, now_unix_ms};

/// The addresses of this machine change when a network does; three seconds later the codes have to.
const CODES_EVERY: Duration = Duration::from_secs(2);

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
        orientation: config.orientation(),
        restore_console: restorer.ok(),
        threads: app.threads.clone(),
    };
    let host = AppOnScreen {
        pictures: app.slots.composed.reader(),
        lease: None,
        codes: Vec::new(),
        codes_at: None,
        app: Arc::clone(app),
    };
    screen::spawn(setup, Box::new(host)).context("cannot start the screen's thread")
}

struct AppOnScreen {
    app: Arc<App>,
    pictures: SlotReader<Composed>,
    /// Held while a display is open: compose and the detector work for it, the encoders do not.
    lease: Option<PictureLease>,
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
        let app = &self.app;
        let config = app.settings.present();
        let is_closed = app.shutter.is_closed();
        let now = Instant::now();
        let tracks = app.slots.tracks.latest().filter(|_| !is_closed);
        let hour = TimeZone::system().to_datetime(Timestamp::now()).hour();
        self.follow_codes(now);
        ScreenState {
            name: config.name.clone(),
            counts: tracks
                .map(|tracks| counts(&tracks, now))
                .unwrap_or_default(),
            is_closed,
            privacy: in_words(config.privacy.mode).to_owned(),
            viewers: u32::try_from(self.app.engine.viewers().len()).unwrap_or(u32::MAX),
            status: status(&self.app),
            codes: self.codes.clone(),
            has_large_codes: false,
            theme: config.screen.theme_at(hour.unsigned_abs()),
        }
    }

    fn press(&mut self, key: Key) {
        match key {
            Key::Shutter => self.press_shutter(),
            Key::Privacy => self.press_privacy(),
            Key::Codes => {}
        }
    }

    fn set_watching(&mut self, is_watching: bool) {
        let demand = &self.app.slots.demand;
        self.lease = is_watching.then(|| demand.watch_picture());
    }
}

impl AppOnScreen {
    /// Whoever stands there may close the camera; opening it is for those whom the owner allows to.
    fn press_shutter(&self) {
        let is_closed = self.app.shutter.is_closed();
        let may_open = self.app.config.screen.keys_may_open();
        let Some(closed) = wanted_shutter(is_closed, may_open) else {
            tracing::info!("a key at the screen opens no camera: [screen] keys is \"tighten\"");
            return;
        };
        self.app.shutter.decide(ShutterState {
            who: Some("screen".to_owned()),
            ..ShutterState::new(closed, Cause::Person, now_unix_ms())
        });
    }

    fn press_privacy(&self) {
        let mode = self.app.settings.present().privacy.mode;
        let Some(next) = next_mode(mode, self.app.config.screen.keys_may_open()) else {
            return;
        };
        let patch = json!({"privacy": {"mode": next.name()}});
        if let Err(error) = self.app.settings.change(&patch, None, false) {
            tracing::warn!(
                ?error,
                "a key at the screen could not change the privacy mode"
            );
        }
    }

    fn follow_codes(&mut self, now: Instant) {
        if self.codes_at.is_some_and(|at| now < at + CODES_EVERY) {
            return;
        }
        self.codes_at = Some(now);
        self.codes = if self.app.config.screen.codes {
            codes(&self.app)
        } else {
            Vec::new()
        };
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

fn in_words(mode: PrivacyMode) -> &'static str {
    match mode {
        PrivacyMode::Open => "",
        PrivacyMode::BlurFaces => "Faces blurred",
        PrivacyMode::BlurPeople => "People blurred",
        PrivacyMode::Silhouettes => "Silhouettes only",
    }
}

/// The machine's own state, most important first. Parts of the program that know some of it add it here.
fn status(_app: &App) -> Vec<StatusItem> {
    Vec::new()
}

/// The most frequent classes first.
fn counts(tracks: &Tracks, now: Instant) -> Vec<Count> {
    let mut by_label = BTreeMap::<String, u32>::new();
    for track in tracks.predicted_at(now) {
        *by_label
            .entry(tracks.label(track.class_id).into_owned())
            .or_default() += 1;
    }
    let mut counts: Vec<Count> = by_label
        .into_iter()
        .map(|(label, number)| Count { label, number })
        .collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.number));
    counts
}

/// The Wi-Fi and the page. The code of the page has the viewer token: whoever sees the screen sees the feed.
fn codes(app: &App) -> Vec<Code> {
    let code = |title: &str, caption: String, text: &str| {
        Some(Code {
            title: title.to_owned(),
            caption,
            matrix: Arc::new(qr::matrix(text)?),
        })
    };
    let wifi = &app.config.wifi;
    let network = wifi.ssid.clone().unwrap_or_default();
    let wifi = qr::wifi_text(wifi).and_then(|text| code("Wi-Fi", network, &text));
    let address = public_address(app);
    let plain = address.page("/", None);
    let caption = plain.trim_start_matches("http://").trim_end_matches('/');
    let page = address.page("/", app.config.viewers.token.as_deref());
    let page = code("Watch", caption.to_owned(), &page);
    wifi.into_iter().chain(page).collect()
}

#[cfg(test)]
mod tests {
    use detector::{BBox, Track};

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
    fn the_most_frequent_class_is_counted_first() {
        let now = Instant::now();
        let bbox = BBox::new(10.0, 10.0, 50.0, 50.0);
        let items = [0, 1, 1].iter().zip(1..);
        let tracks = Tracks {
            captured_at: now,
            frame_seq: 1,
            source_number: 0,
            mounting: capture::Mounting::default(),
            frame_width: 640,
            frame_height: 360,
            labels: Arc::from(["cat".to_owned(), "person".to_owned()]),
            items: items
                .map(|(class, id)| Track::still(id, *class, 0.9, bbox))
                .collect(),
        };
        let counts = counts(&tracks, now);
        let seen: Vec<_> = counts
            .iter()
            .map(|count| (&*count.label, count.number))
            .collect();
        assert_eq!(seen, [("person", 2), ("cat", 1)]);
    }
}
