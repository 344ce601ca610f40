//! Pure: why publishing did not work, and whether trying again soon makes sense.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelValue;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_told_from_a_not_now() {
        let kind = |status| Failure::of_status(status, None).kind;
        for status in [400, 401, 403, 404, 405, 415, 422] {
            assert_eq!(kind(status), FailureKind::Refused, "{status}");
        }
        for status in [409, 429, 503] {
            assert_eq!(kind(status), FailureKind::Busy, "{status}");
        }
        assert_eq!(kind(502), FailureKind::ServerError);
        assert_eq!(kind(200), FailureKind::BadAnswer);
    }

    #[test]
    fn retry_after_is_read_and_bounded() {
        let after = |value| Failure::of_status(503, Some(value)).retry_after;
        assert_eq!(after(" 7"), Some(Duration::from_secs(7)));
        assert_eq!(after("999999999"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(after("-1"), None);
    }
}
