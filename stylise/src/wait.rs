//! How long a visitor will wait: learnt for each recipe from the jobs that were finished, and from the
//! steps of the one at work.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::style::MadeBy;

/// The share of the newest job in a mean, once there were some.
const NEWEST: f64 = 0.3;
/// A job that takes longer than expected is always about to be finished, within this part of the whole.
const SOON: f64 = 0.1;
/// A job of a recipe that nobody knows yet takes this part longer than it already took.
const UNKNOWN_REST: f64 = 0.25;
/// What a client is told that asks when to come again, where nobody can tell.
pub(crate) const UNKNOWN: Duration = Duration::from_secs(60);

/// How long jobs of one kind of stylist take.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    /// Before any job of a recipe was finished.
    guess_s: f64,
    recipes: HashMap<String, Recipe>,
    /// The recipe of the last job: its models are loaded.
    loaded: Option<String>,
}

/// What was seen of the jobs of one recipe.
#[derive(Debug, Clone, Default)]
struct Recipe {
    /// After another job of the same recipe.
    warm_s: Mean,
    /// After a job of another recipe, or the first one: models are loaded before the work begins.
    cold_s: Mean,
    /// From the end of the last step to the end of the job.
    rest_s: Mean,
}

/// A running mean that begins with the first value.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    value: Option<f64>,
    seen: u32,
}

/// The job that its stylist has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) recipe: &'a str,
    /// Orders of others before it in the stylist's own queue.
    pub(crate) ahead: u32,
    /// When its turn began. None while it waits behind orders of others.
    pub(crate) since: Option<Instant>,
    pub(crate) steps: Option<Steps>,
}

/// The steps that a running job counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    total: u32,
    first: (u32, Instant),
    last: (u32, Instant),
}

impl Steps {
    /// Takes in what a job counts: a lower number, or another total, is the begin of another count.
    pub(crate) fn counted(before: Option<Self>, step: u32, total: u32, now: Instant) -> Self {
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

    /// Seconds of one step; none before the second report.
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
    fn note(&mut self, value: f64) {
        self.seen = self.seen.saturating_add(1);
        let share = (1.0 / f64::from(self.seen)).max(NEWEST);
        let before = self.value.unwrap_or(value);
        self.value = Some(before + (value - before) * share);
    }

    /// Stands until the first real value.
    fn suppose(&mut self, value: f64) {
        if self.seen == 0 {
            self.value = Some(value);
        }
    }
}

impl Wait {
    /// Before any job: what a laptop without, and a server with a graphics card need.
    pub(crate) fn of(made_by: MadeBy) -> Self {
        let guess_s = match made_by {
            MadeBy::Laptop => 3.0,
            MadeBy::Comfyui => 20.0,
        };
        Self {
            guess_s,
            recipes: HashMap::new(),
            loaded: None,
        }
    }

    /// A job is finished.
    pub(crate) fn note(&mut self, job: Standing<'_>, now: Instant) {
        let is_warm = self.loaded.as_deref() == Some(job.recipe);
        self.loaded = Some(job.recipe.to_owned());
        let Some(since) = job.since else { return };
        let took_s = now.saturating_duration_since(since).as_secs_f64();
        let recipe = self.recipes.entry(job.recipe.to_owned()).or_default();
        if is_warm {
            recipe.warm_s.note(took_s);
        } else {
            recipe.cold_s.note(took_s);
        }
        let Some(steps) = job.steps else { return };
        if steps.last.0 == steps.total {
            let rest = now.saturating_duration_since(steps.last.1);
            recipe.rest_s.note(rest.as_secs_f64());
        }
        if let (false, Some(step_s)) = (is_warm, steps.step_s()) {
            // Without what came before the first step: that was mostly loading.
            let counting = steps.first.1.saturating_duration_since(since).as_secs_f64();
            let loading_s = counting - step_s * f64::from(steps.first.0);
            recipe.warm_s.suppose(took_s - loading_s.max(0.0));
        }
    }

    /// The stylist was away: it may have been started anew, without its models.
    pub(crate) fn interrupted(&mut self) {
        self.loaded = None;
    }

    /// Until the job that its stylist has is finished; none behind orders of others, of which nobody
    /// here knows how long they take.
    pub(crate) fn remaining(&self, job: Standing<'_>, now: Instant) -> Option<Duration> {
        if job.ahead > 0 {
            return None;
        }
        let elapsed_s = job.since.map_or(0.0, |since| {
            now.saturating_duration_since(since).as_secs_f64()
        });
        let counted = job.steps.and_then(|steps| {
            let step_s = steps.step_s()?;
            let recipe = self.recipes.get(job.recipe);
            let rest_s = recipe.and_then(|recipe| recipe.rest_s.value);
            Some(steps.left_s(step_s, now) + rest_s.unwrap_or(step_s))
        });
        let by_mean = self.known_s(job.recipe, self.loaded.as_deref());
        let left_s = match (by_mean, counted) {
            // A workflow may count more than once, and the mean knows what follows.
            (Some(whole), Some(counted)) => (whole - elapsed_s).max(counted).max(whole * SOON),
            (Some(whole), None) => (whole - elapsed_s).max(whole * SOON),
            (None, Some(counted)) => counted.max(elapsed_s * SOON),
            (None, None) => (self.guess_s - elapsed_s).max(elapsed_s * UNKNOWN_REST),
        };
        Some(Duration::from_secs_f64(left_s.max(0.0)))
    }

    /// Until the last of `recipes` is finished, which are made in that order after the current job.
    pub(crate) fn queued<'a>(
        &'a self,
        recipes: impl IntoIterator<Item = &'a str>,
        current: Option<Standing<'a>>,
        now: Instant,
    ) -> Option<Duration> {
        let mut before = current.map_or(self.loaded.as_deref(), |current| Some(current.recipe));
        let mut sum = match current {
            Some(current) => self.remaining(current, now)?.as_secs_f64(),
            None => 0.0,
        };
        for recipe in recipes {
            sum += self.known_s(recipe, before).unwrap_or_else(|| {
                let like_it = current.filter(|current| current.recipe == recipe);
                like_it.map_or(self.guess_s, |current| self.like(current, now))
            });
            before = Some(recipe);
        }
        Some(Duration::from_secs_f64(sum))
    }

    /// Until a place in the queue is free; a second at least, so that nobody asks in a loop.
    pub(crate) fn room(&self, current: Option<Standing<'_>>, now: Instant) -> Duration {
        let until = current.map_or(Some(Duration::ZERO), |job| self.remaining(job, now));
        until.unwrap_or(UNKNOWN).max(Duration::from_secs(1))
    }

    /// Seconds of a whole job after one of `before`, if one was ever finished.
    fn known_s(&self, recipe: &str, before: Option<&str>) -> Option<f64> {
        let known = self.recipes.get(recipe)?;
        let (warm, cold) = (known.warm_s.value, known.cold_s.value);
        if before == Some(recipe) {
            warm.or(cold)
        } else {
            cold.or(warm)
        }
    }

    /// Seconds of a job like the running one, whose recipe was never finished.
    fn like(&self, running: Standing<'_>, now: Instant) -> f64 {
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

#[cfg(test)]
mod tests;
