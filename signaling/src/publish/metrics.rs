//! What publishing counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::course::PublishState;
use super::failure::FailureKind;

/// The metrics of publishing.
#[derive(Debug, Clone, Default)]
pub struct PublishMetrics {
    /// 1 for the state it is in, 0 for the others.
    pub state: Family<[(&'static str, &'static str); 1], Gauge>,
    /// Connections that stood.
    pub connects: Counter,
    /// Attempts and connections that ended, by reason.
    pub failures: Family<[(&'static str, FailureKind); 1], Counter>,
    /// RTP packets handed to the connection.
    pub packets: Counter,
    /// Bytes of RTP payload in them.
    pub bytes: Counter,
    /// Frames that came while connected and did not go out.
    pub frames_dropped: Counter,
    /// Keyframes that the server asked for.
    pub keyframe_requests: Counter,
}

impl PublishMetrics {
    /// Adds everything to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "1 for the state that publishing is in";
        registry.register("carrier_publish_state", help, self.state.clone());
        let mut counter = |name: &str, help: &str, metric: &Counter| {
            registry.register(name, help, metric.clone());
        };
        counter(
            "carrier_publish_connects",
            "Connections to the WHIP server",
            &self.connects,
        );
        counter(
            "carrier_publish_packets",
            "RTP packets published",
            &self.packets,
        );
        counter(
            "carrier_publish_bytes",
            "Bytes of RTP payload published",
            &self.bytes,
        );
        counter(
            "carrier_publish_dropped_frames",
            "Frames not published while connected",
            &self.frames_dropped,
        );
        counter(
            "carrier_publish_keyframe_requests",
            "Keyframes that the WHIP server asked for",
            &self.keyframe_requests,
        );
        let help = "Attempts and connections that ended";
        registry.register("carrier_publish_failures", help, self.failures.clone());
    }

    pub(super) fn show(&self, state: PublishState) {
        for each in PublishState::ALL {
            let gauge = self.state.get_or_create_owned(&[("state", each.name())]);
            gauge.set(i64::from(each == state));
        }
    }

    pub(super) fn failed(&self, kind: FailureKind) {
        self.failures.get_or_create_owned(&[("reason", kind)]).inc();
    }
}
