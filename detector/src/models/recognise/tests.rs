//! Signatures as exporters write them, and what becomes of each.

use super::super::manifest::{ColourOrder, InputElement, Layout, Resize};
use super::super::signature::Dimension;
use super::*;
use crate::fuzz::element_of;
use crate::heads::Head;

/// A tensor of `NAME TYPE LENGTHS`; lengths that are no numbers are names of open axes, `?` has none.
fn tensor(text: &str) -> Tensor {
    let mut words = text.split(' ');
    let mut word = || words.next().expect("name and type");
    let (name, element) = (word().to_owned(), word());
    let dimension = |word: &str| match (word, word.parse()) {
        (_, Ok(length)) => Dimension::Fixed(length),
        ("?", _) => Dimension::Open(String::new()),
        _ => Dimension::Open(word.to_owned()),
    };
    Tensor {
        name,
        element: element_of(element),
        shape: words.map(dimension).collect(),
    }
}

/// Inputs and outputs are separated by `; `.
fn signature(inputs: &str, outputs: &str, metadata: &[(&str, &str)]) -> Signature {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Signature {
        inputs: inputs.split("; ").map(tensor).collect(),
        outputs: outputs.split("; ").map(tensor).collect(),
        metadata: metadata.iter().map(pair).collect(),
    }
}

/// What Ultralytics writes into the metadata of a detector of three classes.
const DETECT: [(&str, &str); 4] = [
    ("task", "detect"),
    ("stride", "32"),
    ("imgsz", "[384, 640]"),
    ("names", "{0: 'cat', 1: 'dog', 2: 'stop sign'}"),
];
const OF_RT_DETR: [(&str, &str); 5] = [
    DETECT[0],
    DETECT[1],
    DETECT[2],
    DETECT[3],
    ("head", "RTDETRDecoder"),
];
/// What the repository of YOLOv5 writes.
const OF_YOLOV5: [(&str, &str); 2] = [
    ("stride", "32"),
    ("names", "{0: 'cat', 1: 'dog', 2: 'cow'}"),
];

const ONE_PICTURE: &str = "images f32 1 3 640 640";
const FACES: &str = "cls_8 f32 1 1600 1; cls_16 f32 1 400 1; cls_32 f32 1 100 1; \
    obj_8 f32 1 1600 1; obj_16 f32 1 400 1; obj_32 f32 1 100 1; bbox_8 f32 1 1600 4; \
    bbox_16 f32 1 400 4; bbox_32 f32 1 100 4; kps_8 f32 1 1600 10; kps_16 f32 1 400 10; \
    kps_32 f32 1 100 10";
const SCALES: &str = "a f32 1 1600 80; b f32 1 400 80; c f32 1 100 80; d f32 1 25 80; \
    e f32 1 1600 32; f f32 1 400 32; g f32 1 100 32; h f32 1 25 32";

/// Files that need no manifest: inputs | outputs | metadata | head, size, number of labels; `coco` where these
/// are assumed.
const CLEAR: &str = "
YOLO11 | images f32 1 3 384 640 | output0 f32 1 7 5040 | detect | yolov8 640x384 3
YOLO11, dynamic | images f32 batch 3 height width | output0 f32 batch 7 anchors | detect | yolov8 640x384 3
YOLO11, half | images f16 1 3 384 640 | output0 f16 1 7 5040 | detect | yolov8 640x384 3
YOLO11, nms | images f32 1 3 384 640 | output0 f32 1 300 6 | detect | yolov10 640x384 3
YOLO26 | images f32 1 3 384 640 | output0 f32 1 300 6 | detect | yolov10 640x384 3
YOLO26, dynamic | images f32 batch 3 height width | output0 f32 batch 300 6 | detect | yolov10 640x384 3
RT-DETR | images f32 1 3 384 640 | output0 f32 1 300 6 | rtdetr | rtdetrrows 640x384 3
YOLOv5 | images f32 1 3 640 640 | output0 f32 1 25200 8 | yolov5 | yolov5 640x640 3
YOLOv5, old | images f32 1 3 640 640 | output f32 1 25200 8; 353 f32 1 3 80 80 8 | yolov5 | yolov5 640x640 3
YOLOv7 | images f32 1 3 640 640 | output f32 1 25200 85 | none | yolov5 640x640 80 coco
YOLOX | images f32 1 3 640 640 | output f32 1 8400 85 | none | yolox 640x640 80 coco
YOLOX, open | images f32 batch 3 416 416 | output f32 batch 3549 85 | none | yolox 416x416 80 coco
YOLOv8, bare | images f32 1 3 640 640 | output0 f32 1 84 8400 | none | yolov8 640x640 80 coco
NanoDet-Plus | data f32 1 3 416 416 | output f32 1 3598 112 | none | nanodet_plus 416x416 80 coco
FastestDet | input.1 f32 1 3 352 352 | 758 f32 1 85 22 22 | none | fastestdet 352x352 80 coco
RF-DETR | input f32 1 3 384 384 | dets f32 1 300 4; labels f32 1 300 91 | none | detr 384x384 80 coco
RF-DETR, open | input f32 N 3 384 384 | dets f32 N 300 4; labels f32 N 300 91 | none | detr 384x384 80 coco
D-FINE | images f32 N 3 640 640; orig_target_sizes i64 N 2 | labels i64 N 300; boxes f32 N 300 4; scores f32 N 300 | none | deimv2 640x640 80 coco
DEIMv2 | images f32 N 3 320 320; orig_target_sizes i64 unk__383 2 | labels i64 a b; boxes f32 c d 4; scores f32 c d | none | deimv2 320x320 80 coco
RT-DETR of optimum | pixel_values f32 batch_size num_channels height width | logits f32 batch_size num_queries 80; pred_boxes f32 batch_size num_queries 4 | none | detr 640x640 80 coco
TF2 SSD | input_tensor u8 ? ? ? 3 | detection_anchor_indices f32 ? ?; detection_boxes f32 ? ? ?; detection_classes f32 ? ?; detection_scores f32 ? ?; num_detections f32 ? | none | ssd 640x640 80 coco
TF1 SSD | image_tensor:0 u8 1 300 300 3 | detection_boxes:0 f32 1 100 4; detection_classes:0 f32 1 100; detection_scores:0 f32 1 100; num_detections:0 f32 1 | none | ssd 300x300 80 coco
YuNet | input f32 1 3 320 320 | FACES | none | yunet 320x320 1
UltraFace | input f32 1 3 240 320 | scores f32 1 4420 2; boxes f32 1 4420 4 | none | ultraface 320x240 1
PicoDet | image f32 1 3 320 320 | SCALES | none | picodet 320x320 80 coco
";

/// A line of [`CLEAR`].
struct Case {
    what: &'static str,
    signature: Signature,
    /// In words.
    wanted: &'static str,
}

fn read_case(line: &'static str) -> Case {
    let columns: Vec<&'static str> = line.split(" | ").collect();
    let [what, inputs, outputs, metadata, wanted] = columns[..] else {
        panic!("{line}");
    };
    let outputs = match outputs {
        "FACES" => FACES,
        "SCALES" => SCALES,
        other => other,
    };
    let metadata: &[(&str, &str)] = match metadata {
        "detect" => &DETECT,
        "rtdetr" => &OF_RT_DETR,
        "yolov5" => &OF_YOLOV5,
        _ => &[],
    };
    Case {
        what,
        signature: signature(inputs, outputs, metadata),
        wanted,
    }
}

fn clear_cases() -> impl Iterator<Item = Case> {
    CLEAR.lines().filter(|line| !line.is_empty()).map(read_case)
}

#[test]
fn files_of_known_exporters_need_no_manifest() {
    assert_eq!(clear_cases().count(), 25);
    for Case {
        what,
        signature,
        wanted,
    } in clear_cases()
    {
        let recognised = recognise("best", &signature);
        let Recognised {
            entry, assumptions, ..
        } = recognised.unwrap_or_else(|unclear| panic!("{what}: {unclear}"));
        let (input, labels) = (&entry.input, entry.labels.len());
        let head = format!("{:?}", entry.head)
            .to_lowercase()
            .replace("plus", "_plus");
        let mut found = format!("{head} {}x{} {labels}", input.width, input.height);
        if !assumptions.is_empty() {
            found += " coco";
        }
        assert_eq!(found, wanted, "{what}");
        assert_eq!(input.name, signature.inputs[0].name, "{what}");
        assert!(
            entry.sha256.is_none(),
            "{what}: is tested when it is opened"
        );
        for name in entry.outputs.values() {
            assert!(signature.output(name).is_some(), "{what}: {name}");
        }
    }
}

fn clear(what: &str) -> ModelEntry {
    let case = clear_cases()
        .find(|case| case.what == what)
        .expect("a case");
    recognise("best", &case.signature).expect("clear").entry
}

#[test]
fn pictures_are_given_as_the_exporters_want_them() {
    let fractions = ([0.0; 3], [255.0; 3]);
    let plain = ([0.0; 3], [1.0; 3]);
    let centre = Resize::LetterboxCentre { pad: 114 };
    let cases = [
        ("YOLO11", ColourOrder::Rgb, fractions, centre),
        ("YOLOv5", ColourOrder::Rgb, fractions, centre),
        (
            "YOLOX",
            ColourOrder::Bgr,
            plain,
            Resize::LetterboxTopLeft { pad: 114 },
        ),
        ("D-FINE", ColourOrder::Rgb, fractions, Resize::Stretch),
        ("TF2 SSD", ColourOrder::Rgb, plain, Resize::Stretch),
        ("YuNet", ColourOrder::Bgr, plain, Resize::Stretch),
    ];
    for (what, colour, normalisation, resize) in cases {
        let input = clear(what).input;
        assert_eq!((input.colour, input.resize), (colour, resize), "{what}");
        assert_eq!((input.mean, input.std), normalisation, "{what}");
    }
    assert_eq!(clear("RF-DETR").input.mean, [123.675, 116.28, 103.53]);
    assert_eq!(clear("YOLO11, half").input.element, InputElement::F16);
    let tensorflow = clear("TF2 SSD").input;
    assert_eq!(
        (tensorflow.element, tensorflow.layout),
        (InputElement::U8, Layout::Nhwc)
    );
}

#[test]
fn names_ids_and_open_axes_come_from_the_file() {
    let entry = clear("YOLO11, dynamic");
    assert_eq!(&*entry.labels, ["cat", "dog", "stop sign"]);
    let pins: Vec<_> = entry.dimensions.into_iter().collect();
    let wanted = [("batch", 1), ("height", 384), ("width", 640)];
    assert_eq!(pins, wanted.map(|(name, length)| (name.to_owned(), length)));
    assert_eq!(clear("YOLO26").nms_iou, None);
    assert_eq!(clear("RF-DETR").network_classes(), 91);
    let pins: Vec<_> = clear("DEIMv2").dimensions.into_keys().collect();
    assert_eq!(pins, ["N", "unk__383"]);
    let sparse = [DETECT[0], DETECT[1], ("names", "{0: 'cat', 5: 'dog'}")];
    let signature = signature(ONE_PICTURE, "output0 f32 1 10 8400", &sparse);
    let entry = recognise("a b", &signature).expect("clear").entry;
    assert_eq!((entry.name.as_str(), entry.network_classes()), ("a_b", 6));
}

/// Files that need their owner's help: inputs | outputs | what the reasons say | what the draft asks for. The
/// metadata are those of a detector where the file is of Ultralytics.
const UNCLEAR: &str = "
old RT-DETR of Ultralytics | images f32 1 3 640 640 | output0 f32 1 300 7 | none of the layouts | head
YOLOX of three | images f32 1 3 640 640 | output f32 1 8400 8 | its 3 classes | its 3 classes
RF-DETR of three | input f32 1 3 384 384 | dets f32 1 300 4; labels f32 1 300 4 | its 3 classes | labels
YOLOv6 | images f32 1 3 640 640 | outputs f32 1 8400 85 | YOLOX or YOLOv6 | colour
DETR | pixel_values f32 1 3 800 800; pixel_mask i64 1 64 64 | logits f32 1 100 92; pred_boxes f32 1 100 4 | several kinds of DETR | head
floats | input f32 1 320 320 3 | detection_boxes f32 1 100 4; detection_classes f32 1 100; detection_scores f32 1 100 | other numbers than the pixels | colour
unknown outputs | images f32 1 3 640 640 | output f32 1 100 7 | not those of any exporter | head
open sizes | images f32 1 3 ? ? | output f32 1 ? 85 | not those of any exporter | width
PaddleDetection | image f32 1 3 320 320; scale_factor f32 1 2 | boxes f32 ? 6; num i32 1 | not those of any exporter | head
no picture | tokens i64 1 128 | logits f32 1 128 30000 | four axes | head
two pictures | left f32 1 3 64 64; right f32 1 3 64 64 | output f32 1 84 8400 | several of its inputs | head
grey | images f32 1 1 640 640 | output0 f32 1 84 8400 | three colours | head
four at a time | images f32 4 3 640 640 | output0 f32 4 84 8400 | 4 pictures at a time | head
integers | images i32 1 3 640 640 | output0 f32 1 84 8400 | cannot fill | head
text | images String 1 3 640 640 | output0 f32 1 84 8400 | cannot fill | head
";

#[test]
fn other_tasks_and_unreadable_names_are_named() {
    let outputs = "output0 f32 1 39 8400; output1 f32 1 32 160 160";
    let segment = [("task", "segment"), DETECT[1], DETECT[3]];
    let signature_of =
        |outputs: &str, metadata: &[(&str, &str)]| signature(ONE_PICTURE, outputs, metadata);
    let unclear = recognise("best", &signature_of(outputs, &segment)).expect_err("masks");
    assert_eq!(
        unclear.reasons,
        ["it was made for the task `segment`, not for `detect`"]
    );
    assert!(unclear.draft.contains("\"stop sign\""), "{}", unclear.draft);
    let unreadable = [DETECT[0], DETECT[1], ("names", "cat")];
    let unclear = recognise("best", &signature_of("output0 f32 1 7 8400", &unreadable));
    let said = unclear.expect_err("no names").to_string();
    assert!(said.contains("cannot be read"), "{said}");
    let unclear = recognise("best", &Signature::default()).expect_err("nothing at all");
    assert!(unclear.to_string().contains("four axes"), "{unclear}");
}

#[test]
fn what_is_unclear_is_said_and_the_draft_asks_for_it() {
    for line in UNCLEAR.lines().filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let [what, inputs, outputs, reason, gap] = columns[..] else {
            panic!("{line}");
        };
        let metadata: &[(&str, &str)] = match what.ends_with("Ultralytics") {
            true => &DETECT,
            false => &[],
        };
        let signature = signature(inputs, outputs, metadata);
        let unclear = recognise("best", &signature).expect_err(what);
        let said = unclear.to_string();
        assert!(said.contains(reason), "{what}: {said}");
        for tensor in signature.inputs.iter().chain(&signature.outputs) {
            assert!(said.contains(&tensor.to_string()), "{what}: {said}");
        }
        let mut gaps = unclear
            .draft
            .lines()
            .filter(|line| line.contains("FILL IN"));
        assert!(
            gaps.any(|line| line.contains(gap)),
            "{what}: {}",
            unclear.draft
        );
        // A draft is no manifest before its gaps are filled in.
        let parsed = ModelEntry::parse(&unclear.draft);
        assert!(parsed.is_err(), "{what}: {}", unclear.draft);
    }
}

#[test]
fn a_completed_draft_is_a_manifest() {
    let signature = signature(ONE_PICTURE, "output f32 1 8400 8", &[]);
    let draft = recognise("best", &signature).expect_err("no names").draft;
    let gap = draft
        .lines()
        .find(|line| line.contains("FILL IN"))
        .expect("one");
    let complete = draft.replace(gap, "labels = [\"a\", \"b\", \"c\"]");
    let entry = ModelEntry::parse(&complete).expect("complete");
    assert_eq!((entry.head, entry.labels.len()), (Head::Yolox, 3));
}

#[test]
fn the_text_of_a_manifest_says_the_same() {
    for Case {
        what, signature, ..
    } in clear_cases()
    {
        let recognised = recognise("best", &signature).expect(what);
        let parsed = ModelEntry::parse(&recognised.manifest).expect(what);
        assert_eq!(parsed, recognised.entry, "{what}");
        assert!(!recognised.manifest.contains("FILL IN"), "{what}");
    }
}

/// A hostile file must not break out of the text of its manifest.
#[test]
fn names_are_quoted() {
    let names = "{0: 'a\"]\\nhead = \"ssd\"', 1: '# \\\\', 2: '\u{7f}'}";
    let metadata = [DETECT[0], DETECT[1], ("names", names)];
    let mut signature = signature(ONE_PICTURE, "output0 f32 1 7 8400", &metadata);
    signature.inputs[0].name = "im\"ages\n\\".to_owned();
    signature.outputs[0].name = "out = \"".to_owned();
    let entry = recognise("../\"x\n", &signature).expect("clear").entry;
    assert_eq!(&*entry.labels, ["a\"] head = \"ssd\"", "# \\", " "]);
    assert_eq!(
        (entry.head, entry.input.name),
        (Head::Yolov8, "im\"ages\n\\".to_owned())
    );
}
