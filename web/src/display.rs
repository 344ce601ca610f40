//! What displays show beside the feed: the screen of this machine, and the page `/screen` in a browser.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use detector::Tracks;
use detector::privacy::PrivacyMode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use screen::{Code, Count, ScreenState, StatusItem, Theme};
use stylise::JobId;
use uuid::Uuid;

use crate::app::App;
use crate::carriers::report::CarrierReport;
use crate::network::visitors::preference;
use crate::power::{BatteryGoal, PowerProfile, PowerView};
use crate::qr;
use crate::routes::join::public_address;
use crate::routes::stylise::handover::open_handover;

/// What every viewer may see.
pub(crate) fn state(app: &App, codes: Vec<Code>, theme: Theme, now: Instant) -> ScreenState {
    let config = app.settings.present();
    let is_closed = app.shutter.is_closed();
    let tracks = app.slots.tracks.latest().filter(|_| !is_closed);
    ScreenState {
        name: config.name.clone(),
        counts: tracks
            .map(|tracks| counts(&tracks, now))
            .unwrap_or_default(),
        is_closed,
        privacy: in_words(config.privacy.mode).to_owned(),
        viewers: u32::try_from(app.engine.viewers().len()).unwrap_or(u32::MAX),
        codes,
        theme,
        ..ScreenState::default()
    }
}

/// Of the local time.
pub(crate) fn hour() -> u8 {
    let local = TimeZone::system().to_datetime(Timestamp::now());
    local.hour().unsigned_abs()
}

fn in_words(mode: PrivacyMode) -> &'static str {
    match mode {
        PrivacyMode::Open => "",
        PrivacyMode::BlurFaces => "Faces blurred",
        PrivacyMode::BlurPeople => "People blurred",
        PrivacyMode::Silhouettes => "Silhouettes only",
    }
}

/// The machine's battery, and its power profile unless that limits nothing.
fn power_status(power: &PowerView) -> Vec<StatusItem> {
    let battery = power.state.level().map(|level| {
        let percent = (level * 100.0).round();
        let left = power
            .left
            .map(|(goal, left)| format!(", {}", in_words_left(goal, left)));
        StatusItem {
            text: format!("Battery {percent} %{}", left.unwrap_or_default()),
            is_warning: power.is_low,
        }
    });
    let profile = match power.profile {
        PowerProfile::Full => None,
        PowerProfile::Balanced => Some("Balanced power"),
        PowerProfile::Saver => Some("Saving power"),
    };
    let profile = profile.map(|text| StatusItem {
        text: text.to_owned(),
        is_warning: false,
    });
    battery.into_iter().chain(profile).collect()
}

/// In steps of five minutes, so that the screen seldom changes.
fn in_words_left(goal: BatteryGoal, left: Duration) -> String {
    let minutes = left.as_secs() / 300 * 5;
    let time = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{} min", minutes.max(5)),
        (hours, minutes) => format!("{hours} h {minutes:02}"),
    };
    match goal {
        BatteryGoal::Empty => format!("{time} left"),
        BatteryGoal::Full => format!("full in {time}"),
    }
}

/// "north is here, south was here 12 min ago"; `None`: no other carrier is known.
fn carriers_status(carriers: &[CarrierReport]) -> Option<StatusItem> {
    let words = |carrier: &CarrierReport| match (carrier.state, carrier.heard_s_ago) {
        ("away", None) => None,
        ("away", Some(ago)) => Some(format!(
            "{} was here {} min ago",
            carrier.name,
            ago.div_ceil(60)
        )),
        _ => Some(format!("{} is here", carrier.name)),
    };
    let texts: Vec<String> = carriers.iter().filter_map(words).collect();
    (!texts.is_empty()).then(|| StatusItem {
        text: texts.join(", "),
        is_warning: false,
    })
}

/// The state of the machine: battery, power profile, network, other carriers. For its own screen and for the owner; viewers are not
/// told.
pub(crate) fn machine_status(app: &App) -> Vec<StatusItem> {
    let config = app.settings.present();
    let network = app.network.summary(&preference(&config));
    let network = network.map(|text| StatusItem {
        text,
        is_warning: false,
    });
    let mut items = power_status(&app.power.view());
    items.extend(network);
    items.extend(carriers_status(
        &app.carriers.report(&app.config.mesh).carriers,
    ));
    items
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

/// The Wi-Fi and the page, unless `[screen] codes` is off. The code of the page has the viewer token: whoever sees the screen sees the feed.
pub(crate) fn codes(app: &App) -> Vec<Code> {
    if !app.config.screen.codes {
        return Vec::new();
    }
    let code = |title: &str, caption: String, text: &str| {
        Some(Code {
            title: title.to_owned(),
            caption,
            matrix: Arc::new(qr::matrix(text)?),
        })
    };
    let wifi = &app.settings.present().wifi;
    let network = wifi.ssid.clone().unwrap_or_default();
    let wifi = qr::wifi_text(wifi).and_then(|text| code("Wi-Fi", network, &text));
    let address = public_address(app);
    let plain = address.page("/", None);
    let caption = plain.trim_start_matches("http://").trim_end_matches('/');
    let page = address.page("/", app.config.viewers.token.as_deref());
    let page = code("Watch", caption.to_owned(), &page);
    wifi.into_iter().chain(page).collect()
}

/// Also the code of the picture of the owner's newest round: for the screen of this machine and for the owner, since
/// whoever reads it can take the picture.
pub(crate) fn codes_with_strip(app: &App, now: Instant) -> Vec<Code> {
    let mut codes = codes(app);
    if app.config.screen.codes {
        let is_open = |secret| app.booth.handovers().is_taken(secret, now) == Some(false);
        let make = |job| strip_code(app, job, now);
        codes.extend(app.games.strip_code(make, is_open));
    }
    codes
}

fn strip_code(app: &App, job: JobId, now: Instant) -> Option<(Uuid, Code)> {
    let (secret, url) = open_handover(app, job, now);
    let code = Code {
        title: "Take it home".to_owned(),
        caption: "the picture, once".to_owned(),
        matrix: Arc::new(qr::matrix(&url)?),
    };
    Some((secret, code))
}

#[cfg(test)]
mod tests {
    use detector::{BBox, Track};

    use super::*;

    #[test]
    fn carriers_are_here_or_were() {
        let carrier = |name: &str, state, heard_s_ago| CarrierReport {
            id: name.to_owned(),
            name: name.to_owned(),
            state,
            round_trip_ms: None,
            clock_offset_ms: None,
            heard_s_ago,
            persons: None,
            viewers: None,
            is_shutter_closed: None,
            records: 0,
        };
        let carriers = [
            carrier("north", "connected", Some(3)),
            carrier("south", "away", Some(700)),
            carrier("west", "away", None),
        ];
        let status = carriers_status(&carriers).expect("somebody is known");
        assert_eq!(status.text, "north is here, south was here 12 min ago");
        assert_eq!(carriers_status(&carriers[2..]), None);
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
