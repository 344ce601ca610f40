//! Estimates waiting times per workload, from the durations of finished jobs and the steps of the running
//! one.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::stylist::MadeBy;

/// Minimum weight of the newest job in a running mean.
const NEWEST: f64 = 0.3;
/// Lower bound of the remaining time, as a share of the expected duration.
const SOON: f64 = 0.1;
/// Remaining time of a job with an unknown workload, as a share of its elapsed time.
const UNKNOWN_REST: f64 = 0.25;
/// What `Retry-After` says without an estimate.
pub(crate) const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long the jobs of one stylist take.
#[derive(Debug, Clone)]
pub(crate) struct WaitEstimator {
    /// Assumed until a job of the workload has finished.
    guess_s: f64,
    workloads: HashMap<String, WorkloadTimes>,
    /// The workload of the last job, whose models are loaded.
    loaded: Option<String>,
}

/// Observed durations of one workload.
#[derive(Debug, Clone, Default)]
struct WorkloadTimes {
    /// After a job of the same workload.
    warm_s: Mean,
    /// After a job of another workload or the first one, which includes loading the models.
    cold_s: Mean,
    /// Time from the last step to the end of the job.
    rest_s: Mean,
}

/// An exponential moving average that starts with the first value.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    value: Option<f64>,
    seen: u32,
}

/// What is known about the timing of a job that a stylist has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobTiming<'a> {
    pub(crate) workload: &'a str,
    /// Other people's orders ahead of it in the stylist's own queue.
    pub(crate) ahead: u32,
    /// When its turn began; `None` while it waits behind other orders.
    pub(crate) since: Option<Instant>,
    pub(crate) steps: Option<StepCount>,
}

/// The step counter of a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StepCount {
    total: u32,
    first: (u32, Instant),
    last: (u32, Instant),
}

impl StepCount {
    /// Updates the counter. A lower step or another total starts a new count.
    pub(crate) fn updated(before: Option<Self>, step: u32, total: u32, now: Instant) -> Self {
        match before {
            Some(steps) if steps.total == total && step >= steps.last.0 => Self {
                last: if step > steps.last.0 {
                    (step, now)
                } else {
                    steps.last
                },
                ..steps
            },
            _ => Self {
                total,
                first: (step, now),
                last: (step, now),
            },
        }
    }

    /// Seconds per step; `None` before the second report.
    fn step_s(&self) -> Option<f64> {
        let counted = self.last.0.checked_sub(self.first.0).filter(|n| *n > 0)?;
        let took = self.last.1.saturating_duration_since(self.first.1);
        Some(took.as_secs_f64() / f64::from(counted))
    }

    /// Seconds until the last step is done.
    fn left_s(&self, step_s: f64, now: Instant) -> f64 {
        let left = f64::from(self.total.saturating_sub(self.last.0)) * step_s;
        let begun = now.saturating_duration_since(self.last.1).as_secs_f64();
        (left - begun.min(step_s)).max(0.0)
    }
}

impl Mean {
    fn record(&mut self, value: f64) {
        self.seen = self.seen.saturating_add(1);
        let share = (1.0 / f64::from(self.seen)).max(NEWEST);
        let before = self.value.unwrap_or(value);
        self.value = Some(before + (value - before) * share);
    }

    /// Sets a value that the first observation replaces.
    fn assume(&mut self, value: f64) {
        if self.seen == 0 {
            self.value = Some(value);
        }
    }
}

impl WaitEstimator {
    /// Starts with a guess: a laptop without, a server with a graphics card.
    pub(crate) fn new(made_by: MadeBy) -> Self {
        let guess_s = match made_by {
            MadeBy::BuiltIn => 3.0,
            MadeBy::Comfyui => 20.0,
        };
        Self {
            guess_s,
            workloads: HashMap::new(),
            loaded: None,
        }
    }

    /// Records the duration of a finished job.
    pub(crate) fn record(&mut self, job: JobTiming<'_>, now: Instant) {
        let is_warm = self.loaded.as_deref() == Some(job.workload);
        self.loaded = Some(job.workload.to_owned());
        let Some(since) = job.since else { return };
        let took_s = now.saturating_duration_since(since).as_secs_f64();
        let workload = self.workloads.entry(job.workload.to_owned()).or_default();
        if is_warm {
            workload.warm_s.record(took_s);
        } else {
            workload.cold_s.record(took_s);
        }
        let Some(steps) = job.steps else { return };
        if steps.last.0 == steps.total {
            let rest = now.saturating_duration_since(steps.last.1);
            workload.rest_s.record(rest.as_secs_f64());
        }
        if let (false, Some(step_s)) = (is_warm, steps.step_s()) {
            // The time before the first step is mostly loading.
            let counting = steps.first.1.saturating_duration_since(since).as_secs_f64();
            let loading_s = counting - step_s * f64::from(steps.first.0);
            workload.warm_s.assume(took_s - loading_s.max(0.0));
        }
    }

    /// After an outage the server may have been restarted without loaded models.
    pub(crate) fn forget_loaded_models(&mut self) {
        self.loaded = None;
    }

    /// Time until the running job finishes; `None` behind other people's orders, whose durations are
    /// unknown.
    pub(crate) fn remaining(&self, job: JobTiming<'_>, now: Instant) -> Option<Duration> {
        if job.ahead > 0 {
            return None;
        }
        let elapsed_s = job.since.map_or(0.0, |since| {
            now.saturating_duration_since(since).as_secs_f64()
        });
        let counted = job.steps.and_then(|steps| {
            let step_s = steps.step_s()?;
            let workload = self.workloads.get(job.workload);
            let rest_s = workload.and_then(|workload| workload.rest_s.value);
            Some(steps.left_s(step_s, now) + rest_s.unwrap_or(step_s))
        });
        let by_mean = self.known_s(job.workload, self.loaded.as_deref());
        let left_s = match (by_mean, counted) {
            // A workflow may count steps more than once, so the mean is a lower bound.
            (Some(whole), Some(counted)) => (whole - elapsed_s).max(counted).max(whole * SOON),
            (Some(whole), None) => (whole - elapsed_s).max(whole * SOON),
            (None, Some(counted)) => counted.max(elapsed_s * SOON),
            (None, None) => (self.guess_s - elapsed_s).max(elapsed_s * UNKNOWN_REST),
        };
        Some(Duration::from_secs_f64(left_s.max(0.0)))
    }

    /// Time until the last of `workloads` finishes, which run in this order after the current job.
    pub(crate) fn queued<'a>(
        &'a self,
        workloads: impl IntoIterator<Item = &'a str>,
        current: Option<JobTiming<'a>>,
        now: Instant,
    ) -> Option<Duration> {
        let mut before = current.map_or(self.loaded.as_deref(), |current| Some(current.workload));
        let mut sum = match current {
            Some(current) => self.remaining(current, now)?.as_secs_f64(),
            None => 0.0,
        };
        for workload in workloads {
            sum += self.known_s(workload, before).unwrap_or_else(|| {
                let like_it = current.filter(|current| current.workload == workload);
                like_it.map_or(self.guess_s, |current| self.estimate_like(current, now))
            });
            before = Some(workload);
        }
        Some(Duration::from_secs_f64(sum))
    }

    /// Time until a place in the queue is free; at least a second, to prevent busy retries.
    pub(crate) fn until_room(&self, current: Option<JobTiming<'_>>, now: Instant) -> Duration {
        let until = current.map_or(Some(Duration::ZERO), |job| self.remaining(job, now));
        until
            .unwrap_or(DEFAULT_RETRY_AFTER)
            .max(Duration::from_secs(1))
    }

    /// Seconds of a whole job that runs after one of workload `before`, if observed.
    fn known_s(&self, workload: &str, before: Option<&str>) -> Option<f64> {
        let known = self.workloads.get(workload)?;
        let (warm, cold) = (known.warm_s.value, known.cold_s.value);
        if before == Some(workload) {
            warm.or(cold)
        } else {
            cold.or(warm)
        }
    }

    /// Seconds of a job like the running one, if no job of its workload has finished.
    fn estimate_like(&self, running: JobTiming<'_>, now: Instant) -> f64 {
        let counted = running.steps.and_then(|steps| {
            let step_s = steps.step_s()?;
            Some(step_s * (f64::from(steps.total) + 1.0))
        });
        let elapsed_s = running.since.map_or(0.0, |since| {
            now.saturating_duration_since(since).as_secs_f64()
        });
        counted.unwrap_or(self.guess_s.max(elapsed_s * (1.0 + UNKNOWN_REST)))
    }
}
