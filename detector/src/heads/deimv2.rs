//! DEIMv2 (Intellindust, 2025) and other DETR exports with built-in post-processing: sorted lists
//! of labels, boxes and scores. Nothing to decode, but everything to check: the network may say
//! anything.

use ndarray::{ArrayView1, ArrayView2};

use super::HeadError;
use crate::bbox::BBox;
use crate::detection::Detection;

/// Appends what scores at least `min_score`. The boxes are in the pixels that the network was told
/// as `orig_target_sizes`: here those of its input, as for every head.
pub(crate) fn decode(
    labels: ArrayView1<'_, i64>,
    boxes: ArrayView2<'_, f32>,
    scores: ArrayView1<'_, f32>,
    classes: usize,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let queries = scores.len();
    let wrong = |output, found: &[usize], wanted: String| HeadError {
        output,
        found: found.to_vec(),
        head: "deimv2",
        wanted,
    };
    if boxes.shape() != [queries, 4] {
        return Err(wrong("boxes", boxes.shape(), format!("[{queries}, 4]")));
    }
    if labels.len() != queries {
        return Err(wrong("labels", labels.shape(), format!("[{queries}]")));
    }
    for ((label, score), corners) in labels.iter().zip(scores).zip(boxes.outer_iter()) {
        let class_id = usize::try_from(*label)
            .ok()
            .filter(|class_id| *class_id < classes);
        if let Some(class_id) = class_id.filter(|_| *score >= min_score) {
            let [x1, y1, x2, y2] = [corners[0], corners[1], corners[2], corners[3]];
            found.push(Detection {
                class_id,
                score: *score,
                bbox: BBox { x1, y1, x2, y2 },
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::super::reference::Random;
    use super::*;

    #[test]
    fn takes_what_scores_enough_and_ignores_labels_that_do_not_exist() {
        let mut random = Random::new(5);
        let labels = Array1::from_shape_fn(300, |_| random.between(-2.0, 82.0) as i64);
        let boxes = Array2::from_shape_fn((300, 4), |_| random.between(-5.0, 330.0));
        let scores = Array1::from_shape_fn(300, |_| random.between(0.0, 1.0));
        let mut found = Vec::new();
        decode(
            labels.view(),
            boxes.view(),
            scores.view(),
            80,
            0.4,
            &mut found,
        )
        .expect("shapes");

        let mut wanted = Vec::new();
        for query in 0..300 {
            if scores[query] >= 0.4 && (0..80).contains(&labels[query]) {
                wanted.push((
                    labels[query] as usize,
                    scores[query],
                    boxes.row(query).to_vec(),
                ));
            }
        }
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                let BBox { x1, y1, x2, y2 } = one.bbox;
                (one.class_id, one.score, vec![x1, y1, x2, y2])
            })
            .collect();
        assert!(wanted.len() > 100, "a test of something");
        assert_eq!(found, wanted);
    }

    #[test]
    fn lists_of_different_length_are_refused() {
        let (labels, scores) = (Array1::zeros(3), Array1::zeros(4));
        let boxes = Array2::zeros((4, 4));
        let error = decode(
            labels.view(),
            boxes.view(),
            scores.view(),
            80,
            0.4,
            &mut Vec::new(),
        );
        assert_eq!(error.map_err(|error| error.output), Err("labels"));
    }
}
