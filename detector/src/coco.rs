//! How right a detector is: COCO's average precision of boxes, as pycocotools computes it.
//!
//! The source is `PythonAPI/pycocotools/cocoeval.py` of <https://github.com/cocodataset/cocoapi>:
//! `evaluateImg` is `matching.rs`, `accumulate` and `summarize` are `average_precision.rs`. Of its
//! settings there are the ones that the published numbers have: boxes of every size, ten IoU
//! thresholds, at most 100 results a picture. Three differences are meant: pycocotools takes a hit on
//! the annotation with the id 0 for a miss, counts boxes of no size, which nothing can hit, and keeps
//! categories of one name apart.
//!
//! Pure; whoever measures reads the files and runs the detector.

mod annotations;
mod average_precision;
mod classes;
mod lenient;
mod matching;
mod rect;

pub use annotations::{Annotations, AnnotationsError, Category, LeftOut, Picture};
pub use average_precision::{Accuracy, ClassAccuracy, Evaluation};
pub use classes::Classes;
pub use lenient::Id;
pub use matching::{ScoredBox, TrueBox};
pub use rect::Rect;
