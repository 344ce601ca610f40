//! Pictures that become stylised ones: ask for one, follow it, fetch it, erase it. Who knows the name of a
//! job may do all of that, and nobody else: there is no list of jobs.

mod events;
mod form;
#[cfg(test)]
mod fuzz;
mod pictures;
mod submit;
mod upload;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Serialize;
use stylise::{Booth, BoothError, JobId, JobView, Limits, MadeBy, Removed, Style};

use super::asked::Share;
use super::problem::Problem;
use crate::app::App;
use crate::assets;
use crate::booth::{Closed, ComfyuiReport};

pub(super) use self::events::events;
pub(super) use self::pictures::picture;
pub(super) use self::submit::submit;

/// The largest picture that is taken.
const IMAGE_BYTES_MAX: usize = Limits::UPLOAD.max_bytes;

/// What can be done with a job.
pub(super) fn job_methods() -> MethodRouter<Arc<App>> {
    get(job).patch(share).delete(remove)
}

#[derive(Debug, Serialize)]
struct Styles {
    styles: Vec<OfferedStyle>,
    /// After so many seconds everything of a job is erased.
    keep_s: u64,
    #[serde(flatten)]
    comfyui: ComfyuiReport,
}

#[derive(Debug, Serialize)]
struct OfferedStyle {
    #[serde(flatten)]
    style: Style,
    /// A picture in this style, of the program's own.
    example: Option<String>,
}

pub(super) async fn styles(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (styles, comfyui) = ask(&app, |booth| (booth.styles(), comfyui(booth))).await?;
    let offered = |style: Style| OfferedStyle {
        example: example(&app, &style.id),
        style,
    };
    let styles = styles.into_iter().map(offered).collect();
    Ok(fresh(Json(Styles {
        styles,
        keep_s: app.config.booth.keep().as_secs(),
        comfyui,
    })))
}

fn comfyui(booth: &Booth) -> ComfyuiReport {
    ComfyuiReport::of(booth.ready(MadeBy::Comfyui))
}

fn example(app: &App, style: &str) -> Option<String> {
    let path = format!("booth/examples/{style}.jpg");
    let there = assets::find(&path).is_some() || app.booth.example(style).is_some();
    there.then(|| format!("/{path}"))
}

/// A job, with the addresses of what there is of it.
#[derive(Debug, Serialize)]
struct Job {
    #[serde(flatten)]
    view: JobView,
    result: Option<String>,
    source: Option<String>,
    preview: Option<String>,
}

impl Job {
    fn of(view: JobView) -> Self {
        let url =
            |there: bool, picture: &str| there.then(|| format!("{}/{picture}", address(view.id)));
        let unfinished = url(view.preview_serial > 0, "preview.jpg");
        Self {
            result: url(view.has_result, "result.jpg"),
            source: url(view.has_source, "source.jpg"),
            preview: unfinished.map(|url| format!("{url}?n={}", view.preview_serial)),
            view,
        }
    }
}

fn address(id: JobId) -> String {
    format!("/api/stylise/{id}")
}

async fn job(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = named(&id)?;
    let view = ask(&app, move |booth| booth.view(id)).await?;
    Ok(fresh(Json(Job::of(view?.ok_or_else(gone)?))))
}

async fn share(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wish: Result<Json<Share>, JsonRejection>,
) -> Result<Response, Problem> {
    let (id, Json(Share { share })) = (named(&id)?, wish?);
    let view = ask(&app, move |booth| booth.set_share(id, share)).await?;
    Ok(fresh(Json(Job::of(view?.ok_or_else(gone)?))))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = named(&id)?;
    let removed = ask(&app, move |booth| booth.remove(id)).await?;
    Ok(match removed?.ok_or_else(gone)? {
        Removed::Cancelled(view) => fresh(Json(Job::of(view))),
        Removed::Erased => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Asks the booth, on a thread that may wait for a disk.
pub(super) async fn ask<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&Booth) -> T + Send + 'static,
) -> Result<T, Problem> {
    let booth = app.booth.get()?.clone();
    let answer = tokio::task::spawn_blocking(move || question(&booth)).await;
    answer.map_err(|error| {
        tracing::error!(%error, "a question to the photo booth came to no end");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong here: try again",
        )
    })
}

/// A job's name is a secret: one that is no name at all is answered like one that nobody has.
fn named(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| gone())
}

pub(super) fn gone() -> Problem {
    let words = "there is no such picture: it was erased, its time was over, or it never was";
    Problem::new(StatusCode::NOT_FOUND, words)
}

/// Of now alone.
pub(super) fn fresh(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let never = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}

impl From<Closed> for Problem {
    fn from(why: Closed) -> Self {
        match why {
            Closed::Off => Self::new(StatusCode::NOT_FOUND, "there is no photo booth here"),
            Closed::Broken => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the photo booth is out of order: its log says why",
            ),
        }
    }
}

impl From<BoothError> for Problem {
    fn from(error: BoothError) -> Self {
        tracing::error!(%error, "the photo booth");
        let words = "the photo booth cannot keep pictures now: its log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, words)
    }
}

/// As the page and scripts are told of it.
#[derive(Debug, Serialize)]
pub(super) struct BoothStatus {
    comfyui: &'static str,
    waiting: usize,
    styles: usize,
    /// Why the booth is closed.
    error: Option<String>,
}

/// `stylise` of `/api/status`; none where the owner wants no booth.
pub(super) async fn status(app: &App) -> Option<BoothStatus> {
    let told = ask(app, |booth| BoothStatus {
        comfyui: comfyui(booth).comfyui,
        waiting: booth.waiting(),
        styles: booth.styles().len(),
        error: None,
    });
    match told.await {
        Ok(status) => Some(status),
        Err(problem) if problem.status == StatusCode::NOT_FOUND => None,
        Err(problem) => Some(BoothStatus {
            comfyui: "off",
            waiting: 0,
            styles: 0,
            error: Some(problem.words),
        }),
    }
}

/// What a style is called, also one that is not offered any more.
pub(super) fn title_of(styles: &[Style], id: &str) -> String {
    let style = styles.iter().find(|style| style.id == id);
    style.map_or_else(|| id.to_owned(), |style| style.title.clone())
}
