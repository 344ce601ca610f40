//! How long detections take: what is told of many measured times. Pure.

use std::time::Duration;

/// The times of one detection, from a picture of the feed's size to its boxes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    pub median_ms: f64,
    /// 95 of 100 detections were at least as fast.
    pub p95_ms: f64,
    /// How many detections were measured.
    pub runs: usize,
}

impl Timing {
    /// `None`: nothing was measured.
    #[must_use]
    pub fn of(times: &[Duration]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        Some(Self {
            median_ms: milliseconds(&sorted, 0.5)?,
            p95_ms: milliseconds(&sorted, 0.95)?,
            runs: sorted.len(),
        })
    }
}

/// The smallest of the sorted times that `share` of them do not exceed.
fn milliseconds(sorted: &[Duration], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let time = sorted.get(rank.max(1) - 1)?;
    Some(time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(milliseconds: &[u64]) -> Option<Timing> {
        let times: Vec<Duration> = milliseconds
            .iter()
            .map(|ms| Duration::from_millis(*ms))
            .collect();
        Timing::of(&times)
    }

    #[test]
    fn the_middle_and_the_slow_end_are_told() {
        assert_eq!(timing(&[]), None);
        let one = timing(&[7]).expect("one");
        assert_eq!((one.median_ms, one.p95_ms, one.runs), (7.0, 7.0, 1));
        let mut hundred: Vec<u64> = (1..=100).collect();
        hundred.reverse();
        let hundred = timing(&hundred).expect("many");
        assert_eq!((hundred.median_ms, hundred.p95_ms), (50.0, 95.0));
        let outlier = timing(&[5, 5, 900]).expect("three");
        assert_eq!((outlier.median_ms, outlier.p95_ms), (5.0, 900.0));
    }
}
