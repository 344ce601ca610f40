//! Bodies and query fields of requests, and the body of an error: problem details (RFC 9457). It has no
//! other dependencies in this crate, so that it can be fuzzed alone.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

/// An error answer: a status, and a message that says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
    /// The key of the configuration that is wrong.
    pub(crate) key: Option<String>,
    /// The message for visitors, as pages translate it.
    pub(crate) text: Option<Value>,
}

/// Problem details (RFC 9457), without a type of their own.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProblemBody<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// The key of the configuration that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The same for visitors, as pages translate it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a Value>,
    /// The same as `detail`, for clients of earlier versions.
    error: &'a str,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
            key: None,
            text: None,
        }
    }

    /// Names the key that is wrong.
    pub(crate) fn about(self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }

    /// Tells visitors why.
    pub(crate) fn in_words(self, text: Option<Value>) -> Self {
        Self { text, ..self }
    }

    /// With a `Retry-After` header.
    pub(crate) fn again_in(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Json(ProblemBody {
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.message,
            key: self.key.as_deref(),
            text: self.text.as_ref(),
            error: &self.message,
        });
        let mut response = (self.status, problem).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, retry_after(wait));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // The rest of this request's body would be parsed as the next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// `Retry-After` in whole seconds (RFC 9110 10.2.3), rounded up.
pub(crate) fn retry_after(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64)
}

/// The query of a page: `?token=...` of a link.
#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    pub(crate) token: Option<String>,
}

/// PUT `/api/admin/bitrate`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bitrate {
    pub(crate) bitrate_bps: u32,
}

/// PATCH `/api/admin/gallery/{id}`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Visibility {
    pub(crate) hidden: bool,
}

/// PATCH `/api/stylise/{id}`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Share {
    pub(crate) share: bool,
    /// Whether other carriers of the event show it, too.
    #[serde(default)]
    pub(crate) carriers: bool,
}

/// Parses common spellings of yes and no; `None` for an empty text.
pub(crate) fn yes_no(text: &str) -> Result<Option<bool>, NotYesOrNoError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "1" | "true" | "yes" | "y" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "n" | "off" => Ok(Some(false)),
        _ => Err(NotYesOrNoError(text.chars().take(40).collect())),
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither true nor false")]
pub(crate) struct NotYesOrNoError(String);

/// For an optional query field: `#[serde(default, deserialize_with = "yes_no_field")]`.
pub(crate) fn yes_no_field<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    yes_no(&text.unwrap_or_default()).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let told = |millis| {
            let problem = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "full")
                .again_in(Duration::from_millis(millis));
            let response = problem.into_response();
            response.headers()[header::RETRY_AFTER].clone()
        };
        assert_eq!(told(0), "1");
        assert_eq!(told(61_001), "62");
    }

    #[test]
    fn yes_and_no_have_many_spellings() {
        for yes in ["1", "true", "True", "yes", "on", " ON "] {
            assert_eq!(yes_no(yes), Ok(Some(true)), "{yes}");
        }
        for no in ["0", "false", "no", "off", "FALSE"] {
            assert_eq!(yes_no(no), Ok(Some(false)), "{no}");
        }
        assert_eq!(yes_no(""), Ok(None));
        let error = yes_no("perhaps").expect_err("neither");
        assert_eq!(error.to_string(), "\"perhaps\" is neither true nor false");
    }
}
