//! The rules: one for each exporter. The first that fits fills in the draft.

use super::super::manifest::{ColourOrder, InputElement, Layout, Resize};
use super::super::signature::{Dimension, Element, Signature, Tensor};
use super::draft::{Draft, FRACTIONS, Feeding, IMAGENET, Labels, PLAIN};
use super::picture::{Picture, SIZE_INPUT};
use super::ultralytics;
use crate::heads::picodet;

type Rule = fn(&Signature, &Picture) -> Option<Draft>;

const RULES: [Rule; 9] = [
    ultralytics::draft,
    detr_of_roboflow,
    detr_of_hugging_face,
    detr_with_boxes,
    tensorflow,
    yunet,
    ultraface,
    picodet,
    single_tensor,
];

/// What is known of the model.
pub(super) fn draft(signature: &Signature, picture: Picture) -> Draft {
    let fitting = RULES.iter().find_map(|rule| rule(signature, &picture));
    let Some(mut draft) = fitting else {
        let what = "its outputs are not those of any exporter that carrier knows".to_owned();
        return Draft::unknown(Some(picture), what);
    };
    if picture.is_size_assumed {
        let (width, height) = picture.size;
        let what =
            format!("The file leaves the size of the picture open: {width}x{height} is used.");
        draft.assumptions.push(what);
    }
    match &draft.labels {
        Labels::Unknown => draft
            .reasons
            .push("it does not name its classes".to_owned()),
        Labels::UnknownCount(count) => {
            let what = format!("it does not name its {count} classes");
            draft.reasons.push(what);
        }
        Labels::Coco80 | Labels::Coco91 => {
            let what = "The file names no classes: they are taken as those of COCO.";
            draft.assumptions.push(what.to_owned());
        }
        Labels::Names(_) => {}
    }
    pin_open_axes(&mut draft, signature, &picture);
    draft
}

/// Fixes the axes that the file leaves open, so that ONNX Runtime plans its memory once.
fn pin_open_axes(draft: &mut Draft, signature: &Signature, picture: &Picture) {
    let mut pins = picture.open_axes();
    for input in &signature.inputs {
        let batch = match input.shape.first() {
            Some(Dimension::Open(name)) if !name.is_empty() => name,
            _ => continue,
        };
        pins.push((batch.clone(), 1));
    }
    pins.sort();
    pins.dedup();
    // A name of two axes that differ cannot be pinned.
    let is_twice = |name: &str| pins.iter().filter(|(other, _)| other == name).count() > 1;
    let once = pins.iter().filter(|(name, _)| !is_twice(name));
    draft.dimensions = once.cloned().collect();
}

/// A draft that leaves nothing but the labels open.
fn kind(
    head: &'static str,
    picture: &Picture,
    labels: Labels,
    (min_score, nms_iou): (f32, Option<f32>),
    (colour, normalisation, resize): (ColourOrder, ([f32; 3], [f32; 3]), Resize),
) -> Draft {
    Draft {
        head: Some(head),
        labels,
        min_score,
        nms_iou,
        picture: Some(picture.clone()),
        feeding: Some(Feeding {
            colour,
            normalisation,
            resize,
        }),
        ..Draft::default()
    }
}

fn named(head_name: &'static str, output: &Tensor) -> (&'static str, String) {
    (head_name, output.name.clone())
}

fn is_float(tensor: &Tensor) -> bool {
    matches!(tensor.element, Element::F32 | Element::F16)
}

/// Inputs beside the picture that nothing would fill.
fn has_only(signature: &Signature, inputs: usize) -> bool {
    signature.inputs.len() == inputs
}

fn coco_or_unknown(classes: Option<usize>) -> Labels {
    match classes {
        Some(80) => Labels::Coco80,
        Some(count) => Labels::UnknownCount(count),
        None => Labels::Unknown,
    }
}

/// RF-DETR: `dets` and `labels`, both numbers before any choice.
fn detr_of_roboflow(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let (boxes, logits) = (signature.output("dets")?, signature.output("labels")?);
    let is_raw = boxes.rank() == 3 && boxes.fixed(2) == Some(4) && logits.rank() == 3;
    if !is_raw || !is_float(logits) || !has_only(signature, 1) {
        return None;
    }
    let labels = match logits.fixed(2) {
        // The ids of COCO's categories.
        Some(91) => Labels::Coco91,
        // The last one is "no object".
        Some(count) => Labels::UnknownCount(count.saturating_sub(1)),
        None => Labels::Unknown,
    };
    let feeding = (ColourOrder::Rgb, IMAGENET, Resize::Stretch);
    let mut draft = kind("detr", picture, labels, (0.4, None), feeding);
    draft.outputs = vec![named("boxes", boxes), named("logits", logits)];
    if signature.output("masks").is_some() {
        let what = "it was made to find outlines; carrier needs a detector";
        draft.reasons.push(what.to_owned());
    }
    Some(draft)
}

/// RT-DETR and D-FINE of Hugging Face's `optimum`: `logits` and `pred_boxes`.
fn detr_of_hugging_face(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let (logits, boxes) = (signature.output("logits")?, signature.output("pred_boxes")?);
    if picture.name != "pixel_values" || logits.rank() != 3 || boxes.rank() != 3 {
        return None;
    }
    let classes = logits.fixed(2);
    let feeding = (ColourOrder::Rgb, FRACTIONS, Resize::Stretch);
    let labels = coco_or_unknown(classes);
    let mut draft = kind("detr", picture, labels, (0.4, None), feeding);
    draft.outputs = vec![named("boxes", boxes), named("logits", logits)];
    // The first DETR and its relatives have a mask, a class for "no object" and softmax.
    if !has_only(signature, 1) || matches!(classes, Some(91 | 92)) {
        let what = "it may be one of several kinds of DETR, which want different pictures";
        draft.reasons.push(what.to_owned());
        (draft.head, draft.feeding) = (None, None);
    }
    Some(draft)
}

/// RT-DETR, D-FINE, DEIM and DEIMv2 as their repositories export them.
fn detr_with_boxes(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let size = signature.input(SIZE_INPUT)?;
    let labels = signature.output("labels")?;
    let (boxes, scores) = (signature.output("boxes")?, signature.output("scores")?);
    let is_integer = |tensor: &Tensor| matches!(tensor.element, Element::I64 | Element::I32);
    let is_of_kind = size.element == Element::I64 && is_integer(labels) && is_float(scores);
    if !is_of_kind || !is_float(boxes) || !has_only(signature, 2) {
        return None;
    }
    let feeding = (ColourOrder::Rgb, FRACTIONS, Resize::Stretch);
    let labels = Labels::Coco80;
    Some(kind("deimv2", picture, labels, (0.4, None), feeding))
}

/// TensorFlow's object detection API, converted by tf2onnx.
fn tensorflow(signature: &Signature, picture: &Picture) -> Option<Draft> {
    const OUTPUTS: [&str; 3] = ["detection_boxes", "detection_classes", "detection_scores"];
    let find = |wanted: &'static str| {
        // Older converters keep the number of the tensor.
        let is_it = |name: &str| name.strip_suffix(":0").unwrap_or(name) == wanted;
        let output = signature
            .outputs
            .iter()
            .find(|output| is_it(&output.name))?;
        Some(named(wanted, output))
    };
    let outputs: Option<Vec<_>> = OUTPUTS.into_iter().map(find).collect();
    let feeding = (ColourOrder::Rgb, PLAIN, Resize::Stretch);
    let mut draft = kind("ssd", picture, Labels::Coco91, (0.4, None), feeding);
    draft.outputs = outputs?;
    if picture.element != InputElement::U8 || !has_only(signature, 1) {
        let what = "it takes other numbers than the pixels, and does not say which";
        draft.reasons.push(what.to_owned());
        draft.feeding = None;
    }
    Some(draft)
}

fn face() -> Labels {
    Labels::Names(vec![(0, "face".to_owned())])
}

fn yunet(signature: &Signature, picture: &Picture) -> Option<Draft> {
    for part in ["cls", "obj", "bbox"] {
        for stride in [8, 16, 32] {
            signature.output(&format!("{part}_{stride}"))?;
        }
    }
    let feeding = (ColourOrder::Bgr, PLAIN, Resize::Stretch);
    Some(kind("yunet", picture, face(), (0.5, Some(0.3)), feeding))
}

fn ultraface(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let (scores, boxes) = (signature.output("scores")?, signature.output("boxes")?);
    let (width, height) = picture.size;
    let of_stride = |(stride, shapes): (usize, usize)| {
        width.div_ceil(stride) * height.div_ceil(stride) * shapes
    };
    let priors: usize = [(8, 3), (16, 2), (32, 2), (64, 3)]
        .map(of_stride)
        .iter()
        .sum();
    let is_of_kind =
        scores.may_have_shape(&[1, priors, 2]) && boxes.may_have_shape(&[1, priors, 4]);
    if !is_of_kind || !has_only(signature, 1) {
        return None;
    }
    let feeding = (ColourOrder::Rgb, ([127.0; 3], [128.0; 3]), Resize::Stretch);
    Some(kind(
        "ultraface",
        picture,
        face(),
        (0.6, Some(0.3)),
        feeding,
    ))
}

/// PicoDet without post-processing: for each stride the classes and the sides.
fn picodet(signature: &Signature, picture: &Picture) -> Option<Draft> {
    if signature.outputs.len() != 2 * picodet::OUTPUTS.len() || !has_only(signature, 1) {
        return None;
    }
    let size = picture.size;
    let mut outputs = Vec::new();
    let mut classes = None;
    for (stride, [class, sides]) in picodet::OUTPUTS {
        let is_here = |output: &&Tensor| {
            let count = cell_count(size, &[stride]);
            output.rank() == 3 && output.fixed(1) == Some(count) && is_float(output)
        };
        let here: Vec<&Tensor> = signature.outputs.iter().filter(is_here).collect();
        let [one, other] = here[..] else {
            return None;
        };
        // Eight bins for each side. With 32 classes the order of the outputs decides.
        let (scores, logits) = match other.fixed(2) {
            Some(32) => (one, other),
            _ => (other, one),
        };
        let count = scores.fixed(2)?;
        if logits.fixed(2) != Some(32) || classes.is_some_and(|classes| classes != count) {
            return None;
        }
        classes = Some(count);
        outputs.extend([named(class, scores), named(sides, logits)]);
    }
    let feeding = (ColourOrder::Rgb, IMAGENET, Resize::Stretch);
    let labels = coco_or_unknown(classes);
    let mut draft = kind("picodet", picture, labels, (0.4, Some(0.5)), feeding);
    draft.outputs = outputs;
    Some(draft)
}

/// The number of cells of the grids of these strides, for a width and height.
fn cell_count((width, height): (usize, usize), strides: &[usize]) -> usize {
    let cells = |stride: &usize| width.div_ceil(*stride) * height.div_ceil(*stride);
    strides.iter().map(cells).sum()
}

/// Files with one output and no metadata. The number of boxes and of columns tells the kind.
fn single_tensor(signature: &Signature, picture: &Picture) -> Option<Draft> {
    let output = signature
        .outputs
        .first()
        .filter(|output| is_float(output))?;
    if !has_only(signature, 1) || picture.layout != Layout::Nchw {
        return None;
    }
    let size = picture.size;
    let mut draft = match output.rank() {
        3 => list_of_boxes(output, size, picture)?,
        4 if signature.outputs.len() == 1 => planes(output, size, picture)?,
        _ => return None,
    };
    let head_name = match draft.head {
        Some("fastestdet") => "758",
        _ => "output",
    };
    draft.outputs = vec![named(head_name, output)];
    Some(draft)
}

fn list_of_boxes(output: &Tensor, size: (usize, usize), picture: &Picture) -> Option<Draft> {
    let (rows, columns) = (output.fixed(1)?, output.fixed(2)?);
    let three = cell_count(size, &[8, 16, 32]);
    let with_fourth = cell_count(size, &[8, 16, 32, 64]);
    let of_ultralytics = |head: &'static str, classes: usize| {
        let Feeding {
            colour,
            normalisation,
            resize,
        } = ultralytics::feeding();
        let feeding = (colour, normalisation, resize);
        let labels = coco_or_unknown(Some(classes));
        kind(head, picture, labels, (0.35, Some(0.5)), feeding)
    };
    if rows == three && columns > 5 {
        let top_left = Resize::LetterboxTopLeft { pad: 114 };
        let feeding = (ColourOrder::Bgr, PLAIN, top_left);
        let labels = coco_or_unknown(Some(columns - 5));
        let mut draft = kind("yolox", picture, labels, (0.35, Some(0.5)), feeding);
        // YOLOv6 has the same shape, names its output `outputs`, and wants other pictures.
        if output.name != "output" {
            let what = "it may be YOLOX or YOLOv6, which want different pictures";
            draft.reasons.push(what.to_owned());
            draft.feeding = None;
        }
        return Some(draft);
    }
    let is_anchors = rows == 3 * three || rows == 3 * with_fourth;
    if is_anchors && columns > 5 {
        return Some(of_ultralytics("yolov5", columns - 5));
    }
    if rows == with_fourth && columns > 32 {
        let (mean, std) = IMAGENET;
        let reversed = |[red, green, blue]: [f32; 3]| [blue, green, red];
        let normalisation = (reversed(mean), reversed(std));
        let feeding = (ColourOrder::Bgr, normalisation, Resize::Stretch);
        let labels = coco_or_unknown(Some(columns - 32));
        return Some(kind(
            "nanodet_plus",
            picture,
            labels,
            (0.35, Some(0.5)),
            feeding,
        ));
    }
    if columns == three && rows > 4 {
        return Some(of_ultralytics("yolov8", rows - 4));
    }
    None
}

/// FastestDet: planes over cells of 16 pixels.
fn planes(output: &Tensor, (width, height): (usize, usize), picture: &Picture) -> Option<Draft> {
    let planes = output.fixed(1).filter(|planes| *planes > 5)?;
    let wanted = [1, planes, height.div_ceil(16), width.div_ceil(16)];
    if !output.may_have_shape(&wanted) {
        return None;
    }
    let feeding = (ColourOrder::Bgr, FRACTIONS, Resize::Stretch);
    let labels = coco_or_unknown(Some(planes - 5));
    Some(kind(
        "fastestdet",
        picture,
        labels,
        (0.5, Some(0.45)),
        feeding,
    ))
}
