//! Tracks as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use detector::{LabelContent, Track, Tracks, class_colour};
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::app::App;
use crate::http::request_head::header_text;
use crate::routes::contract::operation::Operation;
use crate::routes::page;

const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
pub(super) struct TracksQuery {
    fps: Option<f32>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TracksEvent<'a> {
    frame_seq: u64,
    captured_at_ms: u64,
    width: u32,
    height: u32,
    /// What the labels on the picture say: none, name, name_score or name_score_id
    #[schemars(with = "String")]
    labels: LabelContent,
    tracks: Vec<TrackEvent<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TrackEvent<'a> {
    id: u64,
    class: &'a str,
    class_id: usize,
    /// `#rrggbb`, of its box on the picture
    colour: String,
    score: f32,
    #[serde(rename = "box")]
    bbox_px: [f32; 4],
    /// The owner's named zones that it is in.
    zones: Vec<&'a str>,
}

/// Events for programs; a page that shows them for browsers.
pub(super) async fn tracks(
    State(app): State<Arc<App>>,
    Query(query): Query<TracksQuery>,
    headers: HeaderMap,
) -> Response {
    let mut response = if wants_page(&headers) {
        page::asset_response("tracks.html", &headers)
    } else {
        events(app, period(query.fps))
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

/// The least time between two events.
fn period(fps: Option<f32>) -> Duration {
    let fps = fps.filter(|fps| fps.is_finite());
    fps.map_or(Duration::ZERO, |fps| {
        Duration::from_secs_f32(1.0 / fps.clamp(0.2, 30.0))
    })
}

/// One event per inference, and not more often than each `period`; slow readers skip to the newest.
fn events(app: Arc<App>, period: Duration) -> Response {
    let reader = app.slots.tracks.reader();
    // Listening requires the full detection rate, but no composed pictures.
    let watch = app.watch_tracks();
    let station = Arc::clone(&app);
    let events = stream::unfold(
        (app, reader, watch, Instant::now()),
        move |(app, mut reader, watch, next_at)| async move {
            tokio::time::sleep_until(next_at).await;
            let tracks = reader.next().await?;
            let next_at = Instant::now() + period;
            let event = Event::default()
                .json_data(describe(&app, &tracks))
                .unwrap_or_default();
            Some((Ok::<_, Infallible>(event), (app, reader, watch, next_at)))
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
    let item = |track: &'a Track| {
        let (red, green, blue) = class_colour(track.class_id);
        TrackEvent {
            id: track.id,
            class: label(track.class_id),
            class_id: track.class_id,
            colour: format!("#{red:02x}{green:02x}{blue:02x}"),
            score: track.score,
            bbox_px: [track.bbox.x1, track.bbox.y1, track.bbox.x2, track.bbox.y2],
            zones: track.zones.iter().map(|zone| zone.name.as_str()).collect(),
        }
    };
    TracksEvent {
        frame_seq: tracks.frame_seq,
        captured_at_ms: app.slots.clock.unix_ms(tracks.captured_at),
        width: tracks.frame_width,
        height: tracks.frame_height,
        labels: painted_labels(app),
        tracks: shown.iter().map(item).collect(),
    }
}

/// What the labels on the picture say now. The marks of a game take the place of boxes.
fn painted_labels(app: &App) -> LabelContent {
    let settings = app.settings.present();
    let game = app.games.shown().latest();
    if !settings.boxes || game.is_some_and(|game| !game.marks.is_empty()) {
        return LabelContent::None;
    }
    settings.labels
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/tracks",
            "What is seen, as server-sent events: one for each detection result.",
        )
        .note("Browsers that accept text/html get a page.")
        .query(
            "fps",
            "Events a second at most, 0.2 to 30; one for each detection result by default.",
        )
        .events::<TracksEvent<'static>>()
        .media(200, "text/html"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_as_often_as_wanted() {
        assert_eq!(period(None), Duration::ZERO);
        assert_eq!(period(Some(8.0)), Duration::from_millis(125));
        assert_eq!(period(Some(0.0)), Duration::from_secs(5));
        assert_eq!(period(Some(f32::NAN)), Duration::ZERO);
    }

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
