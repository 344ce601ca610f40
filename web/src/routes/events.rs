//! The station's events as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::events::EventFollower;
use crate::events::event::StationEvent;
use crate::events::sampling;
use crate::http::bodies::ApiError;
use crate::metrics::EventFollowerKind;
use crate::routes::contract::operation::Operation;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Reconnection delay of browsers.
const RETRY: Duration = Duration::from_secs(2);
/// `Retry-After` for followers.
const AGAIN: Duration = Duration::from_secs(10);
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// GET: the present state, or what came after `Last-Event-ID`; then each event.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let place = app.events.place().ok_or_else(|| {
        let message = "too many follow the events: ask /api/status now and then";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(AGAIN)
    })?;
    let last = headers.get(&LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let follower = sampling::follow(&app, EventFollowerKind::Sse, last);
    let events = app
        .stopping
        .until_stop(stream::unfold((follower, place, true), next));
    // Disables buffering of proxies (nginx, `proxy_buffering`).
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([unbuffered], events).into_response())
}

type Following = (EventFollower, OwnedSemaphorePermit, bool);

/// overflow: newest-wins (the event is taken when the connection asks for the next one)
async fn next(
    (mut follower, place, is_first): Following,
) -> Option<(Result<Event, Infallible>, Following)> {
    let event = follower.next().await;
    let sent = Event::default().event(event.detail.name()).id(&event.id);
    let sent = sent.json_data(&*event).ok()?;
    let sent = if is_first { sent.retry(RETRY) } else { sent };
    Some((Ok(sent), (follower, place, false)))
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/events",
            "What changes on the station, as server-sent events.",
        )
        .note("The first event is the whole state, or what came after Last-Event-ID.")
        .header(
            "Last-Event-ID",
            "The id of the last event that the client got.",
        )
        .events::<StationEvent>(),
    ]
}
