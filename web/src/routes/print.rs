//! Prints of pictures: visitors ask, the owner decides.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylise::{JobId, JobView};
use uuid::Uuid;

use crate::app::App;
use crate::http::bodies::ApiError;
use crate::metrics::PrintOutcome;
use crate::print::{PrintRefusal, PrintReport, PrintRequest, PrintState};
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::keepsake;
use crate::routes::stylise::{no_store, not_found, parse_id, query_booth};
use crate::telemetry::spawn_blocking;

/// POST `/api/stylise/{id}/print`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PrintOrder {
    copies: u32,
}

/// PATCH `/api/admin/prints/{id}`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    approved: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WaitingPrints {
    /// Whether there is a printer.
    offered: bool,
    /// Oldest first.
    prints: Vec<WaitingPrint>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WaitingPrint {
    id: String,
    copies: u32,
    /// What would be printed.
    picture: String,
}

pub(super) fn job_methods() -> MethodRouter<Arc<App>> {
    get(state).post(ask)
}

/// GET: how far the print of a picture is.
async fn state(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let view = view_of(&app, parse_id(&id)?).await?;
    let print = app.prints.report(&view).ok_or_else(no_printer)?;
    Ok(no_store(Json(print)))
}

/// POST: asks for copies.
async fn ask(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<PrintOrder>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(PrintOrder { copies }) = body?;
    app.stopping.refuse()?;
    let view = view_of(&app, parse_id(&id)?).await?;
    if app.prints.report(&view).is_none() {
        return Err(no_printer());
    }
    let request = app.prints.ask(view.id, copies).map_err(refused)?;
    if request.state == PrintState::Sending {
        send(&app, request);
    }
    let print = app.prints.report(&view);
    Ok(no_store((StatusCode::ACCEPTED, Json(print))))
}

fn refused(refusal: PrintRefusal) -> ApiError {
    let status = match refusal {
        PrintRefusal::Open => StatusCode::CONFLICT,
        PrintRefusal::TooMany { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        PrintRefusal::Full => StatusCode::TOO_MANY_REQUESTS,
    };
    ApiError::new(status, refusal.to_string())
}

fn no_printer() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "this picture cannot be printed here")
}

async fn view_of(app: &App, id: JobId) -> Result<JobView, ApiError> {
    let view = query_booth(app, move |booth| booth.view(id)).await?;
    view?.ok_or_else(not_found)
}

/// Prints in a task of its own: the visitor need not wait for it.
fn send(app: &Arc<App>, request: PrintRequest) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let is_printed = printed(&app, request).await;
        app.prints.sent(request.id, is_printed);
        let outcome = match is_printed {
            true => PrintOutcome::Printed,
            false => PrintOutcome::Failed,
        };
        app.count_print(outcome);
    });
}

async fn printed(app: &Arc<App>, request: PrintRequest) -> bool {
    let Some(_turn) = app.prints.turn().await else {
        return false;
    };
    let Ok((jpeg, title)) = paper(app, request.job).await else {
        tracing::warn!(job = ?request.job, "a picture is not printed: it was erased, or cannot be made");
        return false;
    };
    let own = Arc::clone(app);
    let sent = spawn_blocking(move || own.prints.print(&request, &title, jpeg)).await;
    match sent {
        Ok(Ok(())) => {
            tracing::info!(job = ?request.job, copies = request.copies, "a picture was sent to the printer");
            true
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a picture could not be printed");
            false
        }
        Err(_) => false,
    }
}

/// What is printed of a job, and its title.
async fn paper(app: &Arc<App>, id: JobId) -> Result<(Vec<u8>, String), ApiError> {
    let (view, stored) = keepsake::finished(app, id).await?;
    let title = app.keepsakes.file_name(&view);
    Ok((keepsake::make(app, view, stored, true).await?, title))
}

/// GET, by the admin: what waits for approval.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let mut prints = Vec::new();
    for request in app.prints.waiting() {
        let job = request.job;
        let view = query_booth(&app, move |booth| booth.view(job)).await??;
        if !view.is_some_and(|view| view.has_result) {
            app.prints.forget(job);
            continue;
        }
        prints.push(WaitingPrint {
            id: request.id.to_string(),
            copies: request.copies,
            picture: app.path(&format!("/api/admin/prints/{}/picture.jpg", request.id)),
        });
    }
    Ok(no_store(Json(WaitingPrints {
        offered: app.prints.is_offered(),
        prints,
    })))
}

/// GET, by the admin: what would be printed.
pub(super) async fn picture(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id: Uuid = parse_id(&id)?;
    let waiting = app.prints.waiting();
    let request = waiting.into_iter().find(|request| request.id == id);
    let (jpeg, _) = paper(&app, request.ok_or_else(not_found)?.job).await?;
    Ok(no_store(([(header::CONTENT_TYPE, "image/jpeg")], jpeg)))
}

/// PATCH, by the admin: prints a picture, or refuses to.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Approval>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(Approval { approved }) = body?;
    let decided = app.prints.decide(parse_id(&id)?, approved);
    let request = decided.ok_or_else(not_found)?;
    if approved {
        send(&app, request);
    } else {
        app.count_print(PrintOutcome::Refused);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/stylise/{id}/print",
            "How far the print of a picture is.",
        )
        .json::<PrintReport>(200),
        Operation::post("/api/stylise/{id}/print", "Asks for prints of a picture.")
            .note("With `[booth.print] approval` the owner decides first.")
            .takes::<PrintOrder>()
            .json::<PrintReport>(202),
        Operation::get("/api/admin/prints", "The prints that wait for approval.")
            .json::<WaitingPrints>(200),
        Operation::get(
            "/api/admin/prints/{id}/picture.jpg",
            "What would be printed.",
        )
        .media(200, "image/jpeg"),
        Operation::patch("/api/admin/prints/{id}", "Prints a picture, or refuses to.")
            .takes::<Approval>()
            .empty(204),
    ]
}
