//! The progress of a job as server-sent events, and its pictures.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use stylise::{JobView, PictureKind};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::app::App;
use crate::http::bodies::{ApiError, yes_no_field};
use crate::http::conditional::{entity_tag, partial};
use crate::routes::stylise::{Job, keepsake, no_store, not_found, parse_id, query_booth};
use crate::stopping::reconnect_delay;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Reconnection delay of browsers.
const RETRY: Duration = Duration::from_secs(2);
/// `Retry-After` for followers.
const AGAIN: Duration = Duration::from_secs(10);

/// GET: an event with the job at once and after each change, until it is over or erased, or the station stops. A reconnecting
/// client gets the current state, so `Last-Event-ID` is not needed.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let place = app.booth.follower().ok_or_else(|| {
        let message = "too many follow their pictures: ask for the job itself now and then";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(AGAIN)
    })?;
    let views = query_booth(&app, move |booth| booth.follow(id)).await?;
    let follower = Follower {
        app: Arc::clone(&app),
        views: views?.ok_or_else(not_found)?,
        told: None,
        is_over: false,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    // Disables buffering of proxies (nginx, `proxy_buffering`).
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([unbuffered], events).into_response())
}

struct Follower {
    app: Arc<App>,
    views: watch::Receiver<Arc<JobView>>,
    /// The last view sent.
    told: Option<Arc<JobView>>,
    /// The stop of the station was told.
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// overflow: newest-wins (the view is taken when the connection asks for the next event)
    async fn next(&mut self) -> Option<Event> {
        if self.is_over || self.told.as_ref().is_some_and(|told| told.state.is_over()) {
            return None;
        }
        if self.told.is_some() {
            tokio::select! {
                changed = self.views.changed() => changed.ok()?,
                () = self.app.stopping.begun() => {}
            }
        }
        self.is_over = self.app.stopping.has_begun();
        let view = Arc::clone(&self.views.borrow_and_update());
        let job = Job::of(&self.app, JobView::clone(&view));
        let event = Event::default().event("job").json_data(job).ok()?;
        let first = self.told.replace(view).is_none();
        Some(match (self.is_over, first) {
            (true, _) => event.retry(reconnect_delay()),
            (false, true) => event.retry(RETRY),
            (false, false) => event,
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PictureQuery {
    #[serde(default, deserialize_with = "yes_no_field")]
    download: Option<bool>,
}

/// GET: `source.jpg`, `result.jpg`, `preview.jpg`, `keepsake.jpg` or `keepsake.gif`. Never cached, because it may be erased.
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path((id, picture)): Path<(String, String)>,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let which = match picture.as_str() {
        "source.jpg" => PictureKind::Source,
        "result.jpg" => PictureKind::Result,
        "preview.jpg" => PictureKind::Preview,
        "keepsake.jpg" | "keepsake.gif" => {
            let is_download = query.download == Some(true);
            return keepsake::answer(&app, parse_id(&id)?, &picture, is_download, &headers).await;
        }
        _ => return Err(not_found()),
    };
    let id = parse_id(&id)?;
    let (jpeg, view) = query_booth(&app, move |booth| {
        (booth.picture(id, which), booth.view(id))
    })
    .await?;
    let jpeg = jpeg?.ok_or_else(not_found)?;
    let tag = entity_tag(&jpeg);
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    let mut response = no_store((kind, partial(&headers, &tag, jpeg.into())));
    if query.download == Some(true)
        && let Some(view) = view?
    {
        let name = keepsake::attachment(&format!("{}.jpg", app.keepsakes.name(&view)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
