//! Is it alive, is it ready, what does it cost.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::report::readiness;

/// What load balancers and supervisors ask, under whatever name they know this station by.
pub(super) fn is_health(path: &str) -> bool {
    ["/healthz", "/readyz"].contains(&path.trim_end_matches('/'))
}

/// 200 unless one of the program's own threads is dead or hangs: then nothing but a restart helps. A
/// source that is away is none of these.
pub(super) async fn healthz(State(app): State<Arc<App>>) -> Response {
    let faults = app.threads.faults(Instant::now());
    if faults.is_empty() {
        return "ok\n".into_response();
    }
    let words: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

/// 200 once frames flow and the model, if one loads, is warm.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let frames_flow = app.frames.latest().is_some();
    match readiness(
        app.signal_told().as_ref(),
        &app.detector_state(),
        frames_flow,
    ) {
        Ok(note) => (StatusCode::OK, format!("ready{note}\n")).into_response(),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &app.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
