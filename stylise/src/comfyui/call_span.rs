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

    /// `path` as it was asked for: only its first part goes into the span, ids of orders do not. A poll that succeeds is
    /// no news.
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
        let template = match path {
            [folder, _] if method == "GET" => format!("/{folder}/{{name}}"),
            path => format!("/{}", path.join("/")),
        };
        let name = format!("{method} {template}");
        let mut span = TraceSpan::part_of(job, name, (began, Instant::now()))
            .with("http.request.method", method)
            .with("url.template", template)
            .with(
                "server.address",
                url.host_str().unwrap_or_default().to_owned(),
            )
            .with(
                "server.port",
                u64::from(url.port_or_known_default().unwrap_or(0)),
            );
        span.kind = SpanKind::Client;
        if let Err(error) = answer {
            let (kind, why) = match error {
                CallError::Refused { status, .. } => {
                    span = span.with("http.response.status_code", u64::from(*status));
                    (status.to_string(), "the server refused")
                }
                CallError::Unreachable(_) => {
                    ("unreachable".to_owned(), "the server cannot be reached")
                }
                _ => ("answer".to_owned(), "the answer cannot be used"),
            };
            span.error = Some(why);
            span = span.with("error.type", kind);
        }
        trace::record(span);
    }
}
