//! Routes of the sources and models that may be chosen while the station runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use detector::{DetectorState, ModelChangeState, ModelStore, RunningDetails};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::environment;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise;
use crate::settings::offers::{ModelAtWork, ModelOffer, Offers, SourceOffer};

#[derive(Debug, Serialize, JsonSchema)]
struct SourcesBody {
    sources: Vec<SourceOffer>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ModelsBody {
    models: Vec<ModelOffer>,
    /// The value of the setting `model` that is being opened.
    switching_to: Option<String>,
    /// Why the last change failed, until the next one.
    error: Option<String>,
    /// The name of the model that detects; `null`: none does.
    running: Option<String>,
    /// Why `auto` took it.
    chosen: Option<String>,
    /// The model that detects beside it.
    second: Option<String>,
}

/// GET: the configured source, the cameras that were found, and the built-in ones.
pub(super) async fn sources(State(app): State<Arc<App>>) -> Response {
    let sources = offers(&app).await.sources;
    stylise::no_store(Json(SourcesBody { sources }))
}

/// GET: the installed models, and how the last change of the model went.
pub(super) async fn models(State(app): State<Arc<App>>) -> Response {
    let models = offers(&app).await.models;
    let (switching_to, error) = model_change(&app);
    let (running, details) = match app.detector_state() {
        DetectorState::Running { model, details, .. } => (Some(model), details),
        _ => (None, RunningDetails::default()),
    };
    stylise::no_store(Json(ModelsBody {
        models,
        switching_to,
        error,
        running,
        chosen: details.chosen,
        second: details.second.map(|second| second.model),
    }))
}

/// The model that is being opened, and why the last change failed.
pub(super) fn model_change(app: &App) -> (Option<String>, Option<String>) {
    let change = app.settings.followers().model.last_change();
    match change.state {
        ModelChangeState::Opening => (Some(change.model.to_string()), None),
        ModelChangeState::InUse => (None, None),
        ModelChangeState::Failed(error) => {
            let model = change.model;
            (None, Some(format!("{model} cannot be opened: {error}")))
        }
    }
}

/// What may be chosen now. Takes a bounded time, whatever the drivers of cameras do.
pub(super) async fn offers(app: &Arc<App>) -> Offers {
    let devices = app.cameras.list().await;
    let app = Arc::clone(app);
    // Disks may be slow.
    let listing = tokio::task::spawn_blocking(move || {
        let (configured, present) = (app.settings.configured(), app.settings.present());
        let cameras = &present.cameras;
        let offers = Offers::of_sources(cameras, &configured.sources, &present.source, devices);
        let store = ModelStore::new(&environment::detector_places());
        let listed = store.map_or_else(|_| Vec::new(), |store| store.list());
        let control = &app.settings.followers().model;
        let milliseconds_of = |name: &str| {
            let took = control.inference_of(name)?;
            Some(rounded(took.as_secs_f64() * 1e3))
        };
        offers.with_models(&configured.models, &listed, &at_work(&app), milliseconds_of)
    });
    listing.await.unwrap_or_default()
}

fn at_work(app: &App) -> ModelAtWork {
    let name = match app.detector_state() {
        DetectorState::Running { model, .. } => Some(model),
        _ => None,
    };
    let milliseconds = app.detector_rate().inference_ms;
    let tracks = app.slots.tracks.latest();
    ModelAtWork {
        choice: app.settings.followers().model.in_use(),
        name,
        labels: tracks.map_or_else(Vec::new, |tracks| tracks.labels.to_vec()),
        milliseconds: (milliseconds > 0.0).then(|| rounded(milliseconds)),
    }
}

fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 10.0).round() / 10.0
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/sources",
            "The sources that may be chosen while the station runs.",
        )
        .json::<SourcesBody>(200),
        Operation::get(
            "/api/models",
            "The installed models, and how the last change of the model went.",
        )
        .json::<ModelsBody>(200),
    ]
}
