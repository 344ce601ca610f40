//! Requests to the ComfyUI server as spans of the job's trace.

use std::time::Instant;

use capture::trace::{self, SpanKind, TraceContext, TraceSpan};
use url::Url;

use crate::comfyui::server_error::CallError;

/// A request within the trace that this thread works on; nothing without one.
pub(super) struct CallSpan(Option<(TraceContext, Instant)>);

impl CallSpan {
    pub(super) fn begin() -> Self {
        Self(trace::current().map(|job| (job, Instant::now())))
    }

    /// `path` as it was asked for: ids of orders in it do not go into the span. A poll that succeeds is no news.
    pub(super) fn end<T>(
        self,
        method: &'static str,
        path: &[&str],
        url: &Url,
        answer: &Result<T, CallError>,
    ) {
        let Some((job, began)) = self.0 else { return };
        let is_poll = method == "GET" && path != ["view"];
        if is_poll && answer.is_ok() {
            return;
        }
        let times = (began, Instant::now());
        trace::record(call_span(
            job,
            times,
            (method, path, url),
            answer.as_ref().err(),
        ));
    }
}

fn call_span(
    job: TraceContext,
    times: (Instant, Instant),
    (method, path, url): (&'static str, &[&str], &Url),
    error: Option<&CallError>,
) -> TraceSpan {
    let template = match path {
        [folder, _] if method == "GET" => format!("/{folder}/{{name}}"),
        path => format!("/{}", path.join("/")),
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or_default();
    let mut span = TraceSpan::part_of(job, format!("{method} {template}"), times)
        .with("http.request.method", method)
        .with("url.template", template)
        .with("server.address", host)
        .with("server.port", u64::from(port));
    span.kind = SpanKind::Client;
    match error {
        None => span,
        Some(CallError::Refused { status, .. }) => {
            span.error = Some("the server refused");
            span.with("http.response.status_code", u64::from(*status))
                .with("error.type", status.to_string())
        }
        Some(CallError::Unreachable(_)) => {
            span.error = Some("the server cannot be reached");
            span.with("error.type", "unreachable")
        }
        Some(CallError::TooLong | CallError::Malformed) => {
            span.error = Some("the answer cannot be used");
            span.with("error.type", "answer")
        }
    }
}

#[test]
fn a_call_is_described_without_ids_and_words_of_the_server() {
    let url = Url::parse("http://gpu.example:8188/history/6f2c1f3e?token=s3cret").expect("valid");
    let now = Instant::now();
    let job = TraceContext::root();
    let refused = CallError::Refused {
        status: 503,
        body: "s3cret".to_owned(),
    };
    let path = ["history", "6f2c1f3e"];
    let span = call_span(job, (now, now), ("GET", &path, &url), Some(&refused));
    assert_eq!(span.name, "GET /history/{name}");
    assert_eq!(
        (span.parent, span.kind),
        (Some(job.span_id), SpanKind::Client)
    );
    let told = format!("{span:?}");
    assert!(
        told.contains("gpu.example") && told.contains("503"),
        "{told}"
    );
    assert!(
        !told.contains("6f2c1f3e") && !told.contains("s3cret"),
        "{told}"
    );
    let path = ["upload", "image"];
    let span = call_span(job, (now, now), ("POST", &path, &url), None);
    assert_eq!(
        (span.name.as_ref(), span.error),
        ("POST /upload/image", None)
    );
}
