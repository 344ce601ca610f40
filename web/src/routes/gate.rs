//! What a route asks for before it answers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::identify::Requester;
use crate::app::App;

pub(super) const CHALLENGE: &str = "Bearer realm=\"carrier\"";

/// Lets a request through with the viewer token or its cookie, if one is asked for. The admin passes.
pub(super) async fn watch(
    State(app): State<Arc<App>>,
    requester: Requester,
    request: Request,
    next: Next,
) -> Response {
    if requester.rights.watch {
        return next.run(request).await;
    }
    refused(&app)
}

/// Lets a request through with the admin token, or the cookie of a session.
pub(super) async fn admin(requester: Requester, request: Request, next: Next) -> Response {
    if requester.rights.admin {
        return next.run(request).await;
    }
    unauthorised("This needs the admin token: send `Authorization: Bearer TOKEN`.\n")
}

/// Lets a request through that may read metrics.
pub(super) async fn metrics(requester: Requester, request: Request, next: Next) -> Response {
    if requester.rights.read_metrics {
        return next.run(request).await;
    }
    unauthorised(
        "This needs the metrics_token of [http], or the admin token: send \
         `Authorization: Bearer TOKEN`.\n",
    )
}

/// What a stranger is told.
pub(super) fn refused(app: &App) -> Response {
    app.admission.count_stranger();
    unauthorised("This needs the viewer token: send `Authorization: Bearer TOKEN`.\n")
}

fn unauthorised(why: &'static str) -> Response {
    let headers = [
        (header::WWW_AUTHENTICATE, CHALLENGE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::UNAUTHORIZED, headers, why).into_response()
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
