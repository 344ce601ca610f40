//! Matches the results of one picture and class with its true boxes.

use crate::detection::BBox;

/// COCO evaluates at ten IoU thresholds.
pub(super) const THRESHOLDS: usize = 10;

/// An annotated box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueBox {
    pub category: usize,
    pub rect: BoxXywh,
    /// A box around many objects: results in it are neither true nor false positives.
    pub crowd: bool,
}

/// A detected box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredBox {
    pub category: usize,
    pub rect: BoxXywh,
    /// The confidence.
    pub score: f64,
}

/// How a result counts at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchResult {
    TruePositive,
    FalsePositive,
    /// In a crowd: not counted.
    Ignored,
}

/// How a result counts at every threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MatchedBox {
    pub(super) score: f64,
    pub(super) results: [MatchResult; THRESHOLDS],
}

/// IoU 0.5, 0.55 .. 0.95, bit for bit as numpy's `linspace(.5, .95, 10)` computes them.
pub(super) fn thresholds() -> [f64; THRESHOLDS] {
    let step = (0.95 - 0.5) / 9.0;
    let mut all = std::array::from_fn(|index| index as f64 * step + 0.5);
    all[THRESHOLDS - 1] = 0.95;
    all
}

/// Judges the results `found` of one picture and one class, which are sorted, best first.
pub(super) fn match_boxes(truth: &[TrueBox], found: &[ScoredBox]) -> Vec<MatchedBox> {
    // Single objects are preferred to crowds.
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
    let mut matched: Vec<MatchedBox> = found
        .iter()
        .map(|result| MatchedBox {
            score: result.score,
            results: [MatchResult::FalsePositive; THRESHOLDS],
        })
        .collect();
    for (index, threshold) in thresholds().into_iter().enumerate() {
        let mut taken = vec![false; things.len()];
        for (result, overlaps) in matched.iter_mut().zip(&overlaps) {
            result.results[index] = overlaps.result(threshold, &mut taken);
        }
    }
    matched
}

/// The overlaps of one result with the true boxes.
struct Overlaps {
    things: Vec<f64>,
    /// With the crowd that covers it most. A crowd can be matched any number of times.
    crowd: f64,
}

impl Overlaps {
    /// Matches the object of those left that overlaps most; of equals the last.
    fn result(&self, threshold: f64, taken: &mut [bool]) -> MatchResult {
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
                MatchResult::TruePositive
            }
            None if self.crowd >= threshold => MatchResult::Ignored,
            None => MatchResult::FalsePositive,
        }
    }
}

/// A box as COCO writes it: left, top, width, height in pixels. In double precision, like pycocotools, so
/// that an IoU near a threshold falls on the same side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxXywh {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl From<[f64; 4]> for BoxXywh {
    fn from([x, y, width, height]: [f64; 4]) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl From<BBox> for BoxXywh {
    fn from(bbox: BBox) -> Self {
        let [x1, y1, x2, y2] = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(f64::from);
        Self::from([x1, y1, x2 - x1, y2 - y1])
    }
}

impl BoxXywh {
    fn area(&self) -> f64 {
        self.width * self.height
    }

    /// The area of the intersection, computed like `bbIou` in cocoapi's `maskApi.c`.
    fn shared(&self, other: &Self) -> f64 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        if width > 0.0 && height > 0.0 {
            width * height
        } else {
            0.0
        }
    }

    /// Intersection over union with a true box.
    pub(super) fn iou(&self, truth: &Self) -> f64 {
        match self.shared(truth) {
            0.0 => 0.0,
            both => both / (self.area() + truth.area() - both),
        }
    }

    /// The fraction of this box inside a crowd: detecting one person of many is correct.
    pub(super) fn share_within(&self, crowd: &Self) -> f64 {
        match self.shared(crowd) {
            0.0 => 0.0,
            both => both / self.area(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(x: f64, crowd: bool) -> TrueBox {
        TrueBox {
            category: 0,
            rect: BoxXywh::from([x, 0.0, 100.0, 100.0]),
            crowd,
        }
    }

    fn result(x: f64) -> ScoredBox {
        ScoredBox {
            category: 0,
            rect: BoxXywh::from([x, 0.0, 100.0, 100.0]),
            score: 0.5,
        }
    }

    fn at_half(truth: &[TrueBox], found: &[ScoredBox]) -> Vec<MatchResult> {
        let matched = match_boxes(truth, found);
        matched.iter().map(|one| one.results[0]).collect()
    }

    #[test]
    fn a_thing_is_found_once() {
        let found = [result(0.0), result(0.0)];
        assert_eq!(
            at_half(&[thing(0.0, false)], &found),
            [MatchResult::TruePositive, MatchResult::FalsePositive]
        );
        assert_eq!(at_half(&[], &found), [MatchResult::FalsePositive; 2]);
        assert_eq!(at_half(&[thing(0.0, false)], &[]), []);
    }

    #[test]
    fn a_result_matches_the_nearest_box() {
        let truth = [thing(0.0, false), thing(20.0, false)];
        assert_eq!(
            at_half(&truth, &[result(18.0), result(2.0)]),
            [MatchResult::TruePositive; 2]
        );
    }

    #[test]
    fn a_crowd_matches_any_number_of_results_that_match_nothing_else() {
        let truth = [thing(0.0, true), thing(30.0, false)];
        let found = [result(30.0), result(30.0), result(0.0)];
        assert_eq!(
            at_half(&truth, &found),
            [
                MatchResult::TruePositive,
                MatchResult::Ignored,
                MatchResult::Ignored
            ]
        );
    }

    #[test]
    fn the_stricter_the_fewer_hits() {
        // 80 of 120: IoU 0.667.
        let results = match_boxes(&[thing(0.0, false)], &[result(20.0)])[0].results;
        let hits = results
            .iter()
            .filter(|one| **one == MatchResult::TruePositive)
            .count();
        assert_eq!(hits, 4, "at 0.5, 0.55, 0.6 and 0.65: {results:?}");
    }

    #[test]
    fn a_box_inside_a_crowd_has_the_full_share() {
        let crowd = BoxXywh::from([0.0, 0.0, 100.0, 100.0]);
        let one = BoxXywh::from([90.0, 0.0, 20.0, 10.0]);
        assert_eq!(one.share_within(&crowd), 0.5);
        assert!(one.iou(&crowd) < 0.01);
        let elsewhere = BoxXywh::from([200.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            (elsewhere.iou(&crowd), elsewhere.share_within(&crowd)),
            (0.0, 0.0)
        );
    }

    #[test]
    fn corners_become_left_top_width_height() {
        let bbox = BBox::new(1.0, 2.0, 4.0, 8.0);
        assert_eq!(BoxXywh::from(bbox), BoxXywh::from([1.0, 2.0, 3.0, 6.0]));
    }
}
