//! The captive portal: phones that join the station's own network are led to the booth.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::ApiError;
use crate::layers::portal::{page_url, redirect};
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::no_store;

/// RFC 8908 4.
#[derive(Debug, Serialize, JsonSchema)]
struct CaptiveReport {
    captive: bool,
    #[serde(rename = "user-portal-url")]
    user_portal_url: String,
}

fn check_is_on(app: &App) -> Result<(), ApiError> {
    if app.settings.present().network.captive_portal {
        return Ok(());
    }
    let message = "there is no captive portal; [network] captive_portal turns it on";
    Err(ApiError::new(StatusCode::NOT_FOUND, message))
}

/// GET: remembers that the phone has seen the portal, and opens the booth, or the live page where there is none.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_is_on(&app)?;
    // A system that follows the redirect of its own question is no person who has seen a page.
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.contains("text/html")) {
        app.network.pass_portal(caller.ip);
    }
    let path = if app.booth.get().is_ok() {
        "/booth"
    } else {
        "/"
    };
    Ok(redirect(&app.path(path)))
}

/// GET: the captive portal API (RFC 8908).
pub(super) async fn api(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
) -> Result<Response, ApiError> {
    check_is_on(&app)?;
    let report = CaptiveReport {
        captive: !app.network.has_passed_portal(caller.ip),
        user_portal_url: page_url(&app),
    };
    let mut answer = no_store(Json(report).into_response());
    let content_type = HeaderValue::from_static("application/captive+json");
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(answer)
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/captive",
            "Opens the booth for a phone that has joined the network.",
        )
        .note("Only with `[network] captive_portal`.")
        .empty(302),
        Operation::get("/api/captive", "The captive portal API (RFC 8908).")
            .note("Only with `[network] captive_portal`.")
            .media(200, "application/captive+json"),
    ]
}
