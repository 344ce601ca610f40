//! Routes of the settings that change while the station runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::http::bodies::{ApiError, yes_no_field};
use crate::http::request_head::header_text;
use crate::routes::stylise;
use crate::settings::table::{Kind, RefusedError};
use crate::settings::{ChangeError, Shown};
use crate::shutter::Cause;

#[derive(Debug, Default, Deserialize)]
pub(super) struct SaveQuery {
    #[serde(default, deserialize_with = "yes_no_field")]
    save: Option<bool>,
}

#[derive(Debug, Serialize)]
struct SettingsBody {
    settings: Vec<SettingBody>,
    /// The file in which changes were kept last.
    saved_to: Option<String>,
}

#[derive(Debug, Serialize)]
struct SettingBody {
    key: &'static str,
    value: Value,
    default: Value,
    /// default, file, saved, environment, flag, or live: changed since the start and not kept.
    origin: &'static str,
    #[serde(flatten)]
    kind: Kind,
    /// Of a list: what may be in it, if that is known.
    #[serde(rename = "choices", skip_serializing_if = "Option::is_none")]
    choices_known: Option<Vec<String>>,
}

/// GET: the settings with their values, defaults, limits, and where they come from.
pub(super) async fn settings(State(app): State<Arc<App>>) -> Response {
    body(&app)
}

/// PATCH: a JSON merge patch, applied as a whole or refused with the key. `If-Match` prevents that two admins
/// overwrite each other.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Query(query): Query<SaveQuery>,
    headers: HeaderMap,
    patch: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(patch) = patch?;
    let tag = header_text(&headers, header::IF_MATCH)
        .filter(|tag| *tag != "*")
        .map(str::to_owned);
    let (changing, keep) = (Arc::clone(&app), query.save == Some(true));
    // The disk may be slow.
    let changed = tokio::task::spawn_blocking(move || {
        let changed = changing.settings.change(&patch, tag.as_deref(), keep)?;
        if !changed.is_empty() {
            let what = format!("settings changed: {}", changed.join(", "));
            changing
                .shutter
                .record(what, Cause::Person, Some("admin".to_owned()));
        }
        Ok::<_, ChangeError>(())
    });
    let broken = |_| {
        let why = "the settings broke down; the log says where";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    };
    match changed.await.map_err(broken)? {
        Ok(()) => Ok(body(&app)),
        Err(ChangeError::Outdated) => {
            let why = "the settings have changed since: read them again";
            Err(ApiError::new(StatusCode::PRECONDITION_FAILED, why))
        }
        Err(ChangeError::Refused(RefusedError { key, detail })) => {
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).about(key))
        }
        Err(ChangeError::NotKept(why)) => {
            let why = format!("changed, but it cannot be kept over a restart: {why}");
            Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, why))
        }
    }
}

fn body(app: &App) -> Response {
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
        choices_known: labels.clone().filter(|_| shown.setting.key == "classes"),
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
