//! Counts of connections and TLS handshakes.

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The end of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Outcome {
    Done,
    /// Not TLS, or not as we speak it; or a browser that did not like the certificate.
    Failed,
    /// It took too long.
    Late,
    /// It made room for another connection.
    Displaced,
}

/// Counts handshakes.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsMetrics(Family<[(&'static str, Outcome); 1], Counter>);

impl TlsMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "TLS handshakes, by how they ended";
        registry.register("carrier_tls_handshakes", help, self.0.clone());
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.0.get_or_create(&[("outcome", outcome)]).inc();
    }
}

/// Why the station closed a connection, or did not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum CloseCause {
    /// No request came in time.
    Idle,
    /// It made room for another one.
    Displaced,
    /// There was no room for it.
    Refused,
}

/// Counts connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionMetrics {
    pub(super) open: Gauge,
    closed: Family<[(&'static str, CloseCause); 1], Counter>,
}

impl ConnectionMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Open HTTP and HTTPS connections";
        registry.register("carrier_http_connections", help, self.open.clone());
        let help = "HTTP and HTTPS connections that the station closed, by cause";
        registry.register("carrier_http_connections_closed", help, self.closed.clone());
    }

    pub(super) fn count_closed(&self, cause: CloseCause) {
        self.closed.get_or_create(&[("cause", cause)]).inc();
    }
}
