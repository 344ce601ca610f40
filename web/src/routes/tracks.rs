//! What is seen, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use detector::Tracks;
use futures_util::stream::{self, Stream};
use serde::Serialize;

use crate::app::App;

const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize)]
struct TracksEvent<'a> {
    frame_seq: u64,
    captured_at_ms: u64,
    width: u32,
    height: u32,
    tracks: Vec<TrackEvent<'a>>,
}

#[derive(Debug, Serialize)]
struct TrackEvent<'a> {
    id: u64,
    class: &'a str,
    class_id: usize,
    score: f32,
    #[serde(rename = "box")]
    bbox_px: [f32; 4],
}

/// One event for each inference; a slow reader gets the newest and misses the rest.
pub(super) async fn events(
    State(app): State<Arc<App>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let reader = app.tracks.reader();
    // Whoever listens wants the full detection rate, though no picture is made for it.
    let watch = app.watch_tracks();
    let events = stream::unfold(
        (app, reader, watch),
        |(app, mut reader, watch)| async move {
            let tracks = reader.next().await?;
            let event = Event::default()
                .json_data(describe(&app, &tracks))
                .unwrap_or_default();
            Some((Ok(event), (app, reader, watch)))
        },
    );
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn describe<'a>(app: &App, tracks: &'a Tracks) -> TracksEvent<'a> {
    let label = |class_id: usize| {
        tracks
            .labels
            .get(class_id)
            .map_or("unknown", String::as_str)
    };
    let items = tracks.items.iter().map(|track| TrackEvent {
        id: track.id,
        class: label(track.class_id),
        class_id: track.class_id,
        score: track.score,
        bbox_px: [track.bbox.x1, track.bbox.y1, track.bbox.x2, track.bbox.y2],
    });
    TracksEvent {
        frame_seq: tracks.frame_seq,
        captured_at_ms: app.clock.unix_ms(tracks.captured_at),
        width: tracks.frame_width,
        height: tracks.frame_height,
        tracks: items.collect(),
    }
}
