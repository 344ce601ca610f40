//! Who may watch.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::admin::is_admin;
use crate::app::App;

pub(super) const CHALLENGE: &str = "Bearer realm=\"carrier\"";

/// Lets a request through with the viewer token or its cookie, if one is asked for. The admin passes.
pub(super) async fn require(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if is_preflight(request.method(), request.headers()) || may_watch(&app, request.headers()) {
        return next.run(request).await;
    }
    refused(&app)
}

/// What a stranger is told.
pub(super) fn refused(app: &App) -> Response {
    app.admission.count_stranger();
    let headers = [
        (header::WWW_AUTHENTICATE, CHALLENGE),
        // Players of other sites may read why. Their cookies are not taken: nothing here allows
        // credentials, and ours is SameSite=Strict.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let why = "This needs the viewer token: send `Authorization: Bearer TOKEN`.\n";
    (StatusCode::UNAUTHORIZED, headers, why).into_response()
}

/// Whether whoever sends these headers may watch.
pub(super) fn may_watch(app: &App, headers: &HeaderMap) -> bool {
    let Some(viewers) = &app.viewer_token else {
        return true;
    };
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    viewers.admits(text(header::AUTHORIZATION), text(header::COOKIE)) || is_admin(app, headers)
}

/// A browser's question whether a page of another origin may ask: it never bears a token.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browsers_question_is_a_preflight() {
        let asking: HeaderMap = [(
            header::ACCESS_CONTROL_REQUEST_METHOD,
            "POST".parse().expect("plain text"),
        )]
        .into_iter()
        .collect();
        assert!(is_preflight(&Method::OPTIONS, &asking));
        assert!(!is_preflight(&Method::POST, &asking));
        assert!(!is_preflight(&Method::OPTIONS, &HeaderMap::new()));
    }
}
