//! Rate, errors and duration of HTTP requests, by route template: paths contain names of sessions and jobs, and
//! anybody can ask for any number of them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    /// As in the route table; `none` where no route took the request.
    pub(crate) route: &'static str,
    /// `other`: none that HTTP defines.
    pub(crate) method: &'static str,
    /// `2xx` and the like; `aborted` if the client was gone before the answer.
    pub(crate) status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RouteLabel {
    pub(crate) route: &'static str,
}

/// 1 ms to 10 s: a page from memory, and the upload of a photo over a weak network.
const DURATION: fn() -> Histogram = || {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    ])
};

capture::metrics! {
    /// Clones share their values.
    pub(crate) struct HttpMetrics;
    requests: Family<RequestLabels, Counter> =>
        "carrier_http_requests", "HTTP requests, by route template, method and class of the status";
    duration: Family<RouteLabel, Histogram, fn() -> Histogram> = Family::new_with_constructor(DURATION) =>
        "carrier_http_request_duration" Seconds,
        "From the head of a request to the head of its answer, uploads included; without streams";
    in_flight: Gauge => "carrier_http_requests_in_flight", "HTTP requests that wait for their answer";
    streams: Family<RouteLabel, Gauge> =>
        "carrier_http_streams", "Open answers that go on until the client leaves: MJPEG and server-sent events";
}
