//! Greedy non-maximum suppression.

use crate::detection::Detection;

/// Keeps, class by class, the best of every heap of boxes: a box goes when a better one of its
/// class covers it with an IoU over `max_iou`. What stays is sorted, best first.
pub(crate) fn suppress(detections: &mut Vec<Detection>, max_iou: f32) {
    // Stable, so that equal scores keep the model's order, as in the reference implementations.
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = 0;
    for next in 0..detections.len() {
        let candidate = detections[next];
        let covered = detections[..kept].iter().any(|better| {
            better.class_id == candidate.class_id && better.bbox.iou(&candidate.bbox) > max_iou
        });
        if !covered {
            detections[kept] = candidate;
            kept += 1;
        }
    }
    detections.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbox::BBox;

    fn at(x1: f32, score: f32, class_id: usize) -> Detection {
        Detection {
            class_id,
            score,
            bbox: BBox {
                x1,
                y1: 0.0,
                x2: x1 + 10.0,
                y2: 10.0,
            },
        }
    }

    #[test]
    fn the_best_of_a_heap_stays_and_other_classes_are_left_alone() {
        let mut heap = vec![
            at(1.0, 0.6, 0),
            at(0.0, 0.9, 0),
            at(1.0, 0.5, 7),
            at(40.0, 0.3, 0),
        ];
        suppress(&mut heap, 0.5);
        assert_eq!(heap, [at(0.0, 0.9, 0), at(1.0, 0.5, 7), at(40.0, 0.3, 0)]);
    }

    #[test]
    fn a_suppressed_box_suppresses_nobody() {
        // b covers c and a covers b, but a does not cover c: c stays.
        let mut chain = vec![at(0.0, 0.9, 0), at(3.0, 0.8, 0), at(6.0, 0.7, 0)];
        suppress(&mut chain, 0.5);
        assert_eq!(chain, [at(0.0, 0.9, 0), at(6.0, 0.7, 0)]);
        suppress(&mut Vec::new(), 0.5);
    }
}
