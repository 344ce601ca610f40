//! What waits for one kind of stylist.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::away::Away;
use crate::job::JobId;
use crate::queue::{Owner, Queue};
use crate::style::MadeBy;
use crate::wait::Wait;

/// One kind's queue, the job that it has, and what is known of its pace.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) made_by: MadeBy,
    pub(crate) queue: Queue,
    pub(crate) wait: Wait,
    pub(crate) away: Option<Away>,
    /// The job that its stylist has.
    pub(crate) current: Option<JobId>,
    queued_at: HashMap<JobId, Instant>,
}

impl Bench {
    pub(crate) fn new(made_by: MadeBy) -> Self {
        Self {
            made_by,
            queue: Queue::default(),
            wait: Wait::of(made_by),
            away: None,
            current: None,
            queued_at: HashMap::new(),
        }
    }

    /// A new job.
    pub(crate) fn push(&mut self, owner: &Owner, job: JobId, now: Instant) {
        self.queue.push(owner, job);
        self.queued_at.insert(job, now);
    }

    /// One that had its turn before the program ended.
    pub(crate) fn resume(&mut self, owner: &Owner, job: JobId, now: Instant) {
        self.queue.resume(owner, job);
        self.queued_at.insert(job, now);
    }

    /// The job that was taken waits again, before all others.
    pub(crate) fn put_back(&mut self, owner: &Owner, job: JobId) {
        self.queue.put_back(owner, job);
    }

    /// The job that was taken is over.
    pub(crate) fn over(&mut self, job: JobId) {
        self.queue.served();
        self.queued_at.remove(&job);
    }

    /// A job that waits is over.
    pub(crate) fn remove(&mut self, job: JobId) {
        if self.queue.remove(job) {
            self.queued_at.remove(&job);
        }
    }

    /// The stylist was not there.
    pub(crate) fn is_away(&mut self, reason: String, now: Instant) {
        match &mut self.away {
            Some(away) => away.again(reason, now),
            None => self.away = Some(Away::new(reason, now)),
        }
    }

    /// Jobs that waited too long for a stylist that is away.
    pub(crate) fn overdue(&self, patience: Duration, now: Instant) -> Vec<JobId> {
        let Some(away) = &self.away else {
            return Vec::new();
        };
        let mut order = self.queue.order();
        order.retain(|job| {
            let queued_at = self.queued_at.get(job).copied().unwrap_or(now);
            away.is_too_long(queued_at, patience, now)
        });
        order
    }

    /// What those who wait are told.
    pub(crate) fn note(&self) -> Option<String> {
        let away = self.away.as_ref()?;
        Some(format!(
            "Waiting for {}: {}",
            self.made_by.title(),
            away.reason()
        ))
    }
}
