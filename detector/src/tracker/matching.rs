//! How unlike a followed thing and a detection are.

use super::thing::Guess;
use crate::bbox::BBox;

/// Overlap from which the overlap alone decides.
const OVERLAP: f32 = 0.1;
/// Without overlap, boxes more than so much larger or smaller are something else.
const MOST_SCALE: f32 = 2.5;
/// However unsure the place is, nothing jumps further than so many of its own diagonals.
const MOST_DIAGONALS: f32 = 2.5;

/// 0 (the same place) to 2, or `None` if the two cannot be the same thing.
///
/// Overlap decides where there is any; small fast things that moved by more than their own size
/// between two detections are matched by distance within what their motion allows, at a price
/// above every overlap.
pub(super) fn cost(guess: &Guess, detected: &BBox) -> Option<f32> {
    let overlap = guess.bbox.iou(detected);
    if overlap >= OVERLAP {
        return Some(1.0 - overlap);
    }
    let scale = (guess.bbox.area() / detected.area()).max(detected.area() / guess.bbox.area());
    let (from, to) = (guess.bbox.centre(), detected.centre());
    let distance = (from.0 - to.0).hypot(from.1 - to.1);
    let diagonal = (diagonal_px(&guess.bbox) + diagonal_px(detected)) / 2.0;
    let reach = (diagonal / 2.0 + 2.0 * guess.spread_px).min(MOST_DIAGONALS * diagonal);
    (scale <= MOST_SCALE && distance <= reach).then(|| 1.0 + distance / reach)
}

fn diagonal_px(bbox: &BBox) -> f32 {
    bbox.width().hypot(bbox.height())
}
