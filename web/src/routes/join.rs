//! How visitors get here: addresses, and codes that bring phones to them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;
use super::stylise::fresh;
use crate::app::App;
use crate::config::WifiConfig;
use crate::public_address::PublicAddress;
use crate::{qr, wifi};

#[derive(Debug, Serialize)]
struct Join {
    booth_url: String,
    feed_url: String,
    wifi: Option<Network>,
    /// Where a phone opens the booth with its camera in the page; absent: nowhere.
    https_url: Option<String>,
}

/// Never with its password.
#[derive(Debug, Serialize)]
struct Network {
    ssid: String,
    security: &'static str,
}

impl Network {
    fn of(wifi: &WifiConfig) -> Option<Self> {
        Some(Self {
            ssid: wifi.ssid.clone()?,
            security: wifi.security.name(),
        })
    }
}

/// GET: as it is at this moment.
pub(super) async fn join(State(app): State<Arc<App>>) -> Response {
    let address = here(&app);
    let token = token(&app);
    fresh(Json(Join {
        booth_url: address.page("/booth", token),
        feed_url: address.page("/", token),
        wifi: Network::of(&app.config.wifi),
        https_url: address.https_page("/booth", token),
    }))
}

/// GET: `booth.svg`, `feed.svg` or `wifi.svg`.
pub(super) async fn code(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let text = match name.as_str() {
        "booth.svg" => Some(here(&app).page("/booth", token(&app))),
        "feed.svg" => Some(here(&app).page("/", token(&app))),
        "wifi.svg" => wifi::join_text(&app.config.wifi),
        _ => None,
    };
    let none = || {
        let words = "there is no such code; wifi.svg needs [wifi] in the configuration";
        Problem::new(StatusCode::NOT_FOUND, words)
    };
    let picture = text.and_then(|text| qr::svg(&text)).ok_or_else(none)?;
    Ok(fresh(
        ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response(),
    ))
}

fn here(app: &App) -> PublicAddress {
    let hosts = signaling::lan_addresses();
    let config = &app.config;
    PublicAddress::now(
        config.public_url.as_deref(),
        &app.served,
        &hosts,
        config.http.prefix(),
    )
}

/// Whoever sees the code was let in with this token.
fn token(app: &App) -> Option<&str> {
    app.config.viewers.token.as_deref()
}
