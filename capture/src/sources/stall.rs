//! Stall detection: how long a source may be silent before the card goes up, and before the source
//! is opened again. Pure: the caller passes the time.

use std::time::{Duration, Instant};

use crate::frame::Frame;

/// A source without a picture for this long has stalled. With the supervisor's tick of 0.1 s, the
/// card is up within 2 s.
pub(crate) const STALL: Duration = Frame::STALE_AFTER;
/// Upper limit of the learnt interval between pictures.
pub(super) const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// How long a kind of source may be silent at each stage of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StallLimits {
    /// From the start until the card says that no pictures come. `None`: it says "opening", or the
    /// previous reason, until then.
    pub(crate) opening_notice: Option<Duration>,
    /// From the start to the first picture. `None`: no limit, because a pipe waits for its writer.
    pub(crate) first_frame: Option<Duration>,
    /// From the first picture until the card goes up, while the interval is not known yet.
    pub(crate) first_interval: Duration,
    /// From the first picture until the source is opened again. `None`: never.
    pub(crate) second_frame: Option<Duration>,
    /// From the last picture until the source is opened again; longer for a slow source. `None`:
    /// never.
    pub(crate) reopen_after: Option<Duration>,
}

impl StallLimits {
    /// Limits of a source of several pictures a second.
    pub(crate) const fn new(first_frame: Duration, reopen_after: Duration) -> Self {
        Self {
            opening_notice: None,
            first_frame: Some(first_frame),
            first_interval: STALL,
            second_frame: Some(reopen_after),
            reopen_after: Some(reopen_after),
        }
    }

    /// How long after a picture the source counts as stalled: twice its median interval plus 0.25 s,
    /// and never less than [`STALL`].
    pub(crate) fn stall_after(&self, median_interval: Option<Duration>) -> Duration {
        match median_interval {
            Some(interval) => {
                STALL.max(2 * interval.min(LONGEST_INTERVAL) + Duration::from_millis(250))
            }
            None => self.first_interval,
        }
    }
}

/// When pictures have arrived so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Arrivals {
    /// When the last picture came; `None` before the first.
    pub(crate) last: Option<Instant>,
    /// `None` before the second picture.
    pub(crate) median_interval: Option<Duration>,
    /// Since the last good picture, others came that could not be decoded.
    pub(crate) is_unreadable: bool,
}

/// What to do about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StallCheck {
    Fine,
    /// Put the card up, but keep waiting.
    Silent,
    /// Put the card up and open the source again.
    GiveUp,
}

/// Watches the arrivals of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StallDetector {
    limits: StallLimits,
    started: Instant,
    /// What was reported of the present silence.
    reported: Option<Report>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Silence,
    Unreadable,
}

impl StallDetector {
    pub(crate) fn new(limits: StallLimits, started: Instant) -> Self {
        Self {
            limits,
            started,
            reported: None,
        }
    }

    /// Pictures arrive again: the next silence is reported anew.
    pub(crate) fn recovered(&mut self) {
        self.reported = None;
    }

    /// Compares the silence with its limits. Returns [`StallCheck::Silent`] once for each silence,
    /// and once more when undecodable pictures come.
    pub(crate) fn check(&mut self, arrivals: &Arrivals, now: Instant) -> StallCheck {
        let limits = &self.limits;
        let stall = limits.stall_after(arrivals.median_interval);
        let (since, reopen_after, notice) = match (arrivals.last, arrivals.median_interval) {
            (None, _) => (self.started, limits.first_frame, limits.opening_notice),
            (Some(at), None) => (at, limits.second_frame, Some(stall)),
            (Some(at), Some(_)) => {
                let reopen = limits.reopen_after.map(|limit| limit + (stall - STALL));
                (at, reopen, Some(stall))
            }
        };
        let silence = now.saturating_duration_since(since);
        if reopen_after.is_some_and(|limit| silence >= limit) {
            return StallCheck::GiveUp;
        }
        let (notice, report) = if arrivals.is_unreadable {
            (Some(STALL), Report::Unreadable)
        } else {
            (notice, Report::Silence)
        };
        if notice.is_some_and(|notice| silence >= notice) && self.reported != Some(report) {
            self.reported = Some(report);
            return StallCheck::Silent;
        }
        StallCheck::Fine
    }
}

/// The intervals between the last pictures.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    last: Option<Instant>,
    /// Newest first.
    intervals: [Option<Duration>; 5],
}

impl Intervals {
    pub(crate) fn add(&mut self, at: Instant) {
        if let Some(last) = self.last.replace(at) {
            self.intervals.rotate_right(1);
            self.intervals[0] = Some(at.saturating_duration_since(last));
        }
    }

    /// The median, which one stall does not change. `None` before the second picture.
    pub(crate) fn median(&self) -> Option<Duration> {
        let mut intervals = self.intervals;
        intervals.sort_unstable();
        let known = intervals.partition_point(Option::is_none);
        let middle = (intervals.len() - known) / 2;
        intervals[known..].get(middle).copied()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::KINDS;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn arrivals(at: Instant, interval: Duration) -> Arrivals {
        Arrivals {
            last: Some(at),
            median_interval: Some(interval),
            is_unreadable: false,
        }
    }

    const NOTHING: Arrivals = Arrivals {
        last: None,
        median_interval: None,
        is_unreadable: false,
    };

    /// The detector of one kind of source, whose attempt began at `start`.
    struct Fixture {
        detector: StallDetector,
        start: Instant,
    }

    impl Fixture {
        fn new(label: &str) -> Self {
            let kind = KINDS.iter().find(|kind| kind.label == label);
            let (limits, start) = (kind.expect("in the table").limits, Instant::now());
            let detector = StallDetector::new(limits, start);
            Self { detector, start }
        }

        /// Pictures arrive every `interval_ms`; the last came `last_ms` after the start.
        fn arrivals(&self, last_ms: u64, interval_ms: u64) -> Arrivals {
            arrivals(self.start + ms(last_ms), ms(interval_ms))
        }

        /// Asserts the outcome of a check some milliseconds after the start.
        fn check(&mut self, arrivals: &Arrivals, at_ms: u64, expected: StallCheck) {
            let checked = self.detector.check(arrivals, self.start + ms(at_ms));
            assert_eq!(checked, expected, "{at_ms} ms");
        }
    }

    use StallCheck::{Fine, GiveUp, Silent};

    #[test]
    fn a_silent_webcam_is_opened_again_at_once() {
        let mut webcam = Fixture::new("webcam");
        webcam.check(&NOTHING, 7999, Fine);
        webcam.check(&NOTHING, 8000, GiveUp);
        webcam.detector.recovered();
        let arrivals = webcam.arrivals(2000, 33);
        webcam.check(&arrivals, 3499, Fine);
        webcam.check(&arrivals, 3500, GiveUp);
    }

    #[test]
    fn a_silent_pipe_is_reported_once_and_never_opened_again() {
        let mut pipe = Fixture::new("y4m");
        pipe.check(&NOTHING, 1500, Silent);
        pipe.check(&NOTHING, 900_000, Fine);
        pipe.detector.recovered();
        let arrivals = pipe.arrivals(1_000_000, 40);
        pipe.check(&arrivals, 1_001_600, Silent);
        pipe.check(&arrivals, 1_900_000, Fine);
    }

    #[test]
    fn a_silent_network_camera_is_reported_before_it_is_opened_again() {
        let mut camera = Fixture::new("mjpeg");
        let arrivals = camera.arrivals(0, 100);
        camera.check(&arrivals, 1500, Silent);
        camera.check(&arrivals, 4900, Fine);
        camera.check(&arrivals, 5000, GiveUp);
    }

    #[test]
    fn a_slow_camera_is_silent_after_twice_its_median_interval() {
        let mut camera = Fixture::new("mjpeg");
        camera.check(&NOTHING, 4999, Fine);
        camera.check(&NOTHING, 5000, Silent);
        camera.check(&NOTHING, 29_900, Fine);
        // The interval is not known yet.
        camera.detector.recovered();
        let first = Arrivals {
            last: Some(camera.start),
            ..NOTHING
        };
        camera.check(&first, 5999, Fine);
        camera.check(&first, 6000, Silent);
        camera.check(&first, 20_000, Fine);
        camera.detector.recovered();
        let slow = camera.arrivals(0, 5000);
        camera.check(&slow, 10_200, Fine);
        camera.check(&slow, 10_250, Silent);
        camera.check(&slow, 13_750, GiveUp);
    }

    #[test]
    fn undecodable_pictures_are_reported_while_opening_and_after_a_silence() {
        let bad = Arrivals {
            is_unreadable: true,
            ..NOTHING
        };
        for label in ["mjpeg", "webcam"] {
            let mut camera = Fixture::new(label);
            camera.check(&bad, 1400, Fine);
            camera.check(&bad, 1500, Silent);
            camera.check(&bad, 1600, Fine);
        }
        let mut camera = Fixture::new("mjpeg");
        camera.check(&NOTHING, 5000, Silent);
        camera.check(&bad, 6100, Silent);
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn the_median_ignores_one_stall_and_follows_a_new_interval() {
        let mut intervals = Intervals::default();
        let mut now = Instant::now();
        intervals.add(now);
        assert_eq!(intervals.median(), None);
        let mut after = |interval| {
            now += Duration::from_secs(interval);
            intervals.add(now);
            intervals.median()
        };
        assert_eq!(after(4), seconds(4));
        for _ in 0..4 {
            after(4);
        }
        assert_eq!(after(60), seconds(4));
        assert_eq!(after(4), seconds(4));
        assert_eq!([1, 1, 1].map(after), [seconds(4), seconds(4), seconds(1)]);
    }
}
