//! The state of one stylist: its queue, its current job, timing, and outages with exponential back-off.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::job::JobId;
use crate::jobs::estimate::WaitEstimator;
use crate::jobs::queue::{Owner, Queue};
use crate::stylist::MadeBy;

/// Shown to visitors; the error with its path is in the log.
pub(crate) const DISK_FAILED: &str = "the laptop's disk is full or does not work";

/// The state of one kind of stylist.
#[derive(Debug)]
pub(crate) struct StylistState {
    pub(crate) made_by: MadeBy,
    /// Whether this program has such a stylist.
    pub(crate) is_present: bool,
    pub(crate) queue: Queue,
    pub(crate) wait: WaitEstimator,
    pub(crate) outage: Option<Outage>,
    /// The job that the stylist works on.
    pub(crate) current: Option<JobId>,
    /// The queued jobs and the current one.
    jobs: HashMap<JobId, WaitingJob>,
    /// The stylist's workload for each style.
    workloads: HashMap<String, String>,
}

#[derive(Debug)]
struct WaitingJob {
    queued_at: Instant,
    style: String,
}

impl StylistState {
    pub(crate) fn new(made_by: MadeBy, is_present: bool) -> Self {
        Self {
            made_by,
            is_present,
            queue: Queue::default(),
            wait: WaitEstimator::new(made_by),
            outage: None,
            current: None,
            jobs: HashMap::new(),
            workloads: HashMap::new(),
        }
    }

    pub(crate) fn push(&mut self, owner: &Owner, job: JobId, style: &str, now: Instant) {
        self.queue.push(owner, job);
        self.add(job, style, now);
    }

    /// Queues a job that had its turn before a restart.
    pub(crate) fn resume(&mut self, owner: &Owner, job: JobId, style: &str, now: Instant) {
        self.queue.resume(owner, job);
        self.add(job, style, now);
    }

    fn add(&mut self, job: JobId, style: &str, queued_at: Instant) {
        let style = style.to_owned();
        self.jobs.insert(job, WaitingJob { queued_at, style });
    }

    /// Sets the stylist's workload for a style.
    pub(crate) fn learn_workload(&mut self, style: &str, workload: String) {
        self.workloads.insert(style.to_owned(), workload);
    }

    pub(crate) fn workload_of(&self, job: JobId) -> &str {
        let style = self.jobs.get(&job).map_or("", |kept| &kept.style);
        self.workloads.get(style).map_or(style, String::as_str)
    }

    /// The workloads of the queued jobs up to and including `job`; `None` if it is not queued.
    pub(crate) fn workloads_until(&self, job: JobId) -> Option<impl Iterator<Item = &str>> {
        let mut order = self.queue.order();
        let at = order.iter().position(|other| *other == job)?;
        order.truncate(at + 1);
        Some(order.into_iter().map(|job| self.workload_of(job)))
    }

    /// The current job is finished.
    pub(crate) fn finish(&mut self, job: JobId) {
        self.queue.finish_current();
        self.jobs.remove(&job);
    }

    pub(crate) fn remove(&mut self, job: JobId) {
        if self.queue.remove(job) {
            self.jobs.remove(&job);
        }
    }

    /// Records that the stylist was unavailable.
    pub(crate) fn record_outage(&mut self, reason: String, now: Instant) {
        self.wait.forget_loaded_models();
        match &mut self.outage {
            Some(outage) => outage.retry_failed(reason, now),
            None => self.outage = Some(Outage::new(reason, now)),
        }
    }

    /// Jobs that waited too long for an unavailable stylist.
    pub(crate) fn overdue(&self, outage_max: Duration, now: Instant) -> Vec<JobId> {
        let is_overdue = |job: &JobId| {
            let queued_at = self.jobs.get(job).map_or(now, |kept| kept.queued_at);
            let outage = self.outage.as_ref();
            outage.is_some_and(|outage| outage.is_too_long(queued_at, outage_max, now))
        };
        self.queue.order().into_iter().filter(is_overdue).collect()
    }

    /// What visitors are told while the stylist is unavailable.
    pub(crate) fn waiting_note(&self) -> Option<String> {
        Some(format!("Waiting: {}", self.outage.as_ref()?.reason))
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A stylist that is unavailable.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    pub(crate) reason: String,
    since: Instant,
    pause: Duration,
    pub(crate) retry_at: Instant,
}

impl Outage {
    pub(crate) fn new(reason: String, now: Instant) -> Self {
        Self {
            reason,
            since: now,
            pause: FIRST_PAUSE,
            retry_at: now + FIRST_PAUSE,
        }
    }

    /// Still unavailable: doubles the pause, up to 30 s.
    pub(crate) fn retry_failed(&mut self, reason: String, now: Instant) {
        self.reason = reason;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.retry_at = now + self.pause;
    }

    /// Whether a job queued at `queued_at` has waited for `outage_max`.
    pub(crate) fn is_too_long(
        &self,
        queued_at: Instant,
        outage_max: Duration,
        now: Instant,
    ) -> bool {
        now.saturating_duration_since(self.since.max(queued_at)) >= outage_max
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn retries_back_off_exponentially() {
        let start = Instant::now();
        let mut now = start;
        let mut outage = Outage::new("refused".to_owned(), now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.push((outage.retry_at - now).as_secs());
            now = outage.retry_at;
            outage.retry_failed("still refused".to_owned(), now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(outage.reason, "still refused");
    }

    #[test]
    fn patience_starts_at_the_later_of_job_and_outage() {
        let start = Instant::now();
        let minutes = |m: u64| Duration::from_secs(60 * m);
        let outage = Outage::new("gone".to_owned(), start + minutes(10));
        let outage_max = minutes(30);
        assert!(!outage.is_too_long(start, outage_max, start + minutes(39)));
        assert!(outage.is_too_long(start, outage_max, start + minutes(40)));
        let later = start + minutes(20);
        assert!(!outage.is_too_long(later, outage_max, start + minutes(49)));
    }
}
