//! The accuracy of a detector: COCO's average precision of boxes, as pycocotools computes it.
//!
//! The source is `PythonAPI/pycocotools/cocoeval.py` of <https://github.com/cocodataset/cocoapi>:
//! `evaluateImg` is `matching.rs`, `accumulate` and `summarize` are `average_precision.rs`. The settings
//! are those of the published numbers: boxes of every size, ten IoU thresholds, at most 100 results per
//! picture. There are three intended differences: pycocotools counts a match with the annotation of id 0
//! as a false positive, counts boxes of no size, which nothing can match, and keeps categories of the
//! same name apart.
//!
//! Pure: the caller reads the files and runs the detector.

mod annotations;
mod average_precision;
mod classes;
mod lenient;
mod matching;

pub use annotations::{Annotations, AnnotationsError, Category, LeftOut, Picture};
pub use average_precision::{Accuracy, ClassAccuracy, Evaluation};
pub use classes::Classes;
pub use lenient::Id;
pub use matching::{BoxXywh, ScoredBox, TrueBox};
