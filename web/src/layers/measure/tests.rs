use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use futures_util::stream;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tower::ServiceExt;
use tower::util::MapRequestLayer;

use super::*;

struct MeasuredRoutes {
    router: Router,
    metrics: HttpMetrics,
    registry: Registry,
}

fn event_stream() -> Response {
    let events = stream::pending::<Result<&'static str, Infallible>>();
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events)).into_response()
}

impl MeasuredRoutes {
    fn new() -> Self {
        let metrics = HttpMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let noted =
            |template| MapRequestLayer::new(move |request| RouteTemplate::note(request, template));
        let measuring = Measuring {
            metrics: metrics.clone(),
            trusts_traceparent: false,
        };
        let router = Router::new()
            .route("/job/{id}", any(async || "a job").layer(noted("/job/{id}")))
            .route(
                "/fails",
                get(async || StatusCode::SERVICE_UNAVAILABLE).layer(noted("/fails")),
            )
            .route(
                "/events",
                get(async || event_stream()).layer(noted("/events")),
            )
            .route(
                "/slow",
                get(async || tokio::time::sleep(Duration::from_secs(60)).await)
                    .layer(noted("/slow")),
            )
            .layer(from_fn_with_state(measuring, measure));
        Self {
            router,
            metrics,
            registry,
        }
    }

    async fn ask(&self, method: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).expect("valid");
        let answer = self.router.clone().oneshot(request).await;
        answer.expect("infallible")
    }

    fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("to a string");
        text
    }

    fn open_streams(&self) -> i64 {
        let label = RouteLabel { route: "/events" };
        self.metrics.streams.get_or_create(&label).get()
    }
}

#[tokio::test]
async fn requests_are_counted_by_template_never_by_path() {
    let service = MeasuredRoutes::new();
    for path in ["/job/secret-1", "/job/secret-2"] {
        service.ask("GET", path).await;
    }
    service.ask("BREW", "/job/secret-3").await;
    service.ask("GET", "/fails").await;
    service.ask("GET", "/no/such/place").await;
    let text = service.text();
    for line in [
        r#"carrier_http_requests_total{route="/job/{id}",method="GET",status="2xx"} 2"#,
        r#"carrier_http_requests_total{route="/job/{id}",method="other",status="2xx"} 1"#,
        r#"carrier_http_requests_total{route="/fails",method="GET",status="5xx"} 1"#,
        r#"carrier_http_requests_total{route="none",method="GET",status="4xx"} 1"#,
        r#"carrier_http_request_duration_seconds_count{route="/job/{id}"} 3"#,
        "carrier_http_requests_in_flight 0",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("BREW"), "{text}");
}

#[tokio::test]
async fn streams_are_counted_apart_while_they_are_open() {
    let service = MeasuredRoutes::new();
    let answer = service.ask("GET", "/events").await;
    assert_eq!(service.open_streams(), 1);
    assert_eq!(service.metrics.in_flight.get(), 0);
    drop(answer);
    assert_eq!(service.open_streams(), 0);
    let text = service.text();
    let counted = r#"carrier_http_requests_total{route="/events",method="GET",status="2xx"} 1"#;
    assert!(text.contains(counted), "{text}");
    assert!(
        !text.contains(r#"duration_seconds_count{route="/events"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_no_request_in_flight() {
    let service = MeasuredRoutes::new();
    let asking = service.ask("GET", "/slow");
    let left = tokio::time::timeout(Duration::from_millis(20), asking).await;
    assert!(left.is_err());
    assert_eq!(service.metrics.in_flight.get(), 0);
    let text = service.text();
    let counted = r#"carrier_http_requests_total{route="/slow",method="GET",status="aborted"} 1"#;
    assert!(text.contains(counted), "{text}");
}

fn measured(method: Method, template: Option<&'static str>, status: u16) -> RequestInFlight {
    let measured = RequestInFlight {
        is_safe: method.is_safe(),
        method: method_label(&method),
        template: RouteTemplate::default(),
        begin: Instant::now(),
        status: StatusCode::from_u16(status).ok(),
        metrics: HttpMetrics::default(),
        trace: Some((TraceContext::root(), Some(7))),
    };
    if let Some(template) = template {
        measured.template.0.set(template).expect("empty");
    }
    measured
}

#[test]
fn changes_and_failures_have_spans_and_reads_have_none() {
    for (method, template, status) in [
        (Method::GET, Some("/api/status"), 200),
        (Method::GET, Some("/api/status"), 404),
        (Method::POST, None, 404),
        (Method::GET, None, 500),
    ] {
        assert!(measured(method, template, status).span().is_none());
    }
    let join = measured(Method::POST, Some("/whep"), 201).span();
    let join = join.expect("a span");
    assert_eq!((join.name.as_ref(), join.parent), ("POST /whep", Some(7)));
    assert_eq!((join.kind, join.error), (SpanKind::Server, None));
    let failed = measured(Method::GET, Some("/snapshot.jpg"), 503).span();
    assert!(failed.expect("a span").error.is_some());
}
