//! Is it alive, is it ready, what does it cost.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::report::readiness;

/// 200 as long as the process answers at all.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 once frames flow and the model, if one loads, is warm.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let frames_flow = app.frames.latest().is_some();
    match readiness(
        app.signal.latest().as_deref(),
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
