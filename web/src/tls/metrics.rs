//! How handshakes end.

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The end of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Outcome {
    Done,
    /// Not TLS, or not as we speak it; or a browser that did not like the certificate.
    Failed,
    /// It took too long.
    Late,
    /// Too many at a time: the oldest gave way.
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
