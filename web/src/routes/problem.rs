//! What went wrong, as the photo booth answers it: `{"error": words}`.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A status, and words for people that name the thing and say what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) words: String,
    pub(super) retry_after: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct Words<'a> {
    error: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self {
            status,
            words: words.into(),
            retry_after: None,
        }
    }

    /// Later it may work.
    pub(super) fn again_in(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let words = Json(Words { error: &self.words });
        let mut response = (self.status, words).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // Whole seconds (RFC 9110 10.2.3), never too early.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // What is still to come of this request would be read as the next one.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let told = |millis| {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "full")
                .again_in(Duration::from_millis(millis));
            let response = problem.into_response();
            response.headers()[header::RETRY_AFTER].clone()
        };
        assert_eq!(told(0), "1");
        assert_eq!(told(61_001), "62");
    }
}
