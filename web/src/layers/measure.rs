//! Counts and times each request under its route template, and records a span of it where telemetry is on.
//!
//! The outermost layer: what the other ones refuse is counted as well.

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use capture::trace::{self, SpanKind, TraceContext, TraceSpan};
use http_body_util::BodyExt;
use prometheus_client::metrics::gauge::Gauge;

use crate::http::request_head::header_text;
use crate::metrics::http::{HttpMetrics, RequestLabels, RouteLabel};
use crate::telemetry::traceparent;

/// Of requests that no route took.
const NO_ROUTE: &str = "none";

/// The template of the route that takes a request; a route fills it in with [`RouteTemplate::note`].
#[derive(Debug, Clone, Default)]
pub(crate) struct RouteTemplate(Arc<OnceLock<&'static str>>);

impl RouteTemplate {
    pub(crate) fn note(request: Request, template: &'static str) -> Request {
        if let Some(Self(cell)) = request.extensions().get() {
            let _ = cell.set(template);
        }
        request
    }

    fn get(&self) -> Option<&'static str> {
        self.0.get().copied()
    }
}

/// What the layer needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Measuring {
    pub(crate) metrics: HttpMetrics,
    /// Whether a request may say which trace it belongs to.
    pub(crate) trusts_traceparent: bool,
}

pub(crate) async fn measure(
    State(measuring): State<Measuring>,
    mut request: Request,
    next: Next,
) -> Response {
    let template = RouteTemplate::default();
    request.extensions_mut().insert(template.clone());
    let parent = (measuring.trusts_traceparent && trace::is_recording())
        .then(|| traceparent::of(request.headers()))
        .flatten();
    let own = || parent.map_or_else(TraceContext::root, TraceContext::child);
    let context = trace::is_recording().then(own);
    let measured = RequestInFlight {
        is_safe: request.method().is_safe(),
        method: method_label(request.method()),
        template,
        begin: Instant::now(),
        status: None,
        metrics: measuring.metrics,
        trace: context.map(|context| (context, parent.map(|parent| parent.span_id))),
    };
    measured.metrics.in_flight.inc();
    let mut answering = pin!(next.run(request));
    let answer = poll_fn(|cx| {
        let _entered = trace::enter(context);
        answering.as_mut().poll(cx)
    });
    let answer = answer.await;
    measured.answered(answer)
}

/// One request. Dropped without an answer when the client is gone.
struct RequestInFlight {
    is_safe: bool,
    method: &'static str,
    template: RouteTemplate,
    begin: Instant,
    status: Option<StatusCode>,
    metrics: HttpMetrics,
    /// Its span, and that one's parent.
    trace: Option<(TraceContext, Option<u64>)>,
}

impl RequestInFlight {
    fn answered(mut self, answer: Response) -> Response {
        self.status = Some(answer.status());
        let route = self.template.get().unwrap_or(NO_ROUTE);
        if is_stream(answer.headers()) {
            let open = OpenStream::new(
                self.metrics
                    .streams
                    .get_or_create_owned(&RouteLabel { route }),
            );
            return answer.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _open = &open;
                    frame
                }))
            });
        }
        let duration = self.metrics.duration.get_or_create(&RouteLabel { route });
        duration.observe(self.begin.elapsed().as_secs_f64());
        answer
    }

    /// The span of a request that changes something, or that failed here. Reads are far too many, and strangers ask for
    /// what does not exist.
    fn span(&self) -> Option<TraceSpan> {
        let (context, parent) = self.trace?;
        let status = self.status?;
        let failed = status.is_server_error();
        let route = self.template.get().filter(|_| failed || !self.is_safe)?;
        let name = format!("{} {route}", self.method);
        let code = status.as_u16();
        let mut span = TraceSpan::new(context, name, (self.begin, Instant::now()))
            .with("http.request.method", self.method)
            .with("http.route", route)
            .with("http.response.status_code", u64::from(code));
        (span.kind, span.parent) = (SpanKind::Server, parent);
        if failed {
            span.error = Some("the request failed");
            span = span.with("error.type", code.to_string());
        }
        Some(span)
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        let labels = RequestLabels {
            route: self.template.get().unwrap_or(NO_ROUTE),
            method: self.method,
            status: self.status.map_or("aborted", status_class),
        };
        self.metrics.requests.get_or_create(&labels).inc();
        if let Some(span) = self.span() {
            trace::record(span);
        }
    }
}

struct OpenStream(Gauge);

impl OpenStream {
    fn new(open: Gauge) -> Self {
        open.inc();
        Self(open)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Whether an answer goes on until the client leaves.
fn is_stream(headers: &HeaderMap) -> bool {
    let kind = header_text(headers, header::CONTENT_TYPE).unwrap_or_default();
    kind.starts_with("text/event-stream") || kind.starts_with("multipart/x-mixed-replace")
}

/// Clients may invent methods.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
