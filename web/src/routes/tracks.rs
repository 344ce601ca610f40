//! Tracks as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use detector::Tracks;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::http::request_head::header_text;
use crate::routes::contract::operation::Operation;
use crate::routes::page;

const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize, JsonSchema)]
struct TracksEvent<'a> {
    frame_seq: u64,
    captured_at_ms: u64,
    width: u32,
    height: u32,
    tracks: Vec<TrackEvent<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TrackEvent<'a> {
    id: u64,
    class: &'a str,
    class_id: usize,
    score: f32,
    #[serde(rename = "box")]
    bbox_px: [f32; 4],
    /// The owner's named zones that it is in.
    zones: Vec<&'a str>,
}

/// Events for programs; a page that shows them for browsers.
pub(super) async fn tracks(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let mut response = if wants_page(&headers) {
        page::asset_response("tracks.html", &headers)
    } else {
        events(app)
    };
    let accept = HeaderValue::from_static("accept");
    response.headers_mut().insert(header::VARY, accept);
    response
}

/// Browsers name `text/html` when they navigate; programs do not.
fn wants_page(headers: &HeaderMap) -> bool {
    header_text(headers, header::ACCEPT).is_some_and(|kinds| {
        kinds
            .split(',')
            .any(|kind| kind.split(';').next().map(str::trim) == Some("text/html"))
    })
}

/// One event per inference; slow readers skip to the newest.
fn events(app: Arc<App>) -> Response {
    let reader = app.slots.tracks.reader();
    // Listening requires the full detection rate, but no composed pictures.
    let watch = app.watch_tracks();
    let station = Arc::clone(&app);
    let events = stream::unfold(
        (app, reader, watch),
        |(app, mut reader, watch)| async move {
            let tracks = reader.next().await?;
            let event = Event::default()
                .json_data(describe(&app, &tracks))
                .unwrap_or_default();
            Some((Ok::<_, Infallible>(event), (app, reader, watch)))
        },
    );
    Sse::new(station.stopping.until_stop(events))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

fn describe<'a>(app: &App, tracks: &'a Tracks) -> TracksEvent<'a> {
    let label = |class_id: usize| {
        tracks
            .labels
            .get(class_id)
            .map_or("unknown", String::as_str)
    };
    let shown = if app.shutter.is_closed() {
        &[]
    } else {
        tracks.items.as_slice()
    };
    let items = shown.iter().map(|track| TrackEvent {
        id: track.id,
        class: label(track.class_id),
        class_id: track.class_id,
        score: track.score,
        bbox_px: [track.bbox.x1, track.bbox.y1, track.bbox.x2, track.bbox.y2],
        zones: track.zones.iter().map(|zone| zone.name.as_str()).collect(),
    });
    TracksEvent {
        frame_seq: tracks.frame_seq,
        captured_at_ms: app.slots.clock.unix_ms(tracks.captured_at),
        width: tracks.frame_width,
        height: tracks.frame_height,
        tracks: items.collect(),
    }
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/tracks",
            "What is seen, as server-sent events: one for each detection result.",
        )
        .note("Browsers that accept text/html get a page.")
        .events::<TracksEvent<'static>>()
        .media(200, "text/html"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_for_clients_that_accept_it() {
        let wants = |accept: &str| {
            let value = HeaderValue::from_str(accept).expect("a header");
            wants_page(&HeaderMap::from_iter([(header::ACCEPT, value)]))
        };
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(wants("application/xml, text/html;q=0.9"));
        assert!(!wants("text/event-stream") && !wants("*/*") && !wants("text/*"));
        assert!(!wants_page(&HeaderMap::new()));
    }
}
