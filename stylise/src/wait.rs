//! How long a visitor will wait.

use std::time::{Duration, Instant};

use crate::style::MadeBy;

/// The share of the newest job in the mean, once there were some: about the last five count.
const NEWEST: f64 = 0.2;

/// A job that takes longer than the mean is always about to be finished, within this part of the mean.
const SOON: f64 = 0.1;

/// How long jobs of one kind take: a running mean.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    mean_s: f64,
    noted: u32,
}

/// How far the job is that its stylist has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Orders before it in the stylist's own queue.
    pub(crate) ahead: u32,
    /// Since when it is at work; before that it waits in the stylist's queue, or is on its way.
    pub(crate) at_work_since: Option<Instant>,
}

impl Wait {
    /// Before any job: what a laptop without, and a server with a graphics card need.
    pub(crate) fn of(made_by: MadeBy) -> Self {
        let mean_s = match made_by {
            MadeBy::Laptop => 3.0,
            MadeBy::Comfyui => 20.0,
        };
        Self { mean_s, noted: 0 }
    }

    /// A job was finished after so much time at work.
    pub(crate) fn note(&mut self, took: Duration) {
        self.noted = self.noted.saturating_add(1);
        // The guess before the first job counts as one job.
        let share = (1.0 / f64::from(self.noted + 1)).max(NEWEST);
        self.mean_s += (took.as_secs_f64() - self.mean_s) * share;
    }

    /// Until the job that its stylist has is finished.
    pub(crate) fn remaining(&self, standing: Standing, now: Instant) -> Duration {
        let since = standing.at_work_since.map_or(0.0, |since| {
            now.saturating_duration_since(since).as_secs_f64()
        });
        let own_s = (self.mean_s - since).max(self.mean_s * SOON);
        Duration::from_secs_f64(own_s + self.mean_s * f64::from(standing.ahead))
    }

    /// Until the job at `position` (1 is next) is finished.
    pub(crate) fn queued(
        &self,
        position: usize,
        current: Option<Standing>,
        now: Instant,
    ) -> Duration {
        let before = current.map_or(Duration::ZERO, |current| self.remaining(current, now));
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        before + Duration::from_secs_f64(self.mean_s * f64::from(position))
    }

    /// Until a place in the queue is free; a second at least, so that nobody asks in a loop.
    pub(crate) fn room(&self, current: Option<Standing>, now: Instant) -> Duration {
        current
            .map_or(Duration::ZERO, |current| self.remaining(current, now))
            .max(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn the_mean_follows_what_jobs_take() {
        let mut wait = Wait::of(MadeBy::Comfyui);
        let now = Instant::now();
        assert_eq!(wait.queued(2, None, now), seconds(40.0));
        wait.note(seconds(4.0));
        assert_eq!(wait.queued(1, None, now), seconds(12.0));
        for _ in 0..40 {
            wait.note(seconds(5.0));
        }
        let mean = wait.queued(1, None, now);
        assert!((mean.as_secs_f64() - 5.0).abs() < 0.1, "{mean:?}");
    }

    #[test]
    fn the_job_at_work_counts_with_what_is_left_of_it() {
        let wait = Wait::of(MadeBy::Comfyui);
        let start = Instant::now();
        let current = Standing {
            ahead: 0,
            at_work_since: Some(start),
        };
        let now = start + seconds(15.0);
        assert_eq!(wait.remaining(current, now), seconds(5.0));
        assert_eq!(wait.queued(2, Some(current), now), seconds(45.0));
        let late = start + seconds(500.0);
        assert_eq!(wait.remaining(current, late), seconds(2.0));
        assert_eq!(wait.room(Some(current), late), seconds(2.0));
    }

    #[test]
    fn orders_of_others_in_the_servers_queue_count_as_whole_jobs() {
        let wait = Wait::of(MadeBy::Comfyui);
        let current = Standing {
            ahead: 2,
            at_work_since: None,
        };
        assert_eq!(wait.remaining(current, Instant::now()), seconds(60.0));
    }
}
