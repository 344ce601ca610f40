//! What the engine counts.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Why a viewer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum LeaveReason {
    /// It said so over HTTP.
    Deleted,
    /// It closed its connection.
    Closed,
    /// Nothing was heard of it for too long.
    Lost,
    /// It never connected.
    NeverConnected,
    /// The engine ended.
    Shutdown,
}

/// Why a datagram that came in was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum IgnoredCause {
    /// Neither STUN nor DTLS nor RTP.
    Garbage,
    /// Of nobody we know.
    Stranger,
    /// Of a viewer whose thread had too many waiting.
    Behind,
}

/// Why a datagram or packet did not go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum DropCause {
    /// The socket's send buffer was full.
    Blocked,
    /// The system refused it.
    Failed,
    /// Frames that had waited too long for a slow viewer.
    Late,
}

/// What became of a TCP connection to the media port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ConnectionFate {
    /// Taken.
    Accepted,
    /// Closed: there were too many, or it never showed a name that an answer gave out.
    Refused,
}

/// What became of a packet that a viewer asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ResendOutcome {
    /// Sent again.
    Sent,
    /// No longer kept, or never sent.
    Gone,
    /// Asked for within a round trip of the last answer.
    Repeat,
    /// Sent often enough.
    Exhausted,
    /// A keyframe has left since.
    Passed,
    /// The viewer's budget was spent.
    OverBudget,
}

/// Why a viewer's rendition changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RenditionChange {
    /// Down: packets queue up on the path, which carries less than was sent.
    QueueingDelay,
    /// Down: more packets are lost than retransmissions can replace.
    Loss,
    /// Down: no feedback came about packets that were sent.
    NoFeedback,
    /// Up: a probe, or media itself, arrived at a higher rate.
    ProbeSucceeded,
    /// Up: the viewer has a new connection or path, to which the old estimate does not apply.
    NewPath,
    /// The viewer chose a rendition, or left the choice to the station again.
    Chosen,
    /// The rendition it watched or had chosen is not offered any more.
    RenditionGone,
}

impl RenditionChange {
    /// As in `/metrics` and `/api/viewers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueingDelay => "queueing_delay",
            Self::Loss => "loss",
            Self::NoFeedback => "no_feedback",
            Self::ProbeSucceeded => "probe_succeeded",
            Self::NewPath => "new_path",
            Self::Chosen => "chosen",
            Self::RenditionGone => "rendition_gone",
        }
    }
}

impl EncodeLabelValue for RenditionChange {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// One label, `kind`.
pub type Kinds<T> = Family<[(&'static str, T); 1], Counter>;

/// The engine's metrics.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    /// Viewers now, those still connecting included.
    pub viewers: Gauge,
    /// Offers answered.
    pub joins: Counter,
    /// ICE restarts begun.
    pub restarts: Counter,
    /// Viewers gone, by reason.
    pub leaves: Kinds<LeaveReason>,
    /// Datagrams sent.
    pub packets: Counter,
    /// Bytes in them.
    pub bytes: Counter,
    /// Send calls that carried more than one datagram.
    pub offloads: Counter,
    /// Datagrams not sent, by cause.
    pub drops: Kinds<DropCause>,
    /// TCP connections to the media port, by what became of them.
    pub connections: Kinds<ConnectionFate>,
    /// TCP connections to the media port now.
    pub connections_open: Gauge,
    /// Datagrams ignored on arrival, by cause.
    pub ignored: Kinds<IgnoredCause>,
    /// Datagrams and connections handed to another thread of the engine.
    pub handed: Counter,
    /// Packets asked for again, by what became of the request.
    pub resends: Kinds<ResendOutcome>,
    /// NACK messages received.
    pub nacks: Counter,
    /// Picture loss indications received.
    pub plis: Counter,
    /// Full intra requests received.
    pub firs: Counter,
    /// Feedback messages with arrival times.
    pub transport_feedbacks: Counter,
    /// Changes of a viewer's rendition.
    pub switches: Counter,
    /// The same by cause; its label is `cause`.
    pub rendition_changes: Kinds<RenditionChange>,
    /// Packets sent only to see what a path carries.
    pub padding: Counter,
    /// Keyframes asked of the encoder.
    pub keyframe_requests: Counter,
    /// Joins served from the cache.
    pub replays: Counter,
    /// From offer to connection, in seconds.
    pub connect: Histogram,
    /// From offer to the first keyframe sent, in seconds.
    pub first_keyframe: Histogram,
    /// Sending one frame to all its viewers of one engine thread, in seconds.
    pub fanout: Histogram,
}

/// 1 ms to 10 s: a join.
const JOIN_BUCKETS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.075, 0.1, 0.15, 0.3, 0.6, 1.0, 3.0, 10.0,
];
/// 50 us to 100 ms: work per frame.
const FRAME_BUCKETS: [f64; 11] = [
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
];

impl Default for EngineMetrics {
    fn default() -> Self {
        Self {
            viewers: Gauge::default(),
            joins: Counter::default(),
            restarts: Counter::default(),
            leaves: Family::default(),
            packets: Counter::default(),
            bytes: Counter::default(),
            offloads: Counter::default(),
            drops: Family::default(),
            connections: Family::default(),
            connections_open: Gauge::default(),
            ignored: Family::default(),
            handed: Counter::default(),
            resends: Family::default(),
            nacks: Counter::default(),
            plis: Counter::default(),
            firs: Counter::default(),
            transport_feedbacks: Counter::default(),
            switches: Counter::default(),
            rendition_changes: Family::default(),
            padding: Counter::default(),
            keyframe_requests: Counter::default(),
            replays: Counter::default(),
            connect: Histogram::new(JOIN_BUCKETS),
            first_keyframe: Histogram::new(JOIN_BUCKETS),
            fanout: Histogram::new(FRAME_BUCKETS),
        }
    }
}

impl EngineMetrics {
    /// Adds everything to a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.register_connections(registry);
        self.register_counters(registry);
        self.register_kinds(registry);
        let mut seconds = |name: &str, help: &str, metric: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
        };
        let name = "carrier_viewer_connect";
        seconds(name, "From offer to connection", &self.connect);
        let help = "From offer to the first keyframe sent";
        seconds("carrier_viewer_first_keyframe", help, &self.first_keyframe);
        let help = "Sending one frame to all its viewers of one engine thread";
        seconds("carrier_fanout", help, &self.fanout);
    }

    fn register_counters(&self, registry: &mut Registry) {
        let counters: [(&str, &str, &Counter); 13] = [
            ("viewer_joins", "Offers answered", &self.joins),
            (
                "viewer_restarts",
                "ICE restarts begun by viewers and publishers",
                &self.restarts,
            ),
            ("send_packets", "Datagrams sent to viewers", &self.packets),
            (
                "send_bytes",
                "Bytes of datagrams sent to viewers",
                &self.bytes,
            ),
            (
                "send_offloads",
                "Send calls that carried several datagrams",
                &self.offloads,
            ),
            (
                "receive_handed",
                "Datagrams handed to another engine thread",
                &self.handed,
            ),
            ("nacks", "Requests for lost packets", &self.nacks),
            ("plis", "Picture loss indications", &self.plis),
            ("firs", "Full intra requests", &self.firs),
            (
                "transport_feedbacks",
                "Messages about arrival times",
                &self.transport_feedbacks,
            ),
            (
                "rendition_switches",
                "Changes of a viewer's rendition",
                &self.switches,
            ),
            (
                "probe_packets",
                "Packets sent to see what a path carries",
                &self.padding,
            ),
            ("join_replays", "Joins served from the cache", &self.replays),
        ];
        for (name, help, counter) in counters {
            registry.register(format!("carrier_{name}"), help, counter.clone());
        }
        let help = "Keyframes asked of the encoder by the engine";
        let counter = self.keyframe_requests.clone();
        registry.register("carrier_keyframe_requests", help, counter);
    }

    fn register_kinds(&self, registry: &mut Registry) {
        registry.register("carrier_viewers", "Viewers now", self.viewers.clone());
        registry.register("carrier_viewer_leaves", "Viewers gone", self.leaves.clone());
        let help = "Datagrams not sent, and frames that waited too long";
        registry.register("carrier_send_drops", help, self.drops.clone());
        let help = "Datagrams ignored on arrival";
        registry.register("carrier_receive_ignored", help, self.ignored.clone());
        let help = "Packets asked for again by viewers";
        registry.register("carrier_resends", help, self.resends.clone());
        let help = "Changes of a viewer's rendition by cause";
        let changes = self.rendition_changes.clone();
        registry.register("carrier_rendition_changes", help, changes);
    }

    fn register_connections(&self, registry: &mut Registry) {
        let help = "TCP connections to the media port";
        registry.register("carrier_media_connections", help, self.connections.clone());
        let help = "TCP connections to the media port now";
        let open = self.connections_open.clone();
        registry.register("carrier_media_connections_open", help, open);
    }
}

/// Counts `by` of `kind`.
pub(crate) fn count<T>(kinds: &Kinds<T>, kind: T, by: usize)
where
    T: EncodeLabelValue + Clone + Eq + std::hash::Hash,
{
    if by > 0 {
        let counter = kinds.get_or_create_owned(&[("kind", kind)]);
        counter.inc_by(by as u64);
    }
}
