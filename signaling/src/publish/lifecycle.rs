//! The state of publishing, causes of failures, retries with exponential back-off, and metrics.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::feed_sender::SentFeed;

/// Exponential back-off: the first wait, doubled with each consecutive failure up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// After a rejection somebody has to fix the token or the path, so that retries are rare.
const FIRST_RETRY_REFUSED: Duration = Duration::from_secs(60);
const LONGEST_RETRY_REFUSED: Duration = Duration::from_secs(15 * 60);
/// A connection of this length resets the back-off.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The state of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishState {
    /// Sending the offer, or waiting for the media connection.
    Connecting,
    /// Frames are sent.
    Live,
    /// Failed; will retry soon.
    Waiting,
    /// Rejected by the server; will retry rarely.
    Refused,
}

impl PublishState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Connecting, Self::Live, Self::Waiting, Self::Refused];

    /// The name used in metrics and the API.
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

/// The current status of publishing.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishStatus {
    /// The state.
    pub state: PublishState,
    /// Start of the state.
    pub since: Instant,
    /// Why it is not live, for display.
    pub reason: Option<String>,
    /// What is sent while it is live.
    pub sent: Option<SentFeed>,
}

/// The status and its back-off.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    pub(crate) status: PublishStatus,
    retry_at: Option<Instant>,
    /// Consecutive failures of one class (rejections or others).
    failures: u32,
    refused: bool,
}

impl Lifecycle {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            status: PublishStatus {
                state: PublishState::Connecting,
                since: now,
                reason: None,
                sent: None,
            },
            retry_at: None,
            failures: 0,
            refused: false,
        }
    }

    /// Starts an attempt.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.enter(PublishState::Connecting, now);
        self.retry_at = None;
    }

    /// The media connection is up.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.enter(PublishState::Live, now);
        self.status.reason = None;
    }

    /// An attempt or connection has failed. `spread`, 0 to 1, randomises the wait (jitter), so that many
    /// stations do not retry at the same time.
    pub(crate) fn failed(&mut self, now: Instant, failure: &AttemptError, spread: f64) {
        let refused = failure.kind == FailureKind::Refused;
        let stable =
            self.status.state == PublishState::Live && now >= self.status.since + STABLE_AFTER;
        if stable || refused != self.refused {
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
        self.status.reason = Some(failure.reason.clone());
        let state = if refused {
            PublishState::Refused
        } else {
            PublishState::Waiting
        };
        self.enter(state, now);
    }

    /// When the next attempt is due; `None` during an attempt.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    fn enter(&mut self, state: PublishState, now: Instant) {
        (self.status.state, self.status.since) = (state, now);
        self.status.sent = None;
    }
}

capture::metrics! {
    /// Metrics of publishing.
    pub struct PublishMetrics;
    state: Family<[(&'static str, &'static str); 1], Gauge> =>
        "carrier_publish_state", "1 for the state that publishing is in";
    connects: Counter => "carrier_publish_connects", "Connections to the WHIP server";
    packets: Counter => "carrier_publish_packets", "RTP packets published";
    bytes: Counter => "carrier_publish_bytes", "Bytes of RTP payload published";
    frames_dropped: Counter =>
        "carrier_publish_dropped_frames", "Frames not published while connected";
    sent_bps: Gauge => "carrier_publish_sent_bps", "Bits a second published, with headers and retransmissions";
    estimate_bps: Gauge =>
        "carrier_publish_estimate_bps", "Estimated bandwidth to the WHIP server in bits a second; 0: no limit is known";
    keyframe_requests: Counter =>
        "carrier_publish_keyframe_requests", "Keyframes that the WHIP server asked for";
    failures: Family<[(&'static str, FailureKind); 1], Counter> =>
        "carrier_publish_failures", "Attempts and connections that ended";
}

impl PublishMetrics {
    pub(super) fn show(&self, state: PublishState) {
        for each in PublishState::ALL {
            let gauge = self.state.get_or_create_owned(&[("state", each.name())]);
            gauge.set(i64::from(each == state));
        }
    }

    pub(super) fn show_sent(&self, sent: Option<&SentFeed>) {
        let (sent_bps, estimate_bps) =
            sent.map_or((0, None), |sent| (sent.sent_bps, sent.estimate_bps));
        self.sent_bps.set(sent_bps.into());
        self.estimate_bps.set(estimate_bps.unwrap_or(0).into());
    }

    pub(super) fn failed(&self, kind: FailureKind) {
        self.failures.get_or_create_owned(&[("reason", kind)]).inc();
    }
}

/// Upper limit of a wait that the server asks for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Classes of failures in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum FailureKind {
    /// No HTTP response: name resolution, network, TLS or timeout.
    Unreachable,
    /// Rejected until somebody changes the configuration.
    Refused,
    /// The server asked to retry later.
    Busy,
    /// HTTP 5xx.
    ServerError,
    /// The response is not WHIP, or its answer does not match the offer.
    BadAnswer,
    /// Signaling succeeded, but no media path was found.
    NoPath,
    /// An established connection was lost.
    Lost,
    /// A local failure: no network, no socket.
    Local,
}

/// A failure. The reason is shown on the page, and contains neither path nor token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct AttemptError {
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
    /// The wait that the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl AttemptError {
    pub(crate) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// The failure for an unexpected HTTP status. `retry_after`: the header; its date form is ignored.
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
