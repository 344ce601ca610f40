//! Routes of the settings that change while the station runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::bodies::{ApiError, yes_no_field};
use crate::http::request_head::header_text;
use crate::routes::contract::operation::Operation;
use crate::routes::{offers, stylise};
use crate::settings::offers::is_choice;
use crate::settings::table::{Kind, RefusedError};
use crate::settings::{ChangeError, Reloaded, Shown};
use crate::shutter::Cause;
use crate::telemetry::spawn_blocking;

#[derive(Debug, Default, Deserialize)]
pub(super) struct SaveQuery {
    #[serde(default, deserialize_with = "yes_no_field")]
    save: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SettingsBody {
    settings: Vec<SettingBody>,
    /// The file in which changes were kept last.
    saved_to: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SettingBody {
    key: &'static str,
    value: Value,
    default: Value,
    /// default, file, saved, environment, flag, or live: changed since the start and not kept.
    origin: &'static str,
    #[serde(flatten)]
    kind: Kind,
    /// Of a secret: whether there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_set: Option<bool>,
    /// What may be chosen, if that is known.
    #[serde(rename = "choices", skip_serializing_if = "Option::is_none")]
    choices_known: Option<Vec<String>>,
}

/// GET: the settings with their values, defaults, limits, and where they come from.
pub(super) async fn settings(State(app): State<Arc<App>>) -> Response {
    body(&app).await
}

/// PATCH: a JSON merge patch, applied as a whole or refused with the key. `If-Match` prevents that two admins
/// overwrite each other.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Query(query): Query<SaveQuery>,
    headers: HeaderMap,
    patch: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(mut patch) = patch?;
    if is_choice(&patch) {
        patch = offers::offers(&app).await.admit(patch).map_err(refused)?;
    }
    let tag = header_text(&headers, header::IF_MATCH)
        .filter(|tag| *tag != "*")
        .map(str::to_owned);
    apply(&app, patch, tag, query.save == Some(true)).await?;
    Ok(body(&app).await)
}

/// POST: reads the configuration again, as SIGHUP does in a service.
pub(super) async fn reload(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let reload = move || app.reload_configuration(Cause::Person, Some("admin".to_owned()));
    let reloaded = spawn_blocking(reload).await;
    match reloaded.map_err(|_| broken())? {
        Ok(reloaded) => Ok(stylise::no_store(Json(reloaded))),
        Err(error) => {
            let refused = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
            Err(match error.key() {
                Some(key) => refused.about(key),
                None => refused,
            })
        }
    }
}

/// Applies a change as a whole, and records it in the audit.
pub(super) async fn apply(
    app: &Arc<App>,
    patch: Value,
    tag: Option<String>,
    keep: bool,
) -> Result<(), ApiError> {
    let changing = Arc::clone(app);
    // The disk may be slow.
    let changed = spawn_blocking(move || {
        let changed = changing.settings.change(&patch, tag.as_deref(), keep)?;
        if !changed.is_empty() {
            let what = format!("settings changed: {}", changed.join(", "));
            changing
                .shutter
                .record(what, Cause::Person, Some("admin".to_owned()));
        }
        Ok::<_, ChangeError>(())
    });
    match changed.await.map_err(|_| broken())? {
        Ok(()) => Ok(()),
        Err(ChangeError::Outdated) => {
            let why = "the settings have changed since: read them again";
            Err(ApiError::new(StatusCode::PRECONDITION_FAILED, why))
        }
        Err(ChangeError::Refused(error)) => Err(refused(error)),
        Err(ChangeError::NotKept(why)) => {
            let why = format!("changed, but it cannot be kept over a restart: {why}");
            Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, why))
        }
    }
}

fn refused(RefusedError { key, detail }: RefusedError) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).about(key)
}

fn broken() -> ApiError {
    let why = "the settings failed with an internal error; see the log";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
}

async fn body(app: &Arc<App>) -> Response {
    let offers = offers::offers(app).await;
    let labels = app
        .slots
        .tracks
        .latest()
        .map(|tracks| tracks.labels.to_vec());
    let setting = |shown: Shown| SettingBody {
        key: shown.setting.key,
        value: shown.value,
        default: shown.default,
        origin: shown.origin,
        kind: shown.setting.kind,
        is_set: shown.is_set,
        choices_known: match shown.setting.key {
            "classes" | "class_scores" => labels.clone(),
            "source" => Some(offers.source_values()),
            "model" => Some(offers.model_values()),
            _ => None,
        },
    };
    let body = SettingsBody {
        settings: app.settings.shown().into_iter().map(setting).collect(),
        saved_to: app.settings.kept_in(),
    };
    let mut response = stylise::no_store(Json(body));
    if let Ok(tag) = HeaderValue::from_str(&app.settings.tag()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/settings",
            "The settings that change while the station runs.",
        )
        .json::<SettingsBody>(200),
        Operation::patch(
            "/api/settings",
            "Changes settings as a whole, by a JSON merge patch (RFC 7396).",
        )
        .query("save", "1: keeps the change over a restart.")
        .header(
            "If-Match",
            "The ETag of GET: the change is refused if another one came first.",
        )
        .takes::<Map<String, Value>>()
        .json::<SettingsBody>(200),
        Operation::post(
            "/api/admin/reload",
            "Reads the configuration again, as SIGHUP does in a service.",
        )
        .json::<Reloaded>(200),
    ]
}
