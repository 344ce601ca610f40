//! How a job is doing, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use stylise::JobView;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Job, ask, gone, named};
use crate::app::App;
use crate::routes::problem::Problem;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A browser whose connection broke comes back after so long.
const RETRY: Duration = Duration::from_secs(2);
/// When a place among those who follow may be free.
const AGAIN: Duration = Duration::from_secs(10);

/// GET: the job at once, and after each change, until it is over or erased. Whoever comes back gets the job as
/// it stands, so `Last-Event-ID` needs no answer.
pub(in crate::routes) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = named(&id)?;
    let place = app.booth.follower().ok_or_else(|| {
        let words = "too many follow their pictures: ask for the job itself now and then";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, words).again_in(AGAIN)
    })?;
    let views = ask(&app, move |booth| booth.follow(id)).await?;
    let follower = Follower {
        app: Arc::clone(&app),
        views: views?.ok_or_else(gone)?,
        told: None,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    // A proxy that collects answers would hold the events back (nginx, `proxy_buffering`).
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([unbuffered], events).into_response())
}

/// Somebody who watches a job.
struct Follower {
    app: Arc<App>,
    views: watch::Receiver<Arc<JobView>>,
    /// What was told last.
    told: Option<Arc<JobView>>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// overflow: newest-wins (the view is taken when the connection asks for the next event)
    async fn next(&mut self) -> Option<Event> {
        if self.told.as_ref().is_some_and(|told| told.state.is_over()) {
            return None;
        }
        if self.told.is_some() {
            self.views.changed().await.ok()?;
        }
        let view = Arc::clone(&self.views.borrow_and_update());
        let job = Job::of(&self.app, JobView::clone(&view));
        let event = Event::default().event("job").json_data(job).ok()?;
        let first = self.told.replace(view).is_none();
        Some(if first { event.retry(RETRY) } else { event })
    }
}
