//! Which questions come next: each one once before any comes again, in another order each time.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::questions::{PollQuestion, PollQuestions};

#[derive(Debug)]
pub(super) struct QuestionsDeck {
    all: Vec<PollQuestion>,
    /// Indices of those that were not asked since the last shuffle.
    left: Vec<usize>,
}

impl QuestionsDeck {
    pub(super) fn new(questions: PollQuestions) -> Self {
        Self {
            all: questions.question,
            left: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// At least one and at most `count`, each a different one.
    pub(super) fn draw(&mut self, count: usize, random: &mut StdRng) -> Vec<PollQuestion> {
        let count = count.clamp(1, self.all.len().max(1));
        let mut drawn: Vec<usize> = Vec::new();
        while drawn.len() < count && !self.all.is_empty() {
            if self.left.is_empty() {
                self.left = (0..self.all.len()).collect();
                self.left.retain(|index| !drawn.contains(index));
                self.left.shuffle(random);
            }
            drawn.extend(self.left.pop());
        }
        drawn
            .into_iter()
            .filter_map(|index| self.all.get(index).cloned())
            .collect()
    }
}
