//! The route table: each route of the HTTP service, and the right that a request needs for it.
//!
//! In: requests, from [`crate::http`] through [`crate::layers`]. Out: answers. A new route is a handler in
//! one of these modules, a line in [`table`] and one in its module's `operations`.

mod admin;
mod camera;
mod carriers;
mod contract;
mod counts;
mod events;
mod feed;
mod gallery;
mod health;
pub(crate) mod join;
mod network;
mod offers;
mod page;
mod play;
mod portal;
mod print;
mod screen;
mod settings;
mod shutter;
mod status;
pub(crate) mod stylise;
mod tracks;
pub(crate) mod whep_whip;
mod worker;

use std::any::Any;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, patch, post, put};
use tower::Layer;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::app::App;
use crate::layers::identify::{self, Needs};
use crate::layers::measure::{Measuring, RouteTemplate, measure};
use crate::layers::{host_and_origin, path, problem, security_headers};

/// Offers and configuration changes are far smaller; larger bodies are refused with 413 unread.
const BODY_LIMIT_BYTES: usize = 128 * 1024;

struct Route {
    path: &'static str,
    needs: Needs,
    /// `None`: the handler limits the body.
    body_limit_bytes: Option<usize>,
    methods: MethodRouter<Arc<App>>,
}

#[expect(clippy::too_many_lines, reason = "one entry for each route")]
fn table() -> Vec<Route> {
    use Needs::{Admin, AdminToChange, Metrics, Nothing, Watch};
    let route = |needs, path, methods| Route {
        path,
        needs,
        body_limit_bytes: Some(BODY_LIMIT_BYTES),
        methods,
    };
    let photo = |needs, path, methods| Route {
        body_limit_bytes: None,
        ..route(needs, path, methods)
    };
    let session = post(admin::log_in)
        .get(admin::session)
        .delete(admin::log_out);
    let sessions = delete(admin::log_out_everywhere);
    let shutter = get(shutter::shutter).put(shutter::change);
    let handover = get(stylise::handover::status).post(stylise::handover::redeem);
    let round_handover = post(play::handover);
    let gallery_picture = patch(gallery::hide).delete(gallery::erase);
    vec![
        route(Nothing, "/", get(page::index)),
        route(Nothing, "/app/{*file}", page::folder("app")),
        // Public: what these two pages do needs a token.
        route(Nothing, "/admin", page::public("admin.html")),
        route(Nothing, "/admin/{*file}", page::folder("admin")),
        route(Nothing, "/camera", page::public("camera.html")),
        route(Nothing, "/camera/{*file}", page::folder("camera")),
        route(Nothing, "/booth", get(page::booth)),
        route(Nothing, "/booth/{*file}", get(page::booth_asset)),
        route(Nothing, "/gallery", page::guarded("gallery.html")),
        route(Nothing, "/gallery/{*file}", get(gallery::file)),
        route(Nothing, "/screen", page::guarded("screen.html")),
        route(Nothing, "/screen/{*file}", page::folder("screen")),
        route(Nothing, "/join", page::guarded("join.html")),
        route(Nothing, "/join/{*file}", page::folder("join")),
        route(Nothing, "/play", page::guarded("play.html")),
        route(Nothing, "/play/{*file}", page::folder("play")),
        route(Nothing, "/icons/{*file}", page::folder("icons")),
        route(Nothing, "/captive", get(portal::page)),
        route(Nothing, "/api/captive", get(portal::api)),
        route(
            Nothing,
            "/manifest.webmanifest",
            page::public("manifest.webmanifest"),
        ),
        route(Nothing, "/worker.js", get(worker::script)),
        route(Nothing, "/lang", get(page::languages)),
        route(Nothing, "/lang/{file}", get(page::language)),
        route(Watch, "/whep", any(whep_whip::whep)),
        // No token: whoever knows a session's unguessable name was admitted.
        route(Nothing, "/whep/{session}", any(whep_whip::session::<false>)),
        route(
            Nothing,
            "/whep/{session}/rendition",
            put(whep_whip::rendition),
        ),
        // The handler checks the right to publish.
        route(Nothing, "/whip", any(whep_whip::whip)),
        route(Nothing, "/whip/{session}", any(whep_whip::session::<true>)),
        route(Watch, "/snapshot.jpg", get(feed::snapshot)),
        route(Watch, "/stream.mjpg", get(feed::mjpeg)),
        route(Watch, "/api/tracks", get(tracks::tracks)),
        route(Watch, "/api/events", get(events::events)),
        // Strangers get less of it.
        route(Nothing, "/api/status", get(status::status)),
        route(Watch, "/api/viewers", get(status::viewers)),
        route(Watch, "/api/gallery", get(gallery::list)),
        route(Watch, "/api/screen", get(screen::layout_for)),
        route(Watch, "/api/join", get(join::join)),
        route(Watch, "/qr/{name}", get(join::code)),
        photo(Watch, "/api/stylise", post(stylise::submit::submit)),
        route(Watch, "/api/styles", get(stylise::styles)),
        photo(
            Watch,
            "/api/styles/previews",
            post(stylise::previews::previews),
        ),
        route(Watch, "/api/stylise/{id}", stylise::job_methods()),
        route(Watch, "/api/stylise/{id}/events", get(stylise::job::events)),
        route(
            Watch,
            "/api/stylise/{id}/handover",
            post(stylise::handover::make),
        ),
        route(Watch, "/api/handovers/{secret}", handover),
        route(
            Watch,
            "/api/stylise/{id}/{picture}",
            get(stylise::job::picture),
        ),
        route(Watch, "/api/stylise/{id}/print", print::job_methods()),
        route(Admin, "/api/admin/prints", get(print::list)),
        route(Admin, "/api/admin/prints/{id}", patch(print::decide)),
        route(
            Admin,
            "/api/admin/prints/{id}/picture.jpg",
            get(print::picture),
        ),
        // Who may start, skip and stop is checked in the handlers.
        route(Watch, "/api/play", get(play::state)),
        route(Watch, "/api/play/events", get(play::events)),
        route(Watch, "/api/play/rounds", post(play::start)),
        route(Watch, "/api/play/rounds/{round}", delete(play::stop)),
        route(Watch, "/api/play/rounds/{round}/skip", post(play::skip)),
        route(
            Watch,
            "/api/play/rounds/{round}/strip.jpg",
            get(play::strip),
        ),
        route(Watch, "/api/play/rounds/{round}/handover", round_handover),
        route(AdminToChange, "/api/shutter", shutter),
        route(
            Admin,
            "/api/settings",
            get(settings::settings).patch(settings::change),
        ),
        route(Admin, "/api/admin/reload", post(settings::reload)),
        route(Admin, "/api/sources", get(offers::sources)),
        route(Admin, "/api/models", get(offers::models)),
        route(Admin, "/api/camera", get(camera::camera)),
        route(Admin, "/api/network", get(network::network)),
        route(
            Admin,
            "/api/counts",
            get(counts::counts).delete(counts::erase),
        ),
        route(
            Admin,
            "/api/carriers",
            get(carriers::carriers).post(carriers::join),
        ),
        route(
            Admin,
            "/api/carriers/code",
            post(carriers::show_code).delete(carriers::hide_code),
        ),
        route(Admin, "/api/carriers/code.svg", get(carriers::code_picture)),
        route(Admin, "/api/carriers/seen", post(carriers::join_seen)),
        route(Admin, "/api/carriers/{id}", delete(carriers::revoke)),
        route(Admin, "/api/doctor", get(health::doctor)),
        route(Admin, "/api/admin/log", get(health::log)),
        route(Admin, "/api/admin/audit", get(shutter::audit)),
        route(Admin, "/api/admin/session", session),
        route(Admin, "/api/admin/sessions", sessions),
        route(Admin, "/api/admin/bitrate", put(admin::set_bitrate)),
        route(Admin, "/api/admin/gallery", post(gallery::bulk::change_all)),
        route(
            Admin,
            "/api/admin/gallery.zip",
            get(gallery::export::download),
        ),
        route(Admin, "/api/admin/gallery/{id}", gallery_picture),
        route(
            Admin,
            "/api/admin/gallery/carriers/{hash}",
            delete(gallery::hide_others),
        ),
        route(Nothing, "/api/openapi.json", get(openapi)),
        route(Nothing, "/api/docs", page::public("docs.html")),
        route(Nothing, "/docs/{*file}", page::folder("docs")),
        route(Nothing, "/healthz", get(status::healthz)),
        route(Nothing, "/readyz", get(status::readyz)),
        route(Metrics, "/metrics", get(status::metrics)),
    ]
}

/// What each path of the OpenAPI document needs.
fn needs_by_path() -> BTreeMap<String, Needs> {
    let pair = |route: &Route| (contract::documented_path(route.path), route.needs);
    table().iter().map(pair).collect()
}

/// GET: the OpenAPI document.
async fn openapi(State(app): State<Arc<App>>) -> Response {
    let document = app.openapi.get_or_init(|| {
        let document = contract::document(&needs_by_path(), app.config.http.prefix());
        document.to_string().into()
    });
    let headers = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, "application/json"),
    ];
    (headers, document.clone()).into_response()
}

/// The whole HTTP service. It needs no listener, so tests call it directly.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let base: Arc<str> = app.config.http.prefix().into();
    let policy = security_headers::content_policy(&app.config.http);
    let measuring = Measuring {
        metrics: app.http_metrics.clone(),
        trusts_traceparent: app.config.telemetry.trust_traceparent,
    };
    // Around the router, because it changes the path that is matched.
    let by_path = from_fn_with_state(base, path::normalise).layer(routes(app));
    Router::new()
        .fallback_service(by_path)
        .layer(from_fn(problem::as_problem))
        .layer(from_fn_with_state(policy, security_headers::add))
        .layer(from_fn_with_state(measuring, measure))
}

fn routes(app: &Arc<App>) -> Router {
    let routes = table().into_iter().fold(Router::new(), |routes, route| {
        routes.route(route.path, guarded(route, app))
    });
    routes
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here. Try /.\n") })
        .layer(CatchPanicLayer::custom(after_panic))
        // The last layer is the first that a request passes.
        .layer(from_fn_with_state(Arc::clone(app), identify::identify))
        .layer(from_fn_with_state(
            Arc::clone(app),
            host_and_origin::check_origin,
        ))
        .layer(from_fn_with_state(
            Arc::clone(app),
            host_and_origin::check_host,
        ))
        .with_state(Arc::clone(app))
}

/// The answer after a handler panicked; the panic itself is in the log.
fn after_panic(_: Box<dyn Any + Send>) -> Response {
    let message = "An internal error occurred; see the station's log.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
}

fn guarded(route: Route, app: &Arc<App>) -> MethodRouter<Arc<App>> {
    let methods = match route.body_limit_bytes {
        Some(limit) => route.methods.layer(RequestBodyLimitLayer::new(limit)),
        None => route.methods,
    };
    let check = from_fn_with_state((Arc::clone(app), route.needs), identify::check_right);
    let template = route.path;
    let note = MapRequestLayer::new(move |request| RouteTemplate::note(request, template));
    methods.layer::<_, Infallible>(check).layer(note)
}

#[cfg(test)]
mod tests;
