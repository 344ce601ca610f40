//! The matching of one frame, in stages.

use std::time::{Duration, Instant};

use super::assignment::assign;
use super::thing::{Guess, Thing};
use crate::detection::Detection;

/// Each call of [`Round::pair`] works on what the last left over.
pub(super) struct Round<'a> {
    things: &'a [Thing],
    guesses: Vec<Guess>,
    detections: &'a [Detection],
    free_things: Vec<usize>,
    free_detections: Vec<usize>,
    /// (thing, detection)
    pub(super) pairs: Vec<(usize, usize)>,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        things: &'a [Thing],
        detections: &'a [Detection],
        now: Instant,
        coast_for: Duration,
    ) -> Self {
        Self {
            things,
            guesses: things
                .iter()
                .map(|thing| thing.guess(now, coast_for))
                .collect(),
            detections,
            free_things: (0..things.len()).collect(),
            free_detections: (0..detections.len()).collect(),
            pairs: Vec::new(),
        }
    }

    /// Pairs what `cost` allows, at the least total.
    pub(super) fn pair(&mut self, cost: impl Fn(&Thing, &Guess, &Detection) -> Option<f32>) {
        let (rows, columns) = (self.free_things.len(), self.free_detections.len());
        let found = assign(rows, columns, |row, column| {
            let thing = self.free_things[row];
            let detection = &self.detections[self.free_detections[column]];
            cost(&self.things[thing], &self.guesses[thing], detection)
        });
        let (free_things, free_detections) = (&self.free_things, &self.free_detections);
        let new = found
            .iter()
            .map(|&(row, column)| (free_things[row], free_detections[column]));
        let new: Vec<_> = new.collect();
        self.free_things
            .retain(|thing| !new.iter().any(|pair| pair.0 == *thing));
        self.free_detections
            .retain(|found| !new.iter().any(|pair| pair.1 == *found));
        self.pairs.extend(new);
    }
}
