//! What a collector's answer means, and when a batch is sent again (OTLP 1.10, "OTLP/HTTP response"). Pure.

use std::time::{Duration, Instant};

use capture::Backoff;
use serde_json::Value;

/// A batch is given up when it could not be delivered for this long.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// A collector that asks for a longer pause is asked sooner.
const PAUSE_MAX: Duration = Duration::from_secs(60);
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), PAUSE_MAX);

/// What became of an attempt to deliver a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CollectorAnswer {
    /// Taken, without so many spans.
    Taken { rejected: u64 },
    /// Sending the batch again would not help.
    Refused(String),
    /// The collector is away or busy.
    Later {
        why: String,
        /// The pause that it asks for.
        pause: Option<Duration>,
    },
}

impl CollectorAnswer {
    /// `retry_after` is the header's value. Whatever a collector answers with success, the batch is delivered.
    pub(super) fn of(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let seconds = retry_after.and_then(|text| text.trim().parse().ok());
        match status {
            200..=299 => Self::Taken {
                rejected: rejected_spans(body),
            },
            429 | 502..=504 => Self::Later {
                why: format!("status {status}"),
                pause: seconds.map(Duration::from_secs),
            },
            _ => Self::Refused(format!("status {status}")),
        }
    }
}

/// `partialSuccess.rejectedSpans`: a number, or one in a string (ProtoJSON).
fn rejected_spans(body: &[u8]) -> u64 {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let rejected = &body["partialSuccess"]["rejectedSpans"];
    let as_text = || rejected.as_str().and_then(|text| text.parse().ok());
    rejected.as_u64().or_else(as_text).unwrap_or(0)
}

/// What to do after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextAttempt {
    /// The batch is done with.
    None,
    /// The batch is dropped, and the next one may fare better.
    GiveUp,
    Wait(Duration),
}

/// The pauses between attempts.
#[derive(Debug)]
pub(super) struct Retries(Backoff);

impl Default for Retries {
    fn default() -> Self {
        Self(RETRY)
    }
}

impl Retries {
    /// `began`: the first attempt to deliver this batch.
    pub(super) fn after(
        &mut self,
        now: Instant,
        began: Instant,
        answer: &CollectorAnswer,
    ) -> NextAttempt {
        let CollectorAnswer::Later { pause, .. } = answer else {
            self.0.reset();
            return NextAttempt::None;
        };
        let wait = self.0.failed(now);
        if now.saturating_duration_since(began) >= GIVE_UP_AFTER {
            return NextAttempt::GiveUp;
        }
        NextAttempt::Wait(
            pause
                .unwrap_or(wait)
                .clamp(Duration::from_millis(100), PAUSE_MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(pause_s: Option<u64>) -> CollectorAnswer {
        CollectorAnswer::Later {
            why: "status 503".into(),
            pause: pause_s.map(Duration::from_secs),
        }
    }

    #[test]
    fn only_what_may_pass_is_sent_again() {
        for status in [429, 502, 503, 504] {
            let answer = CollectorAnswer::of(status, Some("7"), b"");
            let CollectorAnswer::Later { pause, .. } = answer else {
                panic!("{status}: {answer:?}");
            };
            assert_eq!(pause, Some(Duration::from_secs(7)));
        }
        for status in [301, 400, 401, 404, 413, 500, 501] {
            let answer = CollectorAnswer::of(status, None, b"");
            assert!(matches!(answer, CollectorAnswer::Refused(_)), "{status}");
        }
        let no_date = CollectorAnswer::of(503, Some("Sun, 29 Nov 2026 10:00:00 GMT"), b"");
        assert_eq!(no_date, later(None));
    }

    #[test]
    fn success_is_success_whatever_the_body_says() {
        let rejected = |body: &str| CollectorAnswer::of(200, None, body.as_bytes());
        for body in ["", "{}", "garbage", "{\"partialSuccess\":3}", "\u{0}"] {
            assert_eq!(
                rejected(body),
                CollectorAnswer::Taken { rejected: 0 },
                "{body}"
            );
        }
        for body in [
            r#"{"partialSuccess":{"rejectedSpans":"3"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":3,"errorMessage":"full"}}"#,
        ] {
            assert_eq!(
                rejected(body),
                CollectorAnswer::Taken { rejected: 3 },
                "{body}"
            );
        }
    }

    #[test]
    fn pauses_grow_until_the_batch_is_given_up() {
        let began = Instant::now();
        let (mut now, mut retries) = (began, Retries::default());
        let mut waits = Vec::new();
        while let NextAttempt::Wait(wait) = retries.after(now, began, &later(None)) {
            waits.push(wait);
            now += wait;
        }
        assert!(
            now - began >= GIVE_UP_AFTER && waits.len() >= 5,
            "{waits:?}"
        );
        assert!(waits.is_sorted() && *waits.last().expect("some") <= PAUSE_MAX);
        let taken = CollectorAnswer::Taken { rejected: 0 };
        assert_eq!(retries.after(now, now, &taken), NextAttempt::None);
        assert_eq!(
            retries.after(now, now, &later(None)),
            NextAttempt::Wait(waits[0])
        );
    }

    #[test]
    fn the_collector_chooses_the_pause_within_limits() {
        let now = Instant::now();
        let mut retries = Retries::default();
        for (asked_s, granted_s) in [(7, 7), (100_000, 60)] {
            let step = retries.after(now, now, &later(Some(asked_s)));
            assert_eq!(step, NextAttempt::Wait(Duration::from_secs(granted_s)));
        }
    }
}
