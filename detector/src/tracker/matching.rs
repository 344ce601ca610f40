//! Matching of objects and detections: the cost of a pair, the stages of one frame, and the assignment
//! of the least total cost.

use std::time::{Duration, Instant};

use super::object::{Prediction, TrackedObject};
use crate::detection::{BBox, Detection};

/// From this IoU on, the cost depends on the IoU alone.
const OVERLAP: f32 = 0.1;
/// Without overlap, boxes whose areas differ by a larger factor are not the same object.
const MOST_SCALE: f32 = 2.5;
/// No object moves further than this many of its diagonals between two detections.
const MOST_DIAGONALS: f32 = 2.5;

/// The cost of a pair: 0 (the same position) to 2; `None` when they cannot be the same object.
///
/// Overlapping boxes cost 1 - IoU. Small fast objects that move by more than their size between two
/// detections are matched by their distance, within the uncertainty of the prediction, at a higher cost
/// than any overlap.
pub(super) fn cost(prediction: &Prediction, detected: &BBox) -> Option<f32> {
    let overlap = prediction.bbox.iou(detected);
    if overlap >= OVERLAP {
        return Some(1.0 - overlap);
    }
    let scale =
        (prediction.bbox.area() / detected.area()).max(detected.area() / prediction.bbox.area());
    let (from, to) = (prediction.bbox.centre(), detected.centre());
    let distance = (from.0 - to.0).hypot(from.1 - to.1);
    let diagonal = (diagonal_px(&prediction.bbox) + diagonal_px(detected)) / 2.0;
    let reach = (diagonal / 2.0 + 2.0 * prediction.spread_px).min(MOST_DIAGONALS * diagonal);
    (scale <= MOST_SCALE && distance <= reach).then(|| 1.0 + distance / reach)
}

fn diagonal_px(bbox: &BBox) -> f32 {
    bbox.width().hypot(bbox.height())
}

/// The matching of one frame. Each call of [`FrameMatching::pair`] is a stage that matches what the
/// stages before left over.
pub(super) struct FrameMatching<'a> {
    objects: &'a [TrackedObject],
    predictions: Vec<Prediction>,
    detections: &'a [Detection],
    free_objects: Vec<usize>,
    free_detections: Vec<usize>,
    /// (object, detection)
    pub(super) pairs: Vec<(usize, usize)>,
}

impl<'a> FrameMatching<'a> {
    pub(super) fn new(
        objects: &'a [TrackedObject],
        detections: &'a [Detection],
        now: Instant,
        coast_for: Duration,
    ) -> Self {
        Self {
            objects,
            predictions: objects
                .iter()
                .map(|object| object.prediction(now, coast_for))
                .collect(),
            detections,
            free_objects: (0..objects.len()).collect(),
            free_detections: (0..detections.len()).collect(),
            pairs: Vec::new(),
        }
    }

    /// Matches the pairs that `cost` allows, at the least total cost.
    pub(super) fn pair(
        &mut self,
        cost: impl Fn(&TrackedObject, &Prediction, &Detection) -> Option<f32>,
    ) {
        let (rows, columns) = (self.free_objects.len(), self.free_detections.len());
        let found = assign(rows, columns, |row, column| {
            let object = self.free_objects[row];
            let detection = &self.detections[self.free_detections[column]];
            cost(&self.objects[object], &self.predictions[object], detection)
        });
        let (free_objects, free_detections) = (&self.free_objects, &self.free_detections);
        let new = found
            .iter()
            .map(|&(row, column)| (free_objects[row], free_detections[column]));
        let new: Vec<_> = new.collect();
        self.free_objects
            .retain(|object| !new.iter().any(|pair| pair.0 == *object));
        self.free_detections
            .retain(|found| !new.iter().any(|pair| pair.1 == *found));
        self.pairs.extend(new);
    }
}

/// The cost of a forbidden pair: far above real costs, small enough to be added up exactly.
const FORBIDDEN: f64 = 1e6;

/// Solves the assignment problem: returns pairs (row, column), as many as allowed, at the least total
/// cost. `cost` returns `None` for a forbidden pair.
///
/// The Hungarian method with potentials, in its form with shortest augmenting paths, O(rows² columns):
/// Kuhn 1955; Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse
/// linear assignment problems", Computing 38.
pub(super) fn assign(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> Option<f32>,
) -> Vec<(usize, usize)> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let price = |row: usize, column: usize| match cost(row, column) {
        Some(cost) if cost.is_finite() => f64::from(cost),
        _ => FORBIDDEN,
    };
    let pairs = if rows <= columns {
        solve(&table(rows, columns, price), columns)
    } else {
        let flipped = table(columns, rows, |row, column| price(column, row));
        solve(&flipped, rows)
            .into_iter()
            .map(|(row, column)| (column, row))
            .collect()
    };
    let mut allowed: Vec<_> = pairs
        .into_iter()
        .filter(|&(row, column)| price(row, column) < FORBIDDEN)
        .collect();
    allowed.sort_unstable();
    allowed
}

fn table(rows: usize, columns: usize, price: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    cells.map(|(row, column)| price(row, column)).collect()
}

/// Needs at least as many columns as rows. Index 0 of each list means "not assigned".
fn solve(costs: &[f64], columns: usize) -> Vec<(usize, usize)> {
    let rows = costs.len() / columns;
    let mut row_potential = vec![0.0; rows + 1];
    let mut column_potential = vec![0.0; columns + 1];
    let mut owner = vec![0; columns + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut came_from = vec![0; columns + 1];
        let mut visited = vec![false; columns + 1];
        let mut column = 0;
        // Grow the shortest path until it reaches a column that is not assigned.
        while owner[column] != 0 {
            visited[column] = true;
            let current = owner[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for other in (1..=columns).filter(|&other| !visited[other]) {
                let price = costs[(current - 1) * columns + other - 1];
                let reduced = price - row_potential[current] - column_potential[other];
                if reduced < least[other] {
                    (least[other], came_from[other]) = (reduced, column);
                }
                if least[other] < step {
                    (step, next) = (least[other], other);
                }
            }
            for other in 0..=columns {
                if visited[other] {
                    row_potential[owner[other]] += step;
                    column_potential[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = next;
        }
        // Shift the assignments along the path.
        while column != 0 {
            owner[column] = owner[came_from[column]];
            column = came_from[column];
        }
    }
    let taken = (1..=columns).filter(|&column| owner[column] != 0);
    taken
        .map(|column| (owner[column] - 1, column - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(costs: &[&[f32]], pairs: &[(usize, usize)]) -> f32 {
        pairs.iter().map(|&(row, column)| costs[row][column]).sum()
    }

    #[test]
    fn beats_the_greedy_choice() {
        // Greedy takes the 1, then must pay 9.
        let costs: [&[f32]; 2] = [&[1.0, 2.0], &[2.0, 9.0]];
        let pairs = assign(2, 2, |row, column| Some(costs[row][column]));
        assert_eq!(pairs, [(0, 1), (1, 0)]);
    }

    #[test]
    fn the_assignment_agrees_with_brute_force() {
        let mut seed = 7_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 % 100.0
        };
        for _ in 0..50 {
            let rows: Vec<Vec<f32>> = (0..4).map(|_| (0..5).map(|_| next()).collect()).collect();
            let costs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let pairs = assign(4, 5, |row, column| Some(costs[row][column]));
            assert_eq!(pairs.len(), 4);
            assert_eq!(total(&costs, &pairs), cheapest(&costs, 0, &mut [false; 5]));
            let flipped = assign(5, 4, |row, column| Some(costs[column][row]));
            assert_eq!(flipped.len(), 4);
        }
    }

    fn cheapest(costs: &[&[f32]], row: usize, used: &mut [bool; 5]) -> f32 {
        if row == costs.len() {
            return 0.0;
        }
        let mut best = f32::MAX;
        for column in 0..5 {
            if !used[column] {
                used[column] = true;
                best = best.min(costs[row][column] + cheapest(costs, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn forbidden_pairs_are_never_made() {
        let pairs = assign(2, 3, |row, column| (row == 1 && column == 2).then_some(0.5));
        assert_eq!(pairs, [(1, 2)]);
        assert_eq!(assign(2, 2, |_, _| None), []);
        assert_eq!(assign(2, 2, |_, _| Some(f32::NAN)), []);
        assert_eq!(assign(0, 4, |_, _| Some(1.0)), []);
    }
}
