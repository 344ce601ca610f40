//! The test of a model that nobody has tried: one run on the built-in test scene, whose things are known. It
//! tells what is odd about the answer, because a file that is read in the wrong way still answers.

use std::time::{Duration, Instant};

use capture::{PicturePool, Truth, WallClock, scene::Scene};

use crate::detection::{BBox, Detection};
use crate::heads::InputSize;

/// What a model answered to the test picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// Size of the network's input in pixels.
    pub(crate) input: InputSize,
    /// Every box that the head decodes with a score of 0 or more, in pixels of the input.
    pub(crate) raw: &'a [Detection],
    /// Whether the network chooses its boxes itself, and returns none where it sees nothing.
    pub(crate) chooses: bool,
    /// How much of the network's numbers is NaN.
    pub(crate) nan_share: f32,
    /// What would be shown, in pixels of the picture.
    pub(crate) shown: &'a [Detection],
    pub(crate) labels: &'a [String],
    pub(crate) picture: &'a TestPicture,
}

/// The test scene at its beginning.
#[derive(Debug)]
pub(crate) struct TestPicture {
    pub(crate) frame: capture::Frame,
    pub(crate) truth: Vec<Truth>,
}

impl TestPicture {
    /// `None`: it cannot be painted.
    pub(crate) fn paint() -> Option<Self> {
        let scene = Scene::new(WallClock::start(), PicturePool::new(1)).ok()?;
        let frame = scene.frame_at(Duration::ZERO, Instant::now(), 1);
        let truth = frame.truth.as_deref()?.to_vec();
        Some(Self { frame, truth })
    }

    fn area(&self) -> f32 {
        self.frame.pixels.width() as f32 * self.frame.pixels.height() as f32
    }
}

/// The best boxes, of which most have to be sane.
const BEST: usize = 20;
/// So many boxes are never shown for four things.
const MOST_SHOWN: usize = 100;
/// So many equal scores are no chance.
const LEAST_EQUAL: usize = 10;
const SCORE_TOLERANCE: f32 = 1e-3;
/// The overlap from which on a box is that of a thing.
const LEAST_IOU: f32 = 0.4;
const WHOLE: f32 = 0.95;

/// What is odd, as parts of a sentence. Empty: nothing is.
pub(crate) fn odd_things(answer: &Answer<'_>) -> Vec<String> {
    let mut odd = Vec::new();
    if answer.nan_share > 0.0 {
        let percent = answer.nan_share * 100.0;
        odd.push(format!("{percent:.1} % of its numbers are NaN"));
    }
    odd.extend(odd_scores(answer));
    odd.extend(odd_boxes(answer));
    odd.extend(odd_picture(answer));
    // What follows would only repeat it.
    if odd.is_empty() {
        odd.extend(missed_things(answer));
    }
    odd
}

fn odd_scores(answer: &Answer<'_>) -> Option<String> {
    let scores = || answer.raw.iter().map(|one| one.score);
    let least = scores().fold(f32::INFINITY, f32::min);
    let most = scores().fold(f32::NEG_INFINITY, f32::max);
    if answer.raw.is_empty() {
        // A network that chooses its boxes may have none.
        return (!answer.chooses).then(|| "it returns no box with a score".to_owned());
    }
    if most > 1.0 + SCORE_TOLERANCE {
        return Some(format!("scores reach {most:.2}; they should end at 1"));
    }
    let is_blank = answer.chooses && most == 0.0;
    (answer.raw.len() >= LEAST_EQUAL && most - least < 1e-6 && !is_blank)
        .then(|| format!("all scores are equal ({most:.3})"))
}

fn odd_boxes(answer: &Answer<'_>) -> Option<String> {
    let mut best: Vec<&Detection> = answer.raw.iter().filter(|one| one.score > 0.0).collect();
    best.sort_by(|a, b| b.score.total_cmp(&a.score));
    best.truncate(BEST);
    let most_are = |is_odd: &dyn Fn(&BBox) -> bool| {
        let odd = best.iter().filter(|one| is_odd(&one.bbox)).count();
        odd * 2 > best.len()
    };
    let (width, height) = (answer.input.width as f32, answer.input.height as f32);
    let is_outside = |bbox: &BBox| {
        let (x, y) = bbox.centre();
        !(0.0..=width).contains(&x) || !(0.0..=height).contains(&y)
    };
    let is_tiny = |bbox: &BBox| bbox.width() < 1.0 && bbox.height() < 1.0;
    if most_are(&|bbox| !bbox.is_finite()) {
        Some("boxes are infinite or NaN".to_owned())
    } else if most_are(&is_outside) {
        Some("boxes lie outside of the picture".to_owned())
    } else if most_are(&is_tiny) {
        Some("boxes are smaller than a pixel".to_owned())
    } else {
        None
    }
}

fn odd_picture(answer: &Answer<'_>) -> Option<String> {
    match answer.shown {
        [only] if only.bbox.area() >= WHOLE * answer.picture.area() => {
            Some("one box covers the whole picture".to_owned())
        }
        shown if shown.len() > MOST_SHOWN => {
            let (found, there) = (shown.len(), answer.picture.truth.len());
            Some(format!("it finds {found} things where there are {there}"))
        }
        _ => None,
    }
}

/// All models of the manifest find the stop signs or the clocks of the scene.
fn missed_things(answer: &Answer<'_>) -> Option<String> {
    let is_known = |truth: &&Truth| answer.labels.iter().any(|label| label == truth.class);
    let known: Vec<&Truth> = answer.picture.truth.iter().filter(is_known).collect();
    let first = known.first()?;
    let label = |one: &Detection| answer.labels.get(one.class_id).map(String::as_str);
    let lies_on = |one: &Detection, truth: &Truth| {
        let [x1, y1, x2, y2] = truth.bbox_px;
        one.bbox.iou(&BBox::new(x1, y1, x2, y2)) >= LEAST_IOU
    };
    let is_found = |truth: &&Truth| {
        let mut shown = answer.shown.iter();
        shown.any(|one| label(one) == Some(truth.class) && lies_on(one, truth))
    };
    if known.iter().any(is_found) {
        return None;
    }
    let renamed = known.iter().find_map(|truth| {
        let other = answer.shown.iter().find(|one| lies_on(one, truth))?;
        let other = label(other).unwrap_or("nothing");
        Some(format!(
            "it takes a {} of the test picture for a {other}",
            truth.class
        ))
    });
    let nothing = || {
        format!(
            "it finds no {} in the test picture, which shows some",
            first.class
        )
    };
    Some(renamed.unwrap_or_else(nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: InputSize = InputSize {
        width: 640,
        height: 640,
    };

    fn labels() -> Vec<String> {
        ["person", "clock", "stop sign"].map(str::to_owned).to_vec()
    }

    fn one(class_id: usize, score: f32, [x1, y1, x2, y2]: [f32; 4]) -> Detection {
        Detection {
            class_id,
            score,
            bbox: BBox::new(x1, y1, x2, y2),
        }
    }

    /// Boxes as an untroubled network returns them: at many places, with many scores.
    fn sane() -> Vec<Detection> {
        let place = |index: usize| (index % 20) as f32 * 30.0;
        let cell = |index: usize| {
            let (x, y) = (place(index), place(index / 20));
            one(
                index % 3,
                0.4 / (index + 1) as f32,
                [x, y, x + 50.0, y + 40.0],
            )
        };
        (0..400).map(cell).collect()
    }

    /// What is odd about an answer that is changed from one that is not.
    fn odd(change: impl Fn(&mut Vec<Detection>, &mut Vec<Detection>)) -> String {
        let picture = TestPicture::paint().expect("paints");
        let (mut raw, labels) = (sane(), labels());
        let truth = picture.truth.iter();
        let of_truth = |truth: &Truth| {
            let class_id = labels.iter().position(|label| label == truth.class);
            one(class_id.expect("among them"), 0.8, truth.bbox_px)
        };
        let mut shown: Vec<Detection> = truth.map(of_truth).collect();
        change(&mut raw, &mut shown);
        let answer = Answer {
            input: INPUT,
            raw: &raw,
            chooses: false,
            nan_share: 0.0,
            shown: &shown,
            labels: &labels,
            picture: &picture,
        };
        odd_things(&answer).join("; ")
    }

    #[test]
    fn the_truth_and_little_else_is_sane() {
        assert_eq!(odd(|_, _| ()), "");
        assert_eq!(odd(|_, shown| shown.truncate(1)), "");
    }

    #[test]
    fn each_odd_thing_is_named() {
        let whole = [0.0, 0.0, 1280.0, 720.0];
        assert_eq!(
            odd(|_, shown| *shown = vec![one(0, 0.9, whole)]),
            "one box covers the whole picture"
        );
        let equal = odd(|raw, _| raw.iter_mut().for_each(|one| one.score = 0.5));
        assert_eq!(equal, "all scores are equal (0.500)");
        let logits = odd(|raw, _| raw[3].score = 4.5);
        assert!(logits.contains("scores reach 4.50"), "{logits}");
        let outside = odd(|raw, _| {
            raw.iter_mut()
                .for_each(|one| one.bbox = one.bbox.moved(5000.0, 0.0));
        });
        assert_eq!(outside, "boxes lie outside of the picture");
        let tiny = odd(|raw, _| {
            let fraction = 1.0 / 640.0;
            raw.iter_mut()
                .for_each(|one| one.bbox = one.bbox.scaled(fraction, fraction));
        });
        assert_eq!(tiny, "boxes are smaller than a pixel");
        let nan = odd(|raw, _| raw.iter_mut().for_each(|one| one.bbox.x2 = f32::NAN));
        assert_eq!(nan, "boxes are infinite or NaN");
        assert_eq!(odd(|raw, _| raw.clear()), "it returns no box with a score");
        let many = odd(|raw, shown| *shown = raw.clone());
        assert_eq!(many, "it finds 400 things where there are 4");
    }

    #[test]
    fn things_that_are_missed_or_called_something_else_are_named() {
        let missed = odd(|_, shown| shown.clear());
        assert!(missed.starts_with("it finds no "), "{missed}");
        let renamed = odd(|_, shown| shown.iter_mut().for_each(|one| one.class_id = 0));
        assert!(renamed.ends_with("for a person"), "{renamed}");
    }

    #[test]
    fn a_network_that_chooses_may_return_nothing_and_one_of_other_classes_misses_nothing() {
        let picture = TestPicture::paint().expect("paints");
        let blank = vec![one(0, 0.0, [0.0; 4]); 300];
        let labels = ["face".to_owned()];
        let answer = Answer {
            input: INPUT,
            raw: &blank,
            chooses: true,
            nan_share: 0.0,
            shown: &[],
            labels: &labels,
            picture: &picture,
        };
        assert_eq!(odd_things(&answer), [""; 0]);
        let answer = Answer {
            nan_share: 0.5,
            ..answer
        };
        assert_eq!(odd_things(&answer), ["50.0 % of its numbers are NaN"]);
    }
}
