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
    /// The jobs that wait, and the one that its stylist has.
    jobs: HashMap<JobId, Kept>,
    /// What the stylist calls the recipe of a style.
    recipes: HashMap<String, String>,
}

#[derive(Debug)]
struct Kept {
    queued_at: Instant,
    style: String,
}

impl Bench {
    pub(crate) fn new(made_by: MadeBy) -> Self {
        Self {
            made_by,
            queue: Queue::default(),
            wait: Wait::of(made_by),
            away: None,
            current: None,
            jobs: HashMap::new(),
            recipes: HashMap::new(),
        }
    }

    /// A new job.
    pub(crate) fn push(&mut self, owner: &Owner, job: JobId, style: &str, now: Instant) {
        self.queue.push(owner, job);
        self.keep(job, style, now);
    }

    /// One that had its turn before the program ended.
    pub(crate) fn resume(&mut self, owner: &Owner, job: JobId, style: &str, now: Instant) {
        self.queue.resume(owner, job);
        self.keep(job, style, now);
    }

    fn keep(&mut self, job: JobId, style: &str, queued_at: Instant) {
        let style = style.to_owned();
        self.jobs.insert(job, Kept { queued_at, style });
    }

    /// What the stylist calls the recipe of a style now.
    pub(crate) fn learn_recipe(&mut self, style: &str, recipe: String) {
        self.recipes.insert(style.to_owned(), recipe);
    }

    pub(crate) fn recipe_of(&self, job: JobId) -> &str {
        let style = self.jobs.get(&job).map_or("", |kept| &kept.style);
        self.recipes.get(style).map_or(style, String::as_str)
    }

    /// The recipes of those that wait, in their order, up to and with `job`; none when it does not wait.
    pub(crate) fn recipes_until(&self, job: JobId) -> Option<impl Iterator<Item = &str>> {
        let mut order = self.queue.order();
        let at = order.iter().position(|other| *other == job)?;
        order.truncate(at + 1);
        Some(order.into_iter().map(|job| self.recipe_of(job)))
    }

    /// The job that was taken waits again, before all others.
    pub(crate) fn put_back(&mut self, owner: &Owner, job: JobId) {
        self.queue.put_back(owner, job);
    }

    /// The job that was taken is over.
    pub(crate) fn over(&mut self, job: JobId) {
        self.queue.served();
        self.jobs.remove(&job);
    }

    /// A job that waits is over.
    pub(crate) fn remove(&mut self, job: JobId) {
        if self.queue.remove(job) {
            self.jobs.remove(&job);
        }
    }

    /// The stylist was not there.
    pub(crate) fn is_away(&mut self, reason: String, now: Instant) {
        self.wait.interrupted();
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
            let queued_at = self.jobs.get(job).map_or(now, |kept| kept.queued_at);
            away.is_too_long(queued_at, patience, now)
        });
        order
    }

    /// What those who wait are told.
    pub(crate) fn note(&self) -> Option<String> {
        let away = self.away.as_ref()?;
        Some(format!("Waiting: {}", away.reason()))
    }
}
