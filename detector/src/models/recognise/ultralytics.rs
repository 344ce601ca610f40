//! Files of Ultralytics and of the YOLOv5 repository, which have the names of their classes, their
//! stride and, those of Ultralytics, their task in the metadata. Both fit the picture into the middle of the
//! input and give it as fractions, red first.

use super::super::manifest::{ColourOrder, Resize};
use super::super::signature::{Signature, Tensor};
use super::draft::{Draft, FRACTIONS, Feeding, Labels};
use super::picture::Picture;
use super::python_literal;

/// The grey of the border.
const PAD: u8 = 114;
/// A list of more boxes was not chosen by the network.
const MOST_CHOSEN: usize = 1000;

pub(super) fn feeding() -> Feeding {
    Feeding {
        colour: ColourOrder::Rgb,
        normalisation: FRACTIONS,
        resize: Resize::LetterboxCentre { pad: PAD },
    }
}

/// `None`: the file has no such metadata.
pub(super) fn draft(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let metadata = |key: &str| signature.metadata.get(key).map(String::as_str);
    let (names, _) = (metadata("names")?, metadata("stride")?);
    let task = metadata("task");
    let names = python_literal::names(names);
    let classes = names.as_ref().and_then(|names| Some(names.last()?.0 + 1));
    let mut draft = Draft {
        min_score: 0.35,
        nms_iou: Some(0.5),
        picture: Some(picture.clone()),
        feeding: Some(feeding()),
        labels: names.map(Labels::Names).unwrap_or_default(),
        ..Draft::default()
    };
    if let Some(task) = task.filter(|task| *task != "detect") {
        let what = format!("it was made for the task `{task}`, not for `detect`");
        draft.reasons.push(what);
        return Some(draft);
    }
    let Some(classes) = classes else {
        let what = "the names of its classes in its metadata cannot be read";
        draft.reasons.push(what.to_owned());
        return Some(draft);
    };
    let output = signature.outputs.first();
    let layout = output.and_then(|output| match metadata("head") {
        Some("RTDETRDecoder") => (output.fixed(2) == Some(6)).then_some("rtdetr_rows"),
        _ => layout(output, classes, task.is_some()),
    });
    match output.zip(layout) {
        Some((output, head)) => {
            draft.head = Some(head);
            draft.outputs = vec![("output", output.name.clone())];
            if ["yolov10", "rtdetr_rows"].contains(&head) {
                draft.nms_iou = None;
            }
            if head == "rtdetr_rows" {
                draft.feeding = Some(Feeding {
                    resize: Resize::Stretch,
                    ..feeding()
                });
            }
        }
        None => {
            let what =
                "its first output fits none of the layouts that carrier knows of Ultralytics";
            draft.reasons.push(what.to_owned());
        }
    }
    Some(draft)
}

/// The head for an output.
fn layout(output: &Tensor, classes: usize, has_task: bool) -> Option<&'static str> {
    if output.rank() != 3 {
        return None;
    }
    let (rows, columns) = (output.fixed(1), output.fixed(2));
    if rows == Some(4 + classes) && columns != Some(4 + classes) {
        return Some("yolov8");
    }
    // With one class, a row of YOLOv5 has six numbers, too; its repository writes no task.
    if has_task {
        let is_chosen = columns == Some(6) && rows.is_none_or(|rows| rows <= MOST_CHOSEN);
        return is_chosen.then_some("yolov10");
    }
    (columns == Some(5 + classes)).then_some("yolov5")
}
