//! Pure: the states of publishing, and when to try again.

use std::time::{Duration, Instant};

use super::failure::{Failure, FailureKind};

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

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(kind, "because")
    }

    /// The waits of `count` failures in a row, each tried again when due.
    fn waits(course: &mut Course, now: &mut Instant, kind: FailureKind, count: usize) -> Vec<f64> {
        let mut waits = Vec::new();
        for _ in 0..count {
            course.begin(*now);
            course.failed(*now, &failure(kind), 1.0);
            let due = course.retry_at().expect("tried again");
            waits.push((due - *now).as_secs_f64());
            *now = due;
        }
        waits
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut now = Instant::now();
        let mut course = Course::new(now);
        let waits = waits(&mut course, &mut now, FailureKind::Unreachable, 9);
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert_eq!(course.state, PublishState::Waiting);
    }

    #[test]
    fn a_refusal_is_not_hammered() {
        let mut now = Instant::now();
        let mut course = Course::new(now);
        let refused = waits(&mut course, &mut now, FailureKind::Refused, 5);
        assert_eq!(refused, [60.0, 120.0, 240.0, 480.0, 900.0]);
        assert_eq!(course.state, PublishState::Refused);
        let after = waits(&mut course, &mut now, FailureKind::Unreachable, 1);
        assert_eq!(after, [0.5], "another sort of failure counts anew");
    }

    #[test]
    fn the_spread_takes_off_up_to_half() {
        let now = Instant::now();
        let due = |spread| {
            let mut course = Course::new(now);
            course.failed(now, &failure(FailureKind::Lost), spread);
            course.retry_at().expect("tried again") - now
        };
        assert_eq!((due(0.0), due(1.0)), (FIRST_RETRY / 2, FIRST_RETRY));
        assert_eq!((due(-3.0), due(f64::MAX)), (FIRST_RETRY / 2, FIRST_RETRY));
    }

    #[test]
    fn the_server_may_ask_for_a_longer_wait() {
        let now = Instant::now();
        let mut course = Course::new(now);
        course.failed(now, &Failure::of_status(503, Some("7")), 0.5);
        assert_eq!(course.retry_at(), Some(now + 7 * S));
        assert_eq!(course.state, PublishState::Waiting);
    }

    #[test]
    fn only_a_connection_that_stood_a_while_forgives() {
        let mut now = Instant::now();
        let mut course = Course::new(now);
        waits(&mut course, &mut now, FailureKind::Unreachable, 4);
        let lost_after = |course: &mut Course, now: &mut Instant, stood: Duration| {
            course.begin(*now);
            course.connected(*now);
            assert_eq!(
                (course.state, course.retry_at()),
                (PublishState::Live, None)
            );
            assert_eq!(course.reason, None);
            *now += stood;
            course.failed(*now, &failure(FailureKind::Lost), 1.0);
            course.retry_at().expect("tried again") - *now
        };
        assert_eq!(lost_after(&mut course, &mut now, S), 8 * S);
        assert_eq!(lost_after(&mut course, &mut now, 60 * S), FIRST_RETRY);
        assert_eq!(
            (course.since, course.reason.as_deref()),
            (now, Some("because"))
        );
    }
}
