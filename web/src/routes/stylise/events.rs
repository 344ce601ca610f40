//! How a job is doing, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use stylise::{JobId, JobView};
use tokio::sync::watch;

use super::{Job, ask, gone, named};
use crate::app::App;
use crate::routes::problem::Problem;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A browser whose connection broke comes back after so long.
const RETRY: Duration = Duration::from_secs(2);

/// GET: the job at once, and after each change, until it is over or erased. Whoever comes back gets the job as
/// it stands, so `Last-Event-ID` needs no answer.
pub(in crate::routes) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = named(&id)?;
    let changes = ask(&app, move |booth| booth.follow(id)).await?;
    let follower = Follower {
        app,
        id,
        changes: changes?.ok_or_else(gone)?,
        told: None,
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
    id: JobId,
    changes: watch::Receiver<u64>,
    /// What was told last.
    told: Option<JobView>,
}

impl Follower {
    /// overflow: newest-wins (a job is looked at only when the connection asks for the next event)
    async fn next(&mut self) -> Option<Event> {
        if self.told.as_ref().is_some_and(|told| told.state.is_over()) {
            return None;
        }
        loop {
            if self.told.is_some() {
                self.changes.changed().await.ok()?;
            }
            self.changes.borrow_and_update();
            let id = self.id;
            let view = ask(&self.app, move |booth| booth.view(id)).await;
            let view = view.ok()?.ok()??;
            if self.told.as_ref() == Some(&view) {
                continue;
            }
            let first = self.told.replace(view.clone()).is_none();
            let event = Event::default()
                .event("job")
                .json_data(Job::of(view))
                .ok()?;
            return Some(if first { event.retry(RETRY) } else { event });
        }
    }
}
