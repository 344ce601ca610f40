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
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Serialize;
use stylise::{Booth, BoothError, JobId, JobView, Limits, MadeBy, Removed, Style};
use tokio::time::timeout;

use super::asked::Share;
use super::problem::Problem;
use crate::app::App;
use crate::assets;
use crate::booth::{Closed, ComfyuiReport};

/// How long a question waits for its turn: the booth waits for its disk, and the disk for something else.
const TURN_WITHIN: Duration = Duration::from_secs(15);
const STATUS_WITHIN: Duration = Duration::from_secs(1);
/// When to ask a busy booth again.
const AGAIN: Duration = Duration::from_secs(5);

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
    /// Whether a picture is overwritten on the ComfyUI server when it is over; else it may stay there.
    comfyui_erases: Option<bool>,
}

#[derive(Debug, Serialize)]
struct OfferedStyle {
    #[serde(flatten)]
    style: Style,
    /// A picture that whoever makes this style made.
    example: Option<String>,
}

pub(super) async fn styles(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (styles, comfyui) = ask(&app, |booth| (booth.styles(), comfyui(booth))).await?;
    let offered = |style: Style| OfferedStyle {
        example: example(&app, &style),
        style,
    };
    let styles = styles.into_iter().map(offered).collect();
    Ok(fresh(Json(Styles {
        styles,
        keep_s: app.config.booth.keep().as_secs(),
        comfyui,
        comfyui_erases: app.booth.comfyui_erases(),
    })))
}

fn comfyui(booth: &Booth) -> ComfyuiReport {
    ComfyuiReport::of(booth.ready(MadeBy::Comfyui))
}

/// With its maker in the address: a browser keeps pictures by their address.
fn example(app: &App, style: &Style) -> Option<String> {
    let path = format!("booth/examples/{}.jpg", style.id);
    match style.made_by {
        MadeBy::Laptop => assets::find(&path).map(|_| app.path(&format!("/{path}?by=laptop"))),
        MadeBy::Comfyui => {
            let own = app.booth.example(&style.id);
            own.map(|_| app.path(&format!("/{path}?by=comfyui")))
        }
    }
}

/// Who makes a style now, where it is offered.
pub(super) async fn maker(app: &App, style: &str) -> Option<MadeBy> {
    let styles = ask(app, Booth::styles).await.ok()?;
    let style = styles.into_iter().find(|one| one.id == style)?;
    Some(style.made_by)
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
    fn of(app: &App, view: JobView) -> Self {
        let job = address(app, view.id);
        let url = |there: bool, picture: &str| there.then(|| format!("{job}/{picture}"));
        let unfinished = url(view.preview_serial > 0, "preview.jpg");
        Self {
            result: url(view.has_result, "result.jpg"),
            source: url(view.has_source, "source.jpg"),
            preview: unfinished.map(|url| format!("{url}?n={}", view.preview_serial)),
            view,
        }
    }
}

fn address(app: &App, id: JobId) -> String {
    app.path(&format!("/api/stylise/{id}"))
}

async fn job(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = named(&id)?;
    let view = ask(&app, move |booth| booth.view(id)).await?;
    Ok(fresh(Json(Job::of(&app, view?.ok_or_else(gone)?))))
}

async fn share(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wish: Result<Json<Share>, JsonRejection>,
) -> Result<Response, Problem> {
    let (id, Json(Share { share })) = (named(&id)?, wish?);
    let view = ask(&app, move |booth| booth.set_share(id, share)).await?;
    Ok(fresh(Json(Job::of(&app, view?.ok_or_else(gone)?))))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = named(&id)?;
    let removed = ask(&app, move |booth| booth.remove(id)).await?;
    Ok(match removed?.ok_or_else(gone)? {
        Removed::Cancelled(view) => fresh(Json(Job::of(&app, view))),
        Removed::Erased => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Asks the booth, on a thread that may wait for a disk.
pub(super) async fn ask<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&Booth) -> T + Send + 'static,
) -> Result<T, Problem> {
    let booth = app.booth.get()?.clone();
    let turn = timeout(TURN_WITHIN, app.booth.question()).await;
    let turn = turn.ok().flatten().ok_or_else(busy)?;
    let answer = tokio::task::spawn_blocking(move || {
        let answer = question(&booth);
        drop(turn);
        answer
    });
    let answer = answer.await;
    answer.map_err(|error| {
        tracing::error!(%error, "a question to the photo booth came to no end");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong here: try again",
        )
    })
}

fn busy() -> Problem {
    let words = "the photo booth is busy: try again in a few seconds";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, words).again_in(AGAIN)
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
                "the photo booth is out of order: its log says why; it is tried again",
            )
            .again_in(AGAIN),
            Closed::Opening => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the photo booth is being opened: try again in a few seconds",
            )
            .again_in(AGAIN),
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
    // The rest of the status does not wait for a disk.
    let told = timeout(STATUS_WITHIN, told).await;
    match told.unwrap_or_else(|_| Err(busy())) {
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
