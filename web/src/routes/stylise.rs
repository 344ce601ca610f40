//! Jobs of the photo booth: submit, follow, fetch, erase. The secret name of a job gives the right to
//! it; there is no list of jobs.

mod form;
pub(crate) mod handover;
pub(super) mod job;
pub(super) mod keepsake;
pub(super) mod previews;
pub(super) mod submit;
mod upload;

#[cfg(test)]
mod fuzz;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use schemars::JsonSchema;
use serde::Serialize;
use stylise::{
    Booth, BoothError, JobId, JobView, Limits, MadeBy, PhotoKind, Removed, Style, WaitsFor,
};
use tokio::time::timeout;

use crate::app::App;
use crate::assets;
use crate::booth::{BoothClosedError, ComfyuiReport};
use crate::http::bodies::{ApiError, Share};
use crate::print::PrintReport;
use crate::routes::contract::operation::Operation;
use crate::telemetry::spawn_blocking;

/// Time-out for a query's permit: the booth may wait for its disk.
const TURN_WITHIN: Duration = Duration::from_secs(15);
const STATUS_WITHIN: Duration = Duration::from_secs(1);
/// `Retry-After` of a busy booth.
const AGAIN: Duration = Duration::from_secs(5);

const IMAGE_BYTES_MAX: usize = Limits::UPLOAD.max_bytes;

pub(super) fn job_methods() -> MethodRouter<Arc<App>> {
    get(job).patch(share).delete(remove)
}

#[derive(Debug, Serialize, JsonSchema)]
struct Styles {
    styles: Vec<OfferedStyle>,
    /// Jobs are erased after this time.
    keep_s: u64,
    /// Whether pictures may be shown in the gallery.
    gallery: bool,
    /// Whether the owner lets nobody share further pictures.
    sharing_paused: bool,
    /// Whether other carriers of the event may show pictures, too.
    carriers: bool,
    #[serde(flatten)]
    comfyui: ComfyuiReport,
    /// Whether finished pictures are overwritten on the ComfyUI server; otherwise they may stay there.
    comfyui_erases: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct OfferedStyle {
    #[serde(flatten)]
    style: Style,
    /// An example picture made by the same stylist.
    example: Option<String>,
}

pub(super) async fn styles(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let (styles, comfyui) = query_booth(&app, |booth| (booth.styles(), comfyui(booth))).await?;
    let offered = |style: Style| OfferedStyle {
        example: example(&app, &style),
        style,
    };
    let styles = styles.into_iter().map(offered).collect();
    let present = app.settings.present();
    Ok(no_store(Json(Styles {
        styles,
        keep_s: app.config.booth.keep().as_secs(),
        gallery: present.booth.gallery,
        sharing_paused: present.booth.pause_sharing,
        carriers: app.carriers.shares_pictures(),
        comfyui,
        comfyui_erases: app.booth.comfyui_erases(),
    })))
}

fn comfyui(booth: &Booth) -> ComfyuiReport {
    ComfyuiReport::of(booth.ready(MadeBy::Comfyui))
}

/// The URL contains the stylist, because browsers cache by URL.
fn example(app: &App, style: &Style) -> Option<String> {
    let path = format!("booth/examples/{}.jpg", style.id);
    match style.made_by {
        MadeBy::BuiltIn => assets::find(&path).map(|_| app.path(&format!("/{path}?by=laptop"))),
        MadeBy::Comfyui => {
            let own = app.booth.example(&style.id);
            own.map(|_| app.path(&format!("/{path}?by=comfyui")))
        }
    }
}

/// The stylist that offers a style.
pub(super) async fn maker(app: &App, style: &str) -> Option<MadeBy> {
    let styles = query_booth(app, Booth::styles).await.ok()?;
    let style = styles.into_iter().find(|one| one.id == style)?;
    Some(style.made_by)
}

/// A job, with the URLs of its pictures.
#[derive(Debug, Serialize, JsonSchema)]
struct Job {
    #[serde(flatten)]
    view: JobView,
    result: Option<String>,
    source: Option<String>,
    preview: Option<String>,
    /// The result to save, share and print: in a frame, as a strip, as a GIF, or as it is.
    keepsake: Option<String>,
    /// What the saved file is to be called.
    file_name: String,
    /// The name of the event, if there is one.
    event: Option<String>,
    /// Absent: it cannot be printed here.
    print: Option<PrintReport>,
}

impl Job {
    fn of(app: &App, mut view: JobView) -> Self {
        if app.stopping.has_begun() && !view.state.is_over() {
            view.waits_for = Some(WaitsFor::Restart);
        }
        let job = address(app, view.id);
        let url = |there: bool, picture: &str| there.then(|| format!("{job}/{picture}"));
        let unfinished = url(view.preview_serial > 0, "preview.jpg");
        Self {
            result: url(view.has_result, "result.jpg"),
            source: url(view.has_source, "source.jpg"),
            keepsake: url(view.has_result, app.keepsakes.file(&view).path()),
            file_name: app.keepsakes.file_name(&view),
            event: app.keepsakes.event().map(str::to_owned),
            print: app.prints.report(&view),
            preview: unfinished.map(|url| format!("{url}?n={}", view.preview_serial)),
            view,
        }
    }
}

fn address(app: &App, id: JobId) -> String {
    app.path(&format!("/api/stylise/{id}"))
}

async fn job(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let view = query_booth(&app, move |booth| booth.view(id)).await?;
    Ok(no_store(Json(Job::of(&app, view?.ok_or_else(not_found)?))))
}

async fn share(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Share>, JsonRejection>,
) -> Result<Response, ApiError> {
    let (id, Json(Share { share, carriers })) = (parse_id(&id)?, body?);
    if share {
        may_share(&app)?;
    }
    let on_carriers = share && carriers && app.carriers.shares_pictures();
    let view = query_booth(&app, move |booth| {
        let view = booth.set_share(id, share)?;
        match on_carriers {
            true => booth.set_on_carriers(id, true),
            false => Ok(view),
        }
    })
    .await?;
    Ok(no_store(Json(Job::of(&app, view?.ok_or_else(not_found)?))))
}

/// Whether visitors may share pictures now.
fn may_share(app: &App) -> Result<(), ApiError> {
    let present = app.settings.present();
    let message = match (present.booth.gallery, present.booth.pause_sharing) {
        (true, false) => return Ok(()),
        (true, true) => "sharing is paused at the moment",
        (false, _) => "the gallery is closed at the moment",
    };
    Err(ApiError::new(StatusCode::CONFLICT, message))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let removed = query_booth(&app, move |booth| booth.remove(id)).await?;
    Ok(match removed?.ok_or_else(not_found)? {
        Removed::Cancelled(view) => no_store(Json(Job::of(&app, view))),
        Removed::Erased => {
            app.prints.forget(id);
            StatusCode::NO_CONTENT.into_response()
        }
    })
}

/// Queries the booth on a thread that may block.
pub(super) async fn query_booth<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&Booth) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let booth = app.booth.get()?.clone();
    let turn = timeout(TURN_WITHIN, app.booth.query()).await;
    let turn = turn.ok().flatten().ok_or_else(busy)?;
    let answer = spawn_blocking(move || {
        let answer = question(&booth);
        drop(turn);
        answer
    });
    let answer = answer.await;
    answer.map_err(|error| {
        tracing::error!(%error, "a query of the photo booth failed");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong here: try again",
        )
    })
}

fn busy() -> ApiError {
    let message = "the photo booth is busy: try again in a few seconds";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(AGAIN)
}

/// A malformed name is answered like an unknown one.
pub(super) fn parse_id<T: FromStr>(id: &str) -> Result<T, ApiError> {
    id.parse().map_err(|_| not_found())
}

pub(super) fn not_found() -> ApiError {
    let message = "there is no such picture: it was erased, its time was over, or it never was";
    ApiError::new(StatusCode::NOT_FOUND, message)
}

pub(super) fn no_store(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let never = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}

impl From<BoothClosedError> for ApiError {
    fn from(why: BoothClosedError) -> Self {
        match why {
            BoothClosedError::Off => {
                Self::new(StatusCode::NOT_FOUND, "there is no photo booth here")
            }
            BoothClosedError::Broken => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the photo booth is out of order: its log says why; it is tried again",
            )
            .again_in(AGAIN),
            BoothClosedError::Opening => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the photo booth is being opened: try again in a few seconds",
            )
            .again_in(AGAIN),
        }
    }
}

impl From<BoothError> for ApiError {
    fn from(error: BoothError) -> Self {
        tracing::error!(%error, "the photo booth cannot use its folder or database");
        let message = "the photo booth cannot keep pictures now: its log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BoothStatus {
    pub(super) comfyui: &'static str,
    pub(super) waiting: usize,
    styles: usize,
    pub(super) error: Option<String>,
}

/// `stylise` of `/api/status`; `None` if the booth is disabled.
pub(super) async fn status(app: &App) -> Option<BoothStatus> {
    let told = query_booth(app, |booth| BoothStatus {
        comfyui: comfyui(booth).comfyui,
        waiting: booth.waiting(),
        styles: booth.styles().len(),
        error: None,
    });
    // A slow disk must not delay the rest of the status.
    let told = timeout(STATUS_WITHIN, told).await;
    match told.unwrap_or_else(|_| Err(busy())) {
        Ok(status) => Some(status),
        Err(problem) if problem.status == StatusCode::NOT_FOUND => None,
        Err(problem) => Some(BoothStatus {
            comfyui: "off",
            waiting: 0,
            styles: 0,
            error: Some(problem.message),
        }),
    }
}

/// The title of a style; its id if it is no longer offered.
pub(super) fn title_of(styles: &[Style], id: &str) -> String {
    let style = styles.iter().find(|style| style.id == id);
    style.map_or_else(|| id.to_owned(), |style| style.title.clone())
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/styles", "The styles that are offered.").json::<Styles>(200),
        Operation::get("/api/stylise/{id}", "A job.").json::<Job>(200),
        Operation::patch(
            "/api/stylise/{id}",
            "Whether the result may be in the gallery.",
        )
        .takes::<Share>()
        .json::<Job>(200),
        Operation::delete("/api/stylise/{id}", "Erases a job and its pictures.").empty(204),
        Operation::get(
            "/api/stylise/{id}/events",
            "A job and each change of it, as server-sent events.",
        )
        .events::<Job>(),
        Operation::get(
            "/api/stylise/{id}/{picture}",
            "source.jpg, result.jpg or preview.jpg of a job; keepsake.jpg or keepsake.gif: the result to take home.",
        )
        .query("download", "1: as a file to keep.")
        .media(200, "image/*"),
    ]
}
