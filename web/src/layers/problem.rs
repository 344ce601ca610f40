//! Gives every error answer the body that [`ApiError`] has, whatever refused the request: a layer, a limit, a missing
//! route, or a handler that answered with words.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::bodies::ApiError;
use crate::http::request_head::header_text;

/// Longer words are no explanation.
const WORDS_BYTES_MAX: usize = 64 << 10;

pub(crate) async fn as_problem(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let answer = next.run(request).await;
    let status = answer.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_written_already(answer.headers()) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let words = to_bytes(body, WORDS_BYTES_MAX).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let detail = match words.trim() {
        "" => default_detail(&parts.headers, status.canonical_reason()),
        words => words.to_owned(),
    };
    let problem = ApiError::new(status, detail).into_response();
    parts.headers.remove(header::CONTENT_LENGTH);
    let (described, body) = problem.into_parts();
    for name in [header::CONTENT_TYPE, header::CACHE_CONTROL] {
        if let Some(value) = described.headers.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    let body = if is_head { Body::empty() } else { body };
    Response::from_parts(parts, body)
}

/// Problem details, or a page for people, as the one that asks for the viewer token.
fn is_written_already(headers: &HeaderMap) -> bool {
    let kind = header_text(headers, header::CONTENT_TYPE).unwrap_or_default();
    kind == "application/problem+json" || kind.starts_with("text/html")
}

fn default_detail(headers: &HeaderMap, reason: Option<&str>) -> String {
    let reason = reason.unwrap_or("Error");
    match header_text(headers, header::ALLOW) {
        Some(allowed) => format!("{reason}: this address takes {allowed}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn answer(method: Method, path: &str) -> (Response<()>, serde_json::Value) {
        let refused = [
            (header::RETRY_AFTER, "7"),
            (header::CONTENT_TYPE, "text/plain"),
        ];
        let routes = Router::new()
            .route(
                "/words",
                get(async move || (StatusCode::CONFLICT, refused, "why\n")),
            )
            .route(
                "/page",
                get(async || {
                    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                    (StatusCode::UNAUTHORIZED, kind, "<p>token?")
                }),
            )
            .route("/sound", get(async || "words"));
        // Around the router, which adds `Allow` last.
        let router = Router::new()
            .fallback_service(routes)
            .layer(from_fn(as_problem));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty());
        let answer = router
            .oneshot(request.expect("valid"))
            .await
            .expect("infallible");
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, WORDS_BYTES_MAX).await.expect("short");
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        (Response::from_parts(parts, ()), body)
    }

    #[tokio::test]
    async fn words_become_problem_details_with_the_same_headers() {
        let (head, body) = answer(Method::GET, "/words").await;
        assert_eq!(head.status(), StatusCode::CONFLICT);
        assert_eq!(head.headers()["content-type"], "application/problem+json");
        assert_eq!(head.headers()["retry-after"], "7");
        assert_eq!(
            (&body["detail"], &body["status"]),
            (&"why".into(), &409.into())
        );
        let (head, body) = answer(Method::PUT, "/words").await;
        assert_eq!(head.headers()["allow"], "GET,HEAD");
        assert_eq!(
            body["detail"],
            "Method Not Allowed: this address takes GET,HEAD"
        );
        let (head, body) = answer(Method::HEAD, "/words").await;
        assert_eq!(head.headers()["content-type"], "application/problem+json");
        assert!(body.is_null());
    }

    #[tokio::test]
    async fn pages_and_successes_stay() {
        for (path, kind) in [("/page", "text/html"), ("/sound", "text/plain")] {
            let (head, _) = answer(Method::GET, path).await;
            let told = head.headers()["content-type"].to_str().expect("text");
            assert!(told.starts_with(kind), "{path}: {told}");
        }
    }
}
