//! Other carriers: who is paired, and pairing; for the owner.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::carriers::report::{CarriersReport, CodeReport, PairedReport};
use crate::carriers::{CarriersError, read_link};
use crate::http::bodies::ApiError;
use crate::qr;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::no_store;
use crate::shutter::Cause;
use crate::telemetry::spawn_blocking;

/// Eight words, or a link with a key and addresses.
const CODE_BYTES_MAX: usize = 1024;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinBody {
    /// What the other carrier shows: its eight words, or its link.
    code: String,
}

impl From<CarriersError> for ApiError {
    fn from(error: CarriersError) -> Self {
        let status = match &error {
            CarriersError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            CarriersError::Invalid(_) => StatusCode::BAD_REQUEST,
            CarriersError::NotReached(_) => StatusCode::NOT_FOUND,
            CarriersError::Refused(_) => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

/// GET
pub(super) async fn carriers(State(app): State<Arc<App>>) -> Response {
    no_store(Json(app.carriers.report(&app.config.mesh)))
}

/// POST: pairs with a carrier that shows a code.
pub(super) async fn join(
    State(app): State<Arc<App>>,
    body: Result<Json<JoinBody>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(JoinBody { code }) = body?;
    if code.len() > CODE_BYTES_MAX {
        let message = "a code has eight words, or is a link of at most 1024 characters";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
    }
    pair(&app, &code).await
}

/// POST: pairs with the carrier whose code the camera sees within half a minute.
pub(super) async fn join_seen(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let link = read_link(&app.slots.demand, &app.slots.composed).await?;
    pair(&app, &link).await
}

async fn pair(app: &Arc<App>, code: &str) -> Result<Response, ApiError> {
    let paired = app.carriers.join(code).await?;
    record(app, format!("paired with the carrier {}", paired.name)).await;
    Ok((StatusCode::CREATED, no_store(Json(paired))).into_response())
}

/// DELETE: ends what is shared with a carrier.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !app.carriers.revoke(&id)? {
        let message = "this carrier is not paired";
        return Err(ApiError::new(StatusCode::NOT_FOUND, message));
    }
    record(
        &app,
        format!("revoked the carrier {}", id.get(..10).unwrap_or(&id)),
    )
    .await;
    Ok(StatusCode::NO_CONTENT)
}

/// POST: shows a code for another carrier.
pub(super) async fn show_code(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    Ok(no_store(Json(app.carriers.show_code()?)))
}

/// DELETE: the code is not valid any more.
pub(super) async fn hide_code(State(app): State<Arc<App>>) -> StatusCode {
    app.carriers.hide_code();
    StatusCode::NO_CONTENT
}

/// GET: the link of the code that is shown, as a QR code.
pub(super) async fn code_picture(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let picture = app.carriers.code().and_then(|code| qr::svg(&code.link));
    let none = || ApiError::new(StatusCode::NOT_FOUND, "no code is shown");
    let picture = picture.ok_or_else(none)?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml")];
    Ok(no_store((headers, picture).into_response()))
}

async fn record(app: &Arc<App>, what: String) {
    let app = Arc::clone(app);
    let recording = spawn_blocking(move || {
        app.shutter
            .record(what, Cause::Person, Some("admin".to_owned()));
    });
    if let Err(error) = recording.await {
        tracing::error!(%error, "the audit could not be written");
    }
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/carriers",
            "The paired carriers, and whether they are here.",
        )
        .json::<CarriersReport>(200),
        Operation::post("/api/carriers", "Pairs with a carrier that shows a code.")
            .takes::<JoinBody>()
            .json::<PairedReport>(201),
        Operation::post(
            "/api/carriers/seen",
            "Pairs with the carrier whose QR code the camera sees within 30 s.",
        )
        .json::<PairedReport>(201),
        Operation::delete(
            "/api/carriers/{id}",
            "Ends what is shared with a carrier, and removes what came from it.",
        )
        .empty(204),
        Operation::post("/api/carriers/code", "Shows a code for another carrier.")
            .json::<CodeReport>(200),
        Operation::delete("/api/carriers/code", "Hides the code.").empty(204),
        Operation::get(
            "/api/carriers/code.svg",
            "The code that is shown, as a QR code.",
        )
        .media(200, "image/svg+xml"),
    ]
}
