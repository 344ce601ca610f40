//! Answers the questions that systems ask after joining a network, under whatever host name they ask them.

use std::net::IpAddr;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::network::portal::Probe;

/// The answer to a system that asks whether this network has a portal. `ip` is that of the phone.
pub(crate) fn answer_probe(app: &App, probe: &Probe, ip: Option<IpAddr>) -> Response {
    if ip.is_some_and(|ip| app.network.has_passed_portal(ip)) {
        let (status, content_type, text) = probe.passed;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT);
        return (
            status,
            [
                (header::CACHE_CONTROL, "no-store"),
                (header::CONTENT_TYPE, content_type),
            ],
            text,
        )
            .into_response();
    }
    redirect(&page_url(app))
}

/// On this machine's own address: the names that phones ask for are not the station's.
pub(crate) fn page_url(app: &App) -> String {
    app.visitors_address().public.page("/captive", None)
}

pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (
            StatusCode::FOUND,
            [
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::LOCATION, to),
            ],
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
