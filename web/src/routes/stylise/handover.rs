//! Handovers: the visitor of a shared device takes a job to a phone of their own, by a code that works once.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylise::JobId;
use uuid::Uuid;

use crate::app::App;
use crate::booth::handovers::{HANDOVER_VALID, HandoverError};
use crate::http::bodies::ApiError;
use crate::qr;
use crate::routes::contract::operation::Operation;
use crate::routes::join;
use crate::routes::stylise::{no_store, not_found, parse_id, query_booth};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewHandover {
    /// For the status of this handover.
    secret: String,
    /// The page that redeems it. The secret is in the fragment, which no log and no other server sees.
    url: String,
    /// The URL as a QR code, in SVG.
    code: String,
    valid_s: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HandoverStatus {
    /// Somebody has redeemed it.
    taken: bool,
}

/// POST `/api/handovers/{secret}`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redemption {
    /// A UUID that the client chooses: with the same one it may repeat the request.
    by: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Redeemed {
    /// The job's.
    id: JobId,
}

/// POST: a new handover of the job, which ends the one before.
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    new_handover(&app, parse_id(&id)?).await
}

/// A new handover of the job, which ends the one before.
pub(crate) async fn new_handover(app: &App, id: JobId) -> Result<Response, ApiError> {
    let job = query_booth(app, move |booth| booth.view(id)).await?;
    job?.ok_or_else(not_found)?;
    let (secret, url) = open_handover(app, id, Instant::now());
    let code = qr::svg(&url).ok_or_else(|| {
        let message = "the address of this station is too long for a code: shorten public_url";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    let handover = NewHandover {
        secret: secret.to_string(),
        url,
        code,
        valid_s: HANDOVER_VALID.as_secs(),
    };
    Ok(no_store((StatusCode::CREATED, Json(handover))))
}

/// The secret of a new handover, and the page that redeems it.
pub(crate) fn open_handover(app: &App, id: JobId, now: Instant) -> (Uuid, String) {
    let secret = app.booth.handovers().make(id, now);
    let token = app.config.viewers.token.as_deref();
    let page = join::public_address(app).page("/booth", token);
    (secret, format!("{page}#handover={secret}"))
}

/// GET: whether a handover was redeemed.
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    Path(secret): Path<String>,
) -> Result<Response, ApiError> {
    let secret = parse_id(&secret)?;
    let taken = app.booth.handovers().is_taken(secret, Instant::now());
    let taken = taken.ok_or_else(gone)?;
    Ok(no_store(Json(HandoverStatus { taken })))
}

/// POST: the job of a handover. A POST, so that programs that look at links do not redeem it.
pub(crate) async fn redeem(
    State(app): State<Arc<App>>,
    Path(secret): Path<String>,
    body: Result<Json<Redemption>, JsonRejection>,
) -> Result<Response, ApiError> {
    let (secret, Json(Redemption { by })) = (parse_id(&secret)?, body?);
    let by = Uuid::try_parse(&by)
        .map_err(|_| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "`by` is a UUID of yours"))?;
    let id = app.booth.handovers().redeem(secret, by, Instant::now());
    let id = id.map_err(|_| gone())?;
    Ok(no_store(Json(Redeemed { id })).into_response())
}

fn gone() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, HandoverError.to_string())
}

/// For the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(
            "/api/stylise/{id}/handover",
            "A code by which another device takes the job over, once.",
        )
        .json::<NewHandover>(201),
        Operation::get(
            "/api/handovers/{secret}",
            "Whether somebody has redeemed a code.",
        )
        .json::<HandoverStatus>(200),
        Operation::post("/api/handovers/{secret}", "The job of a code, which ends.")
            .takes::<Redemption>()
            .json::<Redeemed>(200),
    ]
}
