//! Samples the slots for [`Events`](super::Events), while somebody follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Signal};
use detector::{Tracks, ZoneKind};

use super::EventFollower;
use super::changes::Sample;
use super::event::{PowerSummary, SourceState, SourceSummary, StationSummary};
use crate::app::App;
use crate::metrics::EventFollowerKind;
use crate::redaction::redact_paths;

const SAMPLE_EVERY: Duration = Duration::from_millis(200);

/// Following does not count as watching: detection stays at its idle rate while there are no viewers.
pub(crate) async fn sample_while_followed(app: Arc<App>) {
    loop {
        app.events.followed().await;
        add_sample(&app);
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

/// Follows the events, from the present state on.
pub(crate) fn follow(app: &App, kind: EventFollowerKind, last: Option<&str>) -> EventFollower {
    add_sample(app);
    app.events.follow(kind, last)
}

fn add_sample(app: &App) {
    let now = Instant::now();
    app.events.add(sample(app, now), now);
}

fn sample(app: &App, now: Instant) -> Sample {
    let shutter = app.shutter.view().state;
    let power = app.power.view();
    let signal = app.effective_signal();
    let source = source(signal.as_ref());
    let is_seen = source.state == SourceState::Live && !shutter.closed;
    let frame = app.slots.frames.latest();
    // Those of a former source are not seen any more.
    let of_this_source = |tracks: &Arc<Tracks>| {
        let is_other = |frame: &Arc<Frame>| frame.source_number != tracks.source_number;
        is_seen && !frame.as_ref().is_some_and(is_other)
    };
    let tracks = app.slots.tracks.latest().filter(of_this_source);
    let counted_at = tracks.as_ref().map_or(now, |tracks| tracks.captured_at);
    let present = app.settings.present();
    let named = present
        .zones
        .iter()
        .filter(|zone| zone.kind == ZoneKind::Named);
    let mut zones: BTreeMap<String, BTreeMap<String, usize>> = named
        .map(|zone| (zone.name.clone(), BTreeMap::new()))
        .collect();
    let mut classes = BTreeMap::new();
    for track in tracks.iter().flat_map(|tracks| &tracks.items) {
        let label = tracks.as_ref().map(|tracks| tracks.label(track.class_id));
        let label = label.unwrap_or_default().into_owned();
        for zone in track.zones.iter() {
            if let Some(counts) = zones.get_mut(&zone.name) {
                *counts.entry(label.clone()).or_default() += 1;
            }
        }
        *classes.entry(label).or_default() += 1;
    }
    Sample {
        summary: StationSummary {
            shutter: shutter.into(),
            privacy: present.privacy.mode.name().to_owned(),
            power: PowerSummary {
                profile: power.profile,
                battery_low: power.is_low,
            },
            source,
            viewers: app.engine.viewers().len(),
            address: app.visitors_address().public.best,
            classes,
            zones,
        },
        counted_at,
    }
}

fn source(signal: Option<&Signal>) -> SourceSummary {
    let (state, name) = match signal {
        None => (SourceState::Opening, ""),
        Some(Signal::Opening { source }) => (SourceState::Opening, source.as_str()),
        Some(Signal::Live { source, .. }) => (SourceState::Live, source.as_str()),
        Some(Signal::Lost { source, .. }) => (SourceState::Lost, source.as_str()),
        Some(Signal::Closed { .. }) => (SourceState::Closed, ""),
    };
    SourceSummary {
        state,
        name: redact_paths(name),
    }
}
