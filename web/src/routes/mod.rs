//! HTTP: every route on one page.

mod admin;
mod conditional;
mod feed;
mod gallery;
mod gate;
mod health;
mod join;
mod page;
mod path;
mod problem;
mod same_origin;
mod status;
mod stylise;
mod tracks;
mod whep;
mod whip;
mod yes_no;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use self::path::Routed;
use crate::app::App;

/// No offer or configuration change comes near this; larger bodies are refused with 413 unread.
const BODY_LIMIT_BYTES: usize = 128 * 1024;

/// Everything comes from here: no other origin may load, or be loaded, in our pages.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// The whole HTTP service. Needs no listener, so tests call it directly.
pub(crate) fn router(app: Arc<App>) -> Router {
    let base: Arc<str> = app.config.http.prefix().into();
    // Around the routes, since it changes what they match.
    let by_path = middleware::from_fn_with_state(base, by_path);
    Router::new().fallback_service(by_path.layer(routes(app)))
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/app/{*file}", get(page::asset))
        // No token is asked for here: who knows a session's address was let in.
        .route("/whep/{session}", any(whep::session))
        .route(
            "/whep/{session}/rendition",
            axum::routing::put(whep::rendition),
        )
        .route("/camera", get(page::camera))
        .route("/camera/{*file}", get(page::camera_asset))
        .route("/booth", get(page::booth))
        .route("/booth/{*file}", get(page::booth_asset))
        .route("/gallery", get(page::gallery))
        .route("/gallery/{*file}", get(gallery::file))
        .route("/join", get(page::join))
        .route("/join/{*file}", get(page::join_asset))
        .route("/icons/{*file}", get(page::icon))
        .route("/manifest.webmanifest", get(page::manifest))
        .route("/lang", get(page::languages))
        .route("/lang/{file}", get(page::language))
        .route("/whip", any(whip::endpoint))
        .route("/whip/{session}", any(whip::session))
        .route("/api/status", get(status::status))
        .route("/api/viewers", get(status::viewers))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(watched(&app))
        .merge(guarded(&app))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here. Try /.\n") })
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT_BYTES))
        // After that limit: photos have one of their own.
        .merge(gated(stylise::upload_routes(), &app))
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        // Faces of visitors are for nobody's index, and neither is the rest.
        .layer(always(ROBOTS_TAG, "noindex"))
        .layer(CatchPanicLayer::custom(broken_down))
        .with_state(app)
}

/// A request whose answer panicked; the panic itself is in the log.
fn broken_down(_: Box<dyn Any + Send>) -> Response {
    let words = "This request broke down; the station's log says where. The feed goes on.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
}

/// What shows the feed stands behind the viewer token, where one is configured; the page itself, which
/// turns a link into a cookie, in `page.rs`.
fn watched(app: &Arc<App>) -> Router<Arc<App>> {
    let routes = Router::new()
        .route("/whep", any(whep::endpoint))
        .route("/snapshot.jpg", get(feed::snapshot))
        .route("/stream.mjpg", get(feed::mjpeg))
        .route("/api/tracks", get(tracks::tracks))
        .route("/api/gallery", get(gallery::list))
        .route("/api/join", get(join::join))
        .route("/qr/{name}", get(join::code))
        .merge(stylise::routes());
    gated(routes, app)
}

fn gated(routes: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    let gate = middleware::from_fn_with_state(Arc::clone(app), gate::require);
    routes.route_layer(gate)
}

/// What changes state for others stands behind the admin token, all of it in this one place.
fn guarded(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/admin/session",
            post(admin::log_in)
                .get(admin::session)
                .delete(admin::log_out),
        )
        .route("/api/admin/bitrate", axum::routing::put(admin::set_bitrate))
        .route(
            "/api/admin/gallery/{id}",
            axum::routing::patch(gallery::hide).delete(gallery::erase),
        )
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            admin::require,
        ))
}

/// Routes a request by its path as `path.rs` has it.
async fn by_path(State(base): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let (path, location_prefix) = match path::route(request.uri().path(), &base, reads) {
        Routed::Path {
            path,
            location_prefix,
        } => (path, location_prefix),
        Routed::Redirect(mut to) => {
            if let Some(query) = request.uri().query() {
                to = format!("{to}?{query}");
            }
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
    };
    if path != request.uri().path() {
        let query = request.uri().query().map(|query| format!("?{query}"));
        let mut parts = request.uri().clone().into_parts();
        // Part of a valid address, it is valid.
        parts.path_and_query = format!("{path}{}", query.unwrap_or_default()).parse().ok();
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    }
    let mut response = next.run(request).await;
    let relative = response
        .headers()
        .get(header::LOCATION)
        .filter(|_| !location_prefix.is_empty());
    if let Some(location) = relative
        && let Ok(location) =
            HeaderValue::from_bytes(&[location_prefix.as_bytes(), location.as_bytes()].concat())
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

#[test]
fn a_request_that_panics_is_answered_and_so_is_the_next_one() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let routes = Router::new()
        .route(
            "/broken",
            get(async || -> &'static str { panic!("as a handler may") }),
        )
        .route("/sound", get(async || "sound"))
        .layer(CatchPanicLayer::custom(broken_down));
    let at = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let at = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        at
    });
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    for (path, status) in [("broken", 500), ("sound", 200)] {
        let answer = agent.get(format!("http://{at}/{path}")).call();
        assert_eq!(answer.expect("an answer").status(), status, "{path}");
    }
}
