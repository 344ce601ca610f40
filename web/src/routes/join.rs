//! Addresses of the pages for visitors, and their QR codes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::config::WifiConfig;
use crate::http::addresses::PublicAddress;
use crate::http::bodies::ApiError;
use crate::qr;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::no_store;

#[derive(Debug, Serialize, JsonSchema)]
struct Join {
    booth_url: String,
    feed_url: String,
    wifi: Option<WifiReport>,
    /// The booth over HTTPS, where a phone can use its camera in the page; `None`: there is no HTTPS.
    https_url: Option<String>,
}

/// Without its password.
#[derive(Debug, Serialize, JsonSchema)]
struct WifiReport {
    ssid: String,
    security: &'static str,
}

impl WifiReport {
    fn of(wifi: &WifiConfig) -> Option<Self> {
        Some(Self {
            ssid: wifi.ssid.clone()?,
            security: wifi.security.name(),
        })
    }
}

pub(super) async fn join(State(app): State<Arc<App>>) -> Response {
    let address = public_address(&app);
    let token = token(&app);
    no_store(Json(Join {
        booth_url: address.page("/booth", token),
        feed_url: address.page("/", token),
        wifi: WifiReport::of(&app.settings.present().wifi),
        https_url: address.https_page("/booth", token),
    }))
}

/// GET: `booth.svg`, `feed.svg` or `wifi.svg`.
pub(super) async fn code(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let text = match name.as_str() {
        "booth.svg" => Some(public_address(&app).page("/booth", token(&app))),
        "feed.svg" => Some(public_address(&app).page("/", token(&app))),
        "wifi.svg" => qr::wifi_text(&app.settings.present().wifi),
        _ => None,
    };
    let none = || {
        let message = "there is no such code; wifi.svg needs [wifi] in the configuration";
        ApiError::new(StatusCode::NOT_FOUND, message)
    };
    let picture = text.and_then(|text| qr::svg(&text)).ok_or_else(none)?;
    Ok(no_store(
        ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response(),
    ))
}

pub(crate) fn public_address(app: &App) -> PublicAddress {
    app.visitors_address().public
}

/// The code contains the viewer token: this route requires it.
fn token(app: &App) -> Option<&str> {
    app.config.viewers.token.as_deref()
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/join", "The addresses for visitors, and the Wi-Fi.").json::<Join>(200),
        Operation::get("/qr/{name}", "A code: booth.svg, feed.svg or wifi.svg.")
            .media(200, "image/svg+xml"),
    ]
}
