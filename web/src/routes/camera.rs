//! The selected camera: its mounting and its controls. `PATCH /api/settings` changes them.

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
use crate::telemetry::spawn_blocking;

#[derive(Debug, Default, Serialize, JsonSchema)]
struct CameraBody {
    /// The camera of `[[cameras]]` that is selected: the setting `cameras` changes it. `null`: none is, and the
    /// settings `camera.mirror`, `camera.rotation` and `camera.controls` change the source.
    camera: Option<String>,
    /// Whether its pictures are mirrored.
    mirror: bool,
    /// Clockwise, in degrees.
    rotation: u32,
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
    let report = spawn_blocking(move || {
        let config = app.settings.present();
        let report = app.settings.followers().cameras.selected(&config).report();
        (config, report)
    });
    let (config, report) = report.await.map_err(|_| {
        let why = "asking the camera failed with an internal error; see the log";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    let entry = config.selected_camera();
    let camera = entry.map_or_else(
        || config.camera.clone(),
        |entry| entry.camera(&config.camera),
    );
    let mut body = CameraBody {
        camera: entry.map(|entry| entry.name.clone()),
        mirror: camera.mirror,
        rotation: camera.rotation,
        ..CameraBody::default()
    };
    if let Some(report) = report {
        body.device = Some(report.name);
        body.controls = report.controls;
        body.problems = report.errors.iter().map(ToString::to_string).collect();
    }
    Ok(stylise::no_store(Json(body)))
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/camera",
            "The selected camera: its mounting and its controls.",
        )
        .json::<CameraBody>(200),
    ]
}
