//! Which results of one picture and class are hits.

use super::rect::Rect;

/// COCO counts a hit at ten strictnesses.
pub(super) const THRESHOLDS: usize = 10;

/// A box that somebody drew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueBox {
    /// Index of the category.
    pub category: usize,
    /// Where it is.
    pub rect: Rect,
    /// Many things in one box: whatever is found there is neither right nor wrong.
    pub crowd: bool,
}

/// A box that a detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredBox {
    /// Index of the category.
    pub category: usize,
    /// Where it is.
    pub rect: Rect,
    /// How sure the detector is.
    pub score: f64,
}

/// What a result is worth at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Hit,
    Miss,
    /// In a crowd: not counted at all.
    Ignored,
}

/// A result at every threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judged {
    pub(super) score: f64,
    pub(super) verdicts: [Verdict; THRESHOLDS],
}

/// IoU 0.5, 0.55 .. 0.95, to the last bit as numpy's `linspace(.5, .95, 10)` makes them.
pub(super) fn thresholds() -> [f64; THRESHOLDS] {
    let step = (0.95 - 0.5) / 9.0;
    let mut all = std::array::from_fn(|index| index as f64 * step + 0.5);
    all[THRESHOLDS - 1] = 0.95;
    all
}

/// Judges the results `found` of one picture and one class, which are sorted, best first.
pub(super) fn judge(truth: &[TrueBox], found: &[ScoredBox]) -> Vec<Judged> {
    // Crowds last: a thing of its own is preferred to them.
    let (crowds, things): (Vec<TrueBox>, Vec<TrueBox>) = truth.iter().partition(|one| one.crowd);
    let overlaps: Vec<Overlaps> = found
        .iter()
        .map(|result| Overlaps {
            things: things
                .iter()
                .map(|one| result.rect.iou(&one.rect))
                .collect(),
            crowd: crowds
                .iter()
                .map(|crowd| result.rect.share_within(&crowd.rect))
                .fold(0.0, f64::max),
        })
        .collect();
    let mut judged: Vec<Judged> = found
        .iter()
        .map(|result| Judged {
            score: result.score,
            verdicts: [Verdict::Miss; THRESHOLDS],
        })
        .collect();
    for (index, threshold) in thresholds().into_iter().enumerate() {
        let mut taken = vec![false; things.len()];
        for (result, overlaps) in judged.iter_mut().zip(&overlaps) {
            result.verdicts[index] = overlaps.verdict(threshold, &mut taken);
        }
    }
    judged
}

/// How far one result covers what is true.
struct Overlaps {
    things: Vec<f64>,
    /// With the crowd that covers it most; a crowd can be met any number of times.
    crowd: f64,
}

impl Overlaps {
    /// Takes the thing that overlaps most of those left; of equals the last.
    fn verdict(&self, threshold: f64, taken: &mut [bool]) -> Verdict {
        let mut best = None;
        let mut least = threshold;
        for (thing, iou) in self.things.iter().enumerate() {
            if !taken[thing] && *iou >= least {
                (best, least) = (Some(thing), *iou);
            }
        }
        match best {
            Some(thing) => {
                taken[thing] = true;
                Verdict::Hit
            }
            None if self.crowd >= threshold => Verdict::Ignored,
            None => Verdict::Miss,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(x: f64, crowd: bool) -> TrueBox {
        TrueBox {
            category: 0,
            rect: Rect::from([x, 0.0, 100.0, 100.0]),
            crowd,
        }
    }

    fn result(x: f64) -> ScoredBox {
        ScoredBox {
            category: 0,
            rect: Rect::from([x, 0.0, 100.0, 100.0]),
            score: 0.5,
        }
    }

    fn at_half(truth: &[TrueBox], found: &[ScoredBox]) -> Vec<Verdict> {
        let judged = judge(truth, found);
        judged.iter().map(|one| one.verdicts[0]).collect()
    }

    #[test]
    fn a_thing_is_found_once() {
        let found = [result(0.0), result(0.0)];
        assert_eq!(
            at_half(&[thing(0.0, false)], &found),
            [Verdict::Hit, Verdict::Miss]
        );
        assert_eq!(at_half(&[], &found), [Verdict::Miss; 2]);
        assert_eq!(at_half(&[thing(0.0, false)], &[]), []);
    }

    #[test]
    fn a_result_takes_the_nearest_and_leaves_the_other() {
        let truth = [thing(0.0, false), thing(20.0, false)];
        assert_eq!(
            at_half(&truth, &[result(18.0), result(2.0)]),
            [Verdict::Hit; 2]
        );
    }

    #[test]
    fn a_crowd_is_met_any_number_of_times_but_only_by_who_finds_nothing_else() {
        let truth = [thing(0.0, true), thing(30.0, false)];
        let found = [result(30.0), result(30.0), result(0.0)];
        assert_eq!(
            at_half(&truth, &found),
            [Verdict::Hit, Verdict::Ignored, Verdict::Ignored]
        );
    }

    #[test]
    fn the_stricter_the_fewer_hits() {
        // 80 of 120: IoU 0.667.
        let verdicts = judge(&[thing(0.0, false)], &[result(20.0)])[0].verdicts;
        let hits = verdicts.iter().filter(|one| **one == Verdict::Hit).count();
        assert_eq!(hits, 4, "at 0.5, 0.55, 0.6 and 0.65: {verdicts:?}");
    }
}
