//! The open webcam and its controls. `PATCH /api/settings` changes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use capture::CameraControl;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::http::bodies::ApiError;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise;

#[derive(Debug, Default, Serialize, JsonSchema)]
struct CameraBody {
    /// `null`: no webcam is open.
    device: Option<String>,
    /// Key, name, kind with its limits, value, default, whether it has an effect now, whether it is fixed.
    #[schemars(with = "Vec<Value>")]
    controls: Vec<CameraControl>,
    /// What could not be set as wanted, in plain words.
    problems: Vec<String>,
}

pub(super) async fn camera(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    // Some drivers take seconds to answer.
    let report = tokio::task::spawn_blocking(move || app.settings.followers().camera.report());
    let report = report.await.map_err(|_| {
        let why = "asking the camera failed with an internal error; see the log";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    let body = report.map_or_else(CameraBody::default, |report| CameraBody {
        device: Some(report.name),
        controls: report.controls,
        problems: report.errors.iter().map(ToString::to_string).collect(),
    });
    Ok(stylise::no_store(Json(body)))
}

pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::get("/api/camera", "The open webcam and its controls.").json::<CameraBody>(200)]
}
