//! What the engine counts.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

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

/// Why a viewer that made an offer got no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum JoinFailure {
    /// The offer cannot be answered.
    Offer,
    /// There was no room.
    Full,
    /// The engine does not run.
    EngineEnded,
    /// No ICE check came.
    NoCheck,
    /// ICE found no path.
    NoPath,
    /// The DTLS handshake was not completed.
    Handshake,
    /// Another viewer got its place before it had connected.
    Displaced,
    /// It left before its first picture.
    Left,
}

impl JoinFailure {
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Self::Offer => "the offer cannot be answered",
            Self::Full => "there is no room",
            Self::EngineEnded => "the media engine does not run",
            Self::NoCheck => "no ICE check came: nothing from this viewer reaches the media port",
            Self::NoPath => "ICE found no path",
            Self::Handshake => "the DTLS handshake was not completed",
            Self::Displaced => "another viewer got its place",
            Self::Left => "the viewer left before its first picture",
        }
    }
}

/// Why a datagram that came in was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum IgnoredCause {
    /// Neither STUN nor DTLS nor RTP.
    Garbage,
    /// From an unknown sender.
    Stranger,
    /// For a viewer whose engine thread's queue was full.
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

/// What became of a packet that a viewer asked for again, or whose loss its feedback reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ResendOutcome {
    /// Sent again.
    Sent,
    /// No longer kept, or never sent.
    Gone,
    /// Asked for, or reported, within a round trip of the last answer.
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
    /// Up: a rendition is offered again.
    RenditionBack,
}

impl RenditionChange {
    /// The name in `/metrics` and `/api/viewers`.
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
            Self::RenditionBack => "rendition_back",
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

/// 1 ms to 10 s: a join.
const JOIN_BUCKETS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.075, 0.1, 0.15, 0.3, 0.6, 1.0, 3.0, 10.0,
];
/// 50 us to 100 ms: work per frame.
const FRAME_BUCKETS: [f64; 11] = [
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
];

capture::metrics! {
    /// The engine's metrics. The label of [`Kinds`] is `kind`, that of `rendition_changes` is `cause`, of
    /// `join_failures` it is `reason`.
    pub struct EngineMetrics;
    connections: Kinds<ConnectionFate> =>
        "carrier_media_connections", "TCP connections to the media port";
    connections_open: Gauge =>
        "carrier_media_connections_open", "TCP connections to the media port now";
    joins: Counter => "carrier_viewer_joins", "Offers answered";
    restarts: Counter => "carrier_viewer_restarts", "ICE restarts begun by viewers and publishers";
    packets: Counter => "carrier_send_packets", "Datagrams sent to viewers";
    bytes: Counter => "carrier_send_bytes", "Bytes of datagrams sent to viewers";
    offloads: Counter => "carrier_send_offloads", "Send calls that carried several datagrams";
    handed: Counter => "carrier_receive_handed", "Datagrams handed to another engine thread";
    nacks: Counter => "carrier_nacks", "Requests for lost packets";
    plis: Counter => "carrier_plis", "Picture loss indications";
    firs: Counter => "carrier_firs", "Full intra requests";
    transport_feedbacks: Counter => "carrier_transport_feedbacks", "Messages about arrival times";
    padding: Counter => "carrier_probe_packets", "Packets sent to see what a path carries";
    replays: Counter => "carrier_join_replays", "Joins served from the cache";
    keyframe_requests: Counter =>
        "carrier_keyframe_requests", "Keyframes asked of the encoder by the engine";
    viewers: Gauge => "carrier_viewers", "Viewers now";
    join_failures: Kinds<JoinFailure> =>
        "carrier_viewer_join_failures", "Offers that did not lead to a picture";
    leaves: Kinds<LeaveReason> => "carrier_viewer_leaves", "Viewers gone";
    drops: Kinds<DropCause> =>
        "carrier_send_drops", "Datagrams not sent, and frames that waited too long";
    ignored: Kinds<IgnoredCause> => "carrier_receive_ignored", "Datagrams ignored on arrival";
    resends: Kinds<ResendOutcome> => "carrier_resends", "Packets that viewers asked for again or reported as lost";
    rendition_changes: Kinds<RenditionChange> =>
        "carrier_rendition_changes", "Changes of a viewer's rendition by cause";
    connect: Histogram = Histogram::new(JOIN_BUCKETS) =>
        "carrier_viewer_connect" Seconds, "From offer to connection";
    first_keyframe: Histogram = Histogram::new(JOIN_BUCKETS) =>
        "carrier_viewer_first_keyframe" Seconds, "From offer to the first keyframe sent";
    fanout: Histogram = Histogram::new(FRAME_BUCKETS) =>
        "carrier_fanout" Seconds, "Sending one frame to all its viewers of one engine thread";
}

pub(crate) fn count_join_failure(metrics: &EngineMetrics, failure: JoinFailure) {
    let counter = metrics
        .join_failures
        .get_or_create_owned(&[("reason", failure)]);
    counter.inc();
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
