//! Routes of the shutter: its state, closing and opening it, and the audit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::bodies::ApiError;
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise;
use crate::shutter::{AuditEntry, Cause, ShutterState, ShutterView, now_unix_ms, rfc3339};
use crate::telemetry::spawn_blocking;

const REASON_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShutterChange {
    closed: bool,
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ShutterBody {
    closed: bool,
    by: Cause,
    who: Option<String>,
    reason: Option<String>,
    /// RFC 3339.
    since: String,
    /// Whether it outlives the program.
    kept: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AuditBody {
    entries: Vec<AuditLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AuditLine {
    /// RFC 3339.
    at: String,
    what: String,
    by: Cause,
    who: Option<String>,
    reason: Option<String>,
}

/// GET: the state. Who changed it is for the owner alone.
pub(super) async fn shutter(State(app): State<Arc<App>>, requester: Requester) -> Response {
    body(app.shutter.view(), requester.rights.admin)
}

/// PUT: closes or opens it; in effect with the answer.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    change: Result<Json<ShutterChange>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(change) = change?;
    let reason = change.reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    let has_control = |reason: &String| reason.chars().any(char::is_control);
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX || has_control(reason))
    {
        let why = format!("reason: at most {REASON_CHARS_MAX} characters on one line");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    let wanted = ShutterState {
        who: Some("admin".to_owned()),
        reason,
        ..ShutterState::new(change.closed, Cause::Person, now_unix_ms())
    };
    // The disk may be slow.
    let deciding = spawn_blocking(move || app.shutter.decide(wanted));
    match deciding.await {
        Ok(view) => Ok(body(view, true)),
        Err(_) => Err(ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the shutter failed with an internal error; see the log",
        )),
    }
}

/// GET: the newest decisions, newest first.
pub(super) async fn audit(State(app): State<Arc<App>>) -> Response {
    let line = |entry: AuditEntry| AuditLine {
        at: rfc3339(entry.at_unix_ms),
        what: entry.what,
        by: entry.by,
        who: entry.who,
        reason: entry.reason,
    };
    let entries = app.shutter.audit().into_iter().map(line).collect();
    stylise::no_store(Json(AuditBody { entries }))
}

fn body(ShutterView { state, is_kept }: ShutterView, is_owner: bool) -> Response {
    stylise::no_store(Json(ShutterBody {
        closed: state.closed,
        by: state.by,
        who: state.who.filter(|_| is_owner),
        reason: state.reason,
        since: rfc3339(state.since_unix_ms),
        kept: is_kept,
    }))
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/shutter", "The shutter.")
            .note("`who` is for the owner alone.")
            .json::<ShutterBody>(200),
        Operation::put(
            "/api/shutter",
            "Closes or opens the shutter; in effect with the answer.",
        )
        .takes::<ShutterChange>()
        .json::<ShutterBody>(200),
        Operation::get(
            "/api/admin/audit",
            "The newest decisions of the owner, newest first.",
        )
        .json::<AuditBody>(200),
    ]
}
