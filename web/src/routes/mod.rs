//! HTTP: every route on one page, with what it asks for before it answers.

mod admin;
mod asked;
mod behalf;
mod conditional;
mod feed;
mod gallery;
mod gate;
mod health;
mod host;
mod identify;
mod join;
mod named_hosts;
mod origins;
mod page;
mod path;
mod problem;
mod security_headers;
mod status;
mod stylise;
mod tracks;
mod whep;
mod whip;
mod yes_no;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, patch, post, put};
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

pub(crate) use self::security_headers::SecurityHeaders;
use crate::app::App;

/// No offer or configuration change comes near this; larger bodies are refused with 413 unread.
const BODY_LIMIT_BYTES: usize = 128 * 1024;

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Nothing, or it looks itself: a page tells strangers what they lack.
    Open,
    /// The viewer token, where one is configured.
    Watch,
    /// The metrics token or the admin's, where watching needs a token or metrics have one.
    Metrics,
    /// The admin token: this changes what others see.
    Admin,
}

/// How large a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Small,
    /// Photos have a limit of their own.
    Photo,
}

struct Route {
    path: &'static str,
    door: Door,
    body: Body,
    methods: MethodRouter<Arc<App>>,
}

/// The route table.
fn table() -> Vec<Route> {
    use Door::{Admin, Metrics, Open, Watch};
    let route = |door, path, methods| Route {
        path,
        door,
        body: Body::Small,
        methods,
    };
    let admin_session = post(admin::log_in)
        .get(admin::session)
        .delete(admin::log_out);
    let shown_picture = patch(gallery::hide).delete(gallery::erase);
    vec![
        route(Open, "/", get(page::index)),
        route(Open, "/app/{*file}", get(page::asset)),
        route(Open, "/camera", get(page::camera)),
        route(Open, "/camera/{*file}", get(page::camera_asset)),
        route(Open, "/booth", get(page::booth)),
        route(Open, "/booth/{*file}", get(page::booth_asset)),
        route(Open, "/gallery", get(page::gallery)),
        route(Open, "/gallery/{*file}", get(gallery::file)),
        route(Open, "/join", get(page::join)),
        route(Open, "/join/{*file}", get(page::join_asset)),
        route(Open, "/icons/{*file}", get(page::icon)),
        route(Open, "/manifest.webmanifest", get(page::manifest)),
        route(Open, "/lang", get(page::languages)),
        route(Open, "/lang/{file}", get(page::language)),
        route(Watch, "/whep", any(whep::endpoint)),
        // No token is asked for here: who knows a session's address was let in.
        route(Open, "/whep/{session}", any(whep::session)),
        route(Open, "/whep/{session}/rendition", put(whep::rendition)),
        // It asks for the right to publish.
        route(Open, "/whip", any(whip::endpoint)),
        route(Open, "/whip/{session}", any(whip::session)),
        route(Watch, "/snapshot.jpg", get(feed::snapshot)),
        route(Watch, "/stream.mjpg", get(feed::mjpeg)),
        route(Watch, "/api/tracks", get(tracks::tracks)),
        // It tells strangers less.
        route(Open, "/api/status", get(status::status)),
        route(Watch, "/api/viewers", get(status::viewers)),
        route(Watch, "/api/gallery", get(gallery::list)),
        route(Watch, "/api/join", get(join::join)),
        route(Watch, "/qr/{name}", get(join::code)),
        Route {
            body: Body::Photo,
            ..route(Watch, "/api/stylise", post(stylise::submit))
        },
        route(Watch, "/api/styles", get(stylise::styles)),
        route(Watch, "/api/stylise/{id}", stylise::job_methods()),
        route(Watch, "/api/stylise/{id}/events", get(stylise::events)),
        route(Watch, "/api/stylise/{id}/{picture}", get(stylise::picture)),
        route(Admin, "/api/admin/session", admin_session),
        route(
            Admin,
            "/api/admin/sessions",
            delete(admin::log_out_everywhere),
        ),
        route(Admin, "/api/admin/bitrate", put(admin::set_bitrate)),
        route(Admin, "/api/admin/gallery/{id}", shown_picture),
        route(Open, "/healthz", get(health::healthz)),
        route(Open, "/readyz", get(health::readyz)),
        route(Metrics, "/metrics", get(health::metrics)),
    ]
}

/// The whole HTTP service. Needs no listener, so tests call it directly.
pub(crate) fn router(app: Arc<App>) -> Router {
    let base: Arc<str> = app.config.http.prefix().into();
    // Around the routes, since it changes what they match.
    let by_path = from_fn_with_state(base, path::by_path).layer(routes(&app));
    Router::new()
        .fallback_service(by_path)
        .layer(from_fn_with_state(app, security_headers::add))
}

fn routes(app: &Arc<App>) -> Router {
    let routes = table().into_iter().fold(Router::new(), |routes, route| {
        routes.route(
            route.path,
            guarded(route.methods, route.door, route.body, app),
        )
    });
    routes
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here. Try /.\n") })
        .layer(CatchPanicLayer::custom(broken_down))
        // The last one is the first that a request meets.
        .layer(from_fn_with_state(Arc::clone(app), identify::identify))
        .layer(from_fn_with_state(Arc::clone(app), origins::require))
        .layer(from_fn_with_state(Arc::clone(app), host::require))
        .with_state(Arc::clone(app))
}

/// A request whose answer panicked; the panic itself is in the log.
fn broken_down(_: Box<dyn Any + Send>) -> Response {
    let words = "This request broke down; the station's log says where. The feed goes on.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
}

fn guarded(
    methods: MethodRouter<Arc<App>>,
    door: Door,
    body: Body,
    app: &Arc<App>,
) -> MethodRouter<Arc<App>> {
    let methods = match body {
        Body::Small => methods.layer(RequestBodyLimitLayer::new(BODY_LIMIT_BYTES)),
        Body::Photo => methods,
    };
    match door {
        Door::Open => methods,
        Door::Watch => methods.layer(from_fn_with_state(Arc::clone(app), gate::watch)),
        Door::Metrics => methods.layer(from_fn(gate::metrics)),
        Door::Admin => methods.layer(from_fn(gate::admin)),
    }
}

#[cfg(test)]
mod tests;
