//! From matches to average precision.

use super::matching::{MatchResult, MatchedBox, ScoredBox, THRESHOLDS, TrueBox, match_boxes};

/// Precision is sampled at the recalls 0, 0.01 .. 1.
const RECALL_POINTS: usize = 101;

/// The index of 0.75 among the thresholds.
const AT_75: usize = 5;

/// The accuracy of a detector. All values are 0..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct Accuracy {
    /// Mean over all classes and over the IoU thresholds 0.5, 0.55 .. 0.95.
    pub ap: f64,
    /// Mean over all classes, at IoU 0.5.
    pub ap50: f64,
    /// Mean over all classes, at IoU 0.75.
    pub ap75: f64,
    /// The classes with at least one true box, by category.
    pub classes: Vec<ClassAccuracy>,
}

/// The accuracy of a detector for one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassAccuracy {
    pub category: usize,
    /// The number of true boxes.
    pub boxes: usize,
    /// Mean over the IoU thresholds.
    pub ap: f64,
    /// At IoU 0.5.
    pub ap50: f64,
    /// At IoU 0.75.
    pub ap75: f64,
}

/// Collects the results of all pictures, in the order of their ids: of equal scores, the one of the
/// earlier picture counts first.
#[derive(Debug)]
pub struct Evaluation {
    /// One per category; `None` for those that do not count.
    categories: Vec<Option<Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    boxes: usize,
    matched: Vec<MatchedBox>,
}

impl Evaluation {
    /// COCO counts the 100 best results of a picture.
    pub const MOST_A_PICTURE: usize = 100;

    /// `counts`: for each category, whether it counts.
    #[must_use]
    pub fn new(counts: &[bool]) -> Self {
        let tally = |counts: &bool| counts.then(Tally::default);
        Self {
            categories: counts.iter().map(tally).collect(),
        }
    }

    /// Adds a picture with its true boxes and the detected ones.
    pub fn add(&mut self, truth: &[TrueBox], mut found: Vec<ScoredBox>) {
        // A stable sort, like numpy's mergesort.
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(Self::MOST_A_PICTURE);
        for (category, tally) in self.categories.iter_mut().enumerate() {
            let Some(tally) = tally else { continue };
            let truth: Vec<TrueBox> = truth
                .iter()
                .filter(|one| one.category == category)
                .copied()
                .collect();
            let found: Vec<ScoredBox> = found
                .iter()
                .filter(|one| one.category == category)
                .copied()
                .collect();
            tally.boxes += truth.iter().filter(|one| !one.crowd).count();
            tally.matched.extend(match_boxes(&truth, &found));
        }
    }

    /// The accuracy over all pictures; `None` without any true box.
    #[must_use]
    pub fn accuracy(&self) -> Option<Accuracy> {
        let classes: Vec<ClassAccuracy> = self
            .categories
            .iter()
            .enumerate()
            .filter_map(|(category, tally)| tally.as_ref()?.accuracy(category))
            .collect();
        if classes.is_empty() {
            return None;
        }
        let mean = |of: fn(&ClassAccuracy) -> f64| {
            classes.iter().map(of).sum::<f64>() / classes.len() as f64
        };
        Some(Accuracy {
            ap: mean(|class| class.ap),
            ap50: mean(|class| class.ap50),
            ap75: mean(|class| class.ap75),
            classes,
        })
    }
}

impl Tally {
    fn accuracy(&self, category: usize) -> Option<ClassAccuracy> {
        if self.boxes == 0 {
            return None;
        }
        let mut matched: Vec<&MatchedBox> = self.matched.iter().collect();
        matched.sort_by(|a, b| b.score.total_cmp(&a.score));
        let at: [f64; THRESHOLDS] = std::array::from_fn(|threshold| {
            let results = matched.iter().map(|one| one.results[threshold]);
            average_precision(results, self.boxes)
        });
        Some(ClassAccuracy {
            category,
            boxes: self.boxes,
            ap: at.iter().sum::<f64>() / THRESHOLDS as f64,
            ap50: at[0],
            ap75: at[AT_75],
        })
    }
}

/// The mean precision over the recall points, for results sorted by score.
fn average_precision(results: impl Iterator<Item = MatchResult>, boxes: usize) -> f64 {
    let (mut hits, mut misses) = (0.0, 0.0);
    // Recall and precision after each result.
    let mut curve: Vec<(f64, f64)> = results
        .map(|result| {
            match result {
                MatchResult::TruePositive => hits += 1.0,
                MatchResult::FalsePositive => misses += 1.0,
                MatchResult::Ignored => {}
            }
            // The epsilon, as in the original, avoids 0 / 0 while all results are ignored.
            let precision = hits / (misses + hits + f64::EPSILON);
            (hits / boxes as f64, precision)
        })
        .collect();
    // The highest precision at this recall or more, which makes the curve monotonic.
    let mut best = 0.0_f64;
    for (_, precision) in curve.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let reached = (0..RECALL_POINTS).map_while(|index| {
        let wanted = recall_point(index);
        let first = curve.partition_point(|(recall, _)| *recall < wanted);
        curve.get(first).map(|(_, precision)| *precision)
    });
    // Not `sum`, which is -0.0 if no recall point is reached.
    reached.fold(0.0, |sum, precision| sum + precision) / RECALL_POINTS as f64
}

/// Bit for bit as numpy's `linspace(0, 1, 101)` computes them.
fn recall_point(index: usize) -> f64 {
    let step = 1.0 / (RECALL_POINTS - 1) as f64;
    if index == RECALL_POINTS - 1 {
        1.0
    } else {
        index as f64 * step
    }
}

#[cfg(test)]
mod tests {
    use super::super::matching::BoxXywh;
    use super::*;

    const NEAR: f64 = 1e-12;

    fn rect(x: f64) -> BoxXywh {
        BoxXywh::from([x, 0.0, 10.0, 10.0])
    }

    fn truth(category: usize, x: f64) -> TrueBox {
        TrueBox {
            category,
            rect: rect(x),
            crowd: false,
        }
    }

    fn found(category: usize, x: f64, score: f64) -> ScoredBox {
        ScoredBox {
            category,
            rect: rect(x),
            score,
        }
    }

    #[test]
    fn perfect_results_have_ap_one_and_none_have_ap_zero() {
        let mut right = Evaluation::new(&[true]);
        right.add(
            &[truth(0, 0.0), truth(0, 50.0)],
            vec![found(0, 50.0, 0.2), found(0, 0.0, 0.9)],
        );
        let right = right.accuracy().expect("boxes");
        for ap in [right.ap, right.ap50, right.ap75] {
            assert!((ap - 1.0).abs() < NEAR, "{right:?}");
        }
        let mut nothing = Evaluation::new(&[true]);
        nothing.add(&[truth(0, 0.0)], Vec::new());
        let ap = nothing.accuracy().expect("boxes").ap;
        assert_eq!((ap, ap.is_sign_positive()), (0.0, true), "no -0.000");
    }

    #[test]
    fn a_miss_before_the_second_hit_costs_what_it_should() {
        let mut evaluation = Evaluation::new(&[true]);
        evaluation.add(
            &[truth(0, 0.0)],
            vec![found(0, 0.0, 0.9), found(0, 500.0, 0.8)],
        );
        evaluation.add(&[truth(0, 0.0)], vec![found(0, 0.0, 0.7)]);
        let ap50 = evaluation.accuracy().expect("boxes").ap50;
        // Precision 1 at recall 0 .. 0.5 (51 points), 2/3 at the other 50.
        assert!(
            (ap50 - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < NEAR,
            "{ap50}"
        );
    }

    #[test]
    fn what_does_not_count_or_is_nowhere_is_not_in_the_mean() {
        let mut evaluation = Evaluation::new(&[true, false, true]);
        evaluation.add(
            &[truth(0, 0.0), truth(1, 50.0)],
            vec![found(0, 0.0, 0.9), found(2, 0.0, 0.9)],
        );
        let accuracy = evaluation.accuracy().expect("boxes");
        assert_eq!(accuracy.classes.len(), 1, "{accuracy:?}");
        assert!((accuracy.ap - 1.0).abs() < NEAR);
        assert_eq!(Evaluation::new(&[true]).accuracy(), None);
    }

    #[test]
    fn only_the_best_hundred_of_a_picture_count() {
        let mut results: Vec<ScoredBox> = (0..Evaluation::MOST_A_PICTURE)
            .map(|index| found(1, index as f64 * 20.0, 0.9))
            .collect();
        results.insert(0, found(0, 0.0, 0.1));
        let mut evaluation = Evaluation::new(&[true, true]);
        evaluation.add(&[truth(0, 0.0)], results);
        assert_eq!(evaluation.accuracy().expect("boxes").ap, 0.0);
    }

    #[test]
    fn the_thresholds_are_where_the_numbers_say() {
        let thresholds = super::super::matching::thresholds();
        assert!((thresholds[AT_75] - 0.75).abs() < NEAR, "{thresholds:?}");
        assert!((recall_point(37) - 0.37).abs() < NEAR);
    }
}
