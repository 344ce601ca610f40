//! What the owner does with several pictures of the gallery at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylise::GalleryId;

use crate::app::App;
use crate::http::bodies::ApiError;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::{no_store, query_booth};
use crate::shutter::Cause;
use crate::telemetry::spawn_blocking;

/// Erasing one takes some milliseconds of the disk.
const PICTURES_MAX: usize = 500;

/// POST `/api/admin/gallery`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GalleryChange {
    action: GalleryAction,
    /// Pictures of `/api/gallery`, at most 500.
    ids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum GalleryAction {
    /// Approves it, too.
    Show,
    Hide,
    Erase,
}

#[derive(Debug, Serialize, JsonSchema)]
struct GalleryOutcomes {
    /// In the order of `ids`.
    results: Vec<GalleryOutcome>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct GalleryOutcome {
    id: String,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Done,
    /// There is no such picture, or not any more.
    Unknown,
    /// The station's log says why.
    Failed,
}

/// POST: shows, hides or erases pictures, with one result for each. It goes on when the client leaves.
pub(crate) async fn change_all(
    State(app): State<Arc<App>>,
    body: Result<Json<GalleryChange>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(GalleryChange { action, ids }) = body?;
    if ids.len() > PICTURES_MAX {
        let why = format!("ids: at most {PICTURES_MAX} pictures at once");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    app.booth.get()?;
    let changing = tokio::spawn(async move {
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            let outcome = outcome(&app, action, &id).await;
            results.push(GalleryOutcome { id, outcome });
        }
        let is_done = |result: &&GalleryOutcome| result.outcome == Outcome::Done;
        record(&app, action, results.iter().filter(is_done).count()).await;
        results
    });
    let results = changing.await.map_err(|_| {
        let why = "the gallery failed with an internal error; see the log";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    Ok(no_store(Json(GalleryOutcomes { results })))
}

async fn outcome(app: &App, action: GalleryAction, id: &str) -> Outcome {
    let Ok(id) = id.parse() else {
        return Outcome::Unknown;
    };
    match change(app, action, id).await {
        Ok(true) => Outcome::Done,
        Ok(false) => Outcome::Unknown,
        Err(_) => Outcome::Failed,
    }
}

/// Returns whether the picture exists.
pub(super) async fn change(
    app: &App,
    action: GalleryAction,
    id: GalleryId,
) -> Result<bool, ApiError> {
    let done = query_booth(app, move |booth| match action {
        GalleryAction::Show => booth.hide(id, false),
        GalleryAction::Hide => booth.hide(id, true),
        GalleryAction::Erase => booth.erase_shown(id),
    });
    Ok(done.await??)
}

/// Adds to the audit that so many pictures were changed.
pub(super) async fn record(app: &Arc<App>, action: GalleryAction, count: usize) {
    let done = match action {
        GalleryAction::Show => "shown",
        GalleryAction::Hide => "hidden",
        GalleryAction::Erase => "erased",
    };
    if count > 0 {
        record_decision(app, format!("gallery pictures {done}: {count}")).await;
    }
}

/// Adds a decision of the owner to the audit.
pub(super) async fn record_decision(app: &Arc<App>, what: String) {
    let app = Arc::clone(app);
    let who = Some("admin".to_owned());
    // The disk may be slow. A panic is in the log.
    let _ = spawn_blocking(move || app.shutter.record(what, Cause::Person, who)).await;
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(
            "/api/admin/gallery",
            "Shows, hides or erases several pictures.",
        )
        .note("`show` approves a picture that waits. There is one result for each picture.")
        .takes::<GalleryChange>()
        .json::<GalleryOutcomes>(200),
    ]
}
