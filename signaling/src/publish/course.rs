//! The states of publishing, why an attempt failed, when to try again, and what is counted.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The first wait; doubled with each failure in a row up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// After a refusal nothing changes by itself: a person has to mend the token or the path.
const FIRST_RETRY_REFUSED: Duration = Duration::from_secs(60);
const LONGEST_RETRY_REFUSED: Duration = Duration::from_secs(15 * 60);
/// A connection that stood this long was a success; a shorter one continues the row of failures.
const SETTLED: Duration = Duration::from_secs(10);

/// Where publishing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishState {
    /// Offering, or waiting for media to connect.
    Connecting,
    /// Frames go out.
    Live,
    /// It failed, and is tried again soon.
    Waiting,
    /// The server said no; it is asked again, but seldom.
    Refused,
}

impl PublishState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Connecting, Self::Live, Self::Waiting, Self::Refused];

    /// One word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }
}

/// The state and its history.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) state: PublishState,
    /// Of the state.
    pub(crate) since: Instant,
    /// Why it is not live.
    pub(crate) reason: Option<String>,
    retry_at: Option<Instant>,
    /// Of one sort in a row: refusals, or anything else.
    failures: u32,
    refused: bool,
}

impl Course {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: PublishState::Connecting,
            since: now,
            reason: None,
            retry_at: None,
            failures: 0,
            refused: false,
        }
    }

    /// A new attempt begins.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.enter(PublishState::Connecting, now);
        self.retry_at = None;
    }

    /// Media is connected.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.enter(PublishState::Live, now);
        self.reason = None;
    }

    /// The attempt, or the connection, is over. `spread`, 0 to 1, keeps many stations from coming
    /// back in step.
    pub(crate) fn failed(&mut self, now: Instant, failure: &Failure, spread: f64) {
        let refused = failure.kind == FailureKind::Refused;
        let settled = self.state == PublishState::Live && now >= self.since + SETTLED;
        if settled || refused != self.refused {
            self.failures = 0;
        }
        self.refused = refused;
        let (first, longest) = if refused {
            (FIRST_RETRY_REFUSED, LONGEST_RETRY_REFUSED)
        } else {
            (FIRST_RETRY, LONGEST_RETRY)
        };
        let doubled = first
            .saturating_mul(1 << self.failures.min(16))
            .min(longest);
        self.failures += 1;
        let wait = doubled.mul_f64(0.5 + spread.clamp(0.0, 1.0) / 2.0);
        let wait = wait.max(failure.retry_after.unwrap_or_default());
        self.retry_at = Some(now + wait);
        self.reason = Some(failure.reason.clone());
        let state = if refused {
            PublishState::Refused
        } else {
            PublishState::Waiting
        };
        self.enter(state, now);
    }

    /// When the next attempt is due; `None` during one.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    fn enter(&mut self, state: PublishState, now: Instant) {
        (self.state, self.since) = (state, now);
    }
}

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

/// A server that names a longer wait than this is asked again after it all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The kinds of failure, as metrics tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum FailureKind {
    /// No HTTP answer: name, network, TLS, time.
    Unreachable,
    /// The server said no, and will again until somebody changes something.
    Refused,
    /// The server asked to come back later.
    Busy,
    /// The server failed.
    ServerError,
    /// An HTTP answer that is not WHIP, or that does not fit the offer.
    BadAnswer,
    /// Signalling went well, but no media path was found.
    NoPath,
    /// The connection stood and broke.
    Lost,
    /// This machine could not: no network, no socket.
    Local,
}

/// One failure. The reason is for the page: it names neither the path nor the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// What an HTTP status other than the one hoped for means. `retry_after` is the header; its
    /// date form is rare and read as absent.
    pub(crate) fn of_status(status: u16, retry_after: Option<&str>) -> Self {
        let (kind, why) = match status {
            401 | 403 => (FailureKind::Refused, "The server refused the token"),
            404 | 405 | 410 => (
                FailureKind::Refused,
                "The server has no WHIP endpoint at this path",
            ),
            406 | 415 | 422 => (FailureKind::Refused, "The server does not take this video"),
            409 => (FailureKind::Busy, "Somebody else publishes there"),
            408 | 425 | 429 | 503 => (FailureKind::Busy, "The server is busy"),
            400..=499 => (FailureKind::Refused, "The server refused the offer"),
            500..=599 => (FailureKind::ServerError, "The server failed"),
            _ => (
                FailureKind::BadAnswer,
                "The server does not answer as WHIP does",
            ),
        };
        let seconds = retry_after.and_then(|value| value.trim().parse().ok());
        Self {
            kind,
            reason: format!("{why} ({status})."),
            retry_after: seconds.map(|s| Duration::from_secs(s).min(LONGEST_RETRY_AFTER)),
        }
    }
}
