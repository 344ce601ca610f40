//! What receiver reports tell of a path whose receiver sends no transport-wide feedback. Coarser: one measurement a
//! second, and the whole round trip instead of one way.

use std::time::{Duration, Instant};

use super::path_estimator::PathSample;

/// Round trips vary by this much without a queue.
const VARIATION: Duration = Duration::from_millis(60);
/// A longer round trip that lasts becomes the baseline after about this many reports.
const BASELINE_REPORTS: u32 = 30;

/// The baseline of the round trips.
#[derive(Debug, Default)]
pub(super) struct ReportedPath {
    baseline: Option<Duration>,
}

impl ReportedPath {
    /// A report; `sent` is the number of packets since the one before it, and their bits a second.
    pub(super) fn sample(
        &mut self,
        now: Instant,
        (loss, round_trip): (f32, Option<Duration>),
        (packets, sent_bps): (u32, u32),
    ) -> PathSample {
        let queue = round_trip.map_or(Duration::ZERO, |round_trip| self.above_baseline(round_trip));
        PathSample {
            queue,
            newest: (now, queue),
            delivered_bps: Some((sent_bps as f32 * (1.0 - loss)) as u32),
            loss,
            packets,
        }
    }

    fn above_baseline(&mut self, round_trip: Duration) -> Duration {
        let baseline = self.baseline.unwrap_or(round_trip);
        self.baseline = Some(match round_trip.checked_sub(baseline) {
            None => round_trip,
            Some(above) => baseline + above / BASELINE_REPORTS,
        });
        let above = round_trip.saturating_sub(baseline);
        if above < VARIATION {
            Duration::ZERO
        } else {
            above
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_longer_round_trip_is_a_queue_until_it_has_lasted() {
        let (mut path, now) = (ReportedPath::default(), Instant::now());
        let mut queue_ms = |round_trip_ms: u32| {
            let report = (0.0, Some(round_trip_ms * MS));
            path.sample(now, report, (100, 1_000_000)).queue.as_millis()
        };
        assert_eq!(queue_ms(40), 0);
        assert_eq!(queue_ms(90), 0, "it varies");
        assert!((350..=360).contains(&queue_ms(400)));
        assert_eq!(queue_ms(30), 0);
        (0..200).for_each(|_| _ = queue_ms(400));
        assert_eq!(queue_ms(400), 0, "another path");
    }

    #[test]
    fn what_was_lost_was_not_delivered() {
        let sample = ReportedPath::default().sample(Instant::now(), (0.25, None), (200, 800_000));
        assert_eq!(sample.delivered_bps, Some(600_000));
        assert_eq!((sample.queue, sample.packets), (Duration::ZERO, 200));
    }
}
