mod mutated;

use super::*;

fn sidecar() -> String {
    r#"
name = "mine"
licence = "mine"
head = "yolox"
labels = ["cat", "dog"]
min_score = 0.3
nms_iou = 0.5

[input]
name = "images"
width = 320
height = 256
layout = "nchw"
colour = "rgb"
mean = [0.0, 0.0, 0.0]
std = [255.0, 255.0, 255.0]
resize = { letterbox_top_left = { pad = 114 } }
"#
    .to_owned()
}

#[test]
fn the_built_in_manifest_is_whole() {
    let manifest = Manifest::built_in().expect("valid");
    let names: Vec<&str> = manifest
        .models()
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "yolox_nano",
            "nanodet_plus_m_416",
            "nanodet_plus_m_320",
            "nanodet_plus_m_1.5x_416",
            "deimv2_hgnetv2_atto_coco",
            "deimv2_hgnetv2_femto_coco",
            "fastestdet",
            "picodet_s_416_coco",
            "yunet_n_320_320",
            "yunet_n_640_640",
            "ultraface_rfb_320",
        ]
    );
    for entry in manifest.models() {
        let finds_faces = matches!(entry.head, Head::Yunet | Head::Ultraface);
        let classes = if finds_faces { 1 } else { 80 };
        assert_eq!(entry.labels.len(), classes, "{}", entry.name);
        let is_named_alike = |url: &String| url.to_lowercase().ends_with(&entry.file_name());
        assert!(entry.head == Head::Ultraface || entry.url.as_ref().is_none_or(is_named_alike));
        assert_eq!(entry.nms_iou.is_none(), entry.head == Head::Deimv2);
        assert_eq!(entry.published_ap.is_none(), finds_faces, "{}", entry.name);
    }
    let yolox = manifest.by_name("yolox_nano").expect("there");
    assert_eq!(yolox.input.resize, Resize::LetterboxTopLeft { pad: 114 });
    let sha256 = yolox.sha256.clone().expect("checked");
    assert_eq!(
        manifest.by_sha256(&sha256).map(|entry| &entry.name),
        Some(&yolox.name)
    );
}

#[test]
fn a_users_own_model_needs_no_hash() {
    let entry = ModelEntry::parse(&sidecar()).expect("valid");
    assert_eq!(
        (&*entry.labels, entry.sha256.clone()),
        (&["cat".to_owned(), "dog".to_owned()][..], None)
    );
    let marked = ModelEntry::parse(&format!("\u{feff}{}", sidecar())).expect("a byte order mark");
    assert_eq!(marked.labels, entry.labels);
}

#[test]
fn every_mistake_is_named() {
    let cases = [
        ("head = \"yolox\"", "head = \"yolo9\"", "yolo9"),
        ("min_score = 0.3", "min_skore = 0.3", "min_skore"),
        ("min_score = 0.3", "min_score = 30", "within 0..1"),
        ("[\"cat\", \"dog\"]", "\"coco81\"", "list of names"),
        ("[\"cat\", \"dog\"]", "[]", "no class"),
        ("width = 320", "width = 8", "8x256"),
        ("name = \"mine\"", "name = \"../mine\"", "letters, digits"),
        ("255.0, 255.0]", "255.0, 0.0]", "input.std"),
        ("licence", "sha256 = \"AB\"\nlicence", "64 lower-case"),
        ("colour = \"rgb\"", "", "colour"),
        ("nms_iou = 0.5", "box_units = \"metres\"", "pixels"),
        ("nms_iou = 0.5", "class_ids = [1]", "one id for each label"),
        ("nms_iou = 0.5", "class_ids = [1, 1]", "all different"),
        ("nms_iou = 0.5", "class_ids = [1, 99999]", "at most"),
        ("nms_iou = 0.5", "class_ids = \"coco90\"", "coco91"),
        (
            "colour = \"rgb\"",
            "colour = \"rgb\"\nelement = \"u8\"",
            "mean 0, std 1",
        ),
        (
            "colour = \"rgb\"",
            "colour = \"rgb\"\nelement = \"i8\"",
            "i8",
        ),
        (
            "head = \"yolox\"",
            "head = \"fastestdet\"\nbox_units = \"cells\"",
            "alone",
        ),
    ];
    for (right, wrong, named) in cases {
        let text = sidecar().replacen(right, wrong, 1);
        let error = ModelEntry::parse(&text).expect_err(wrong).to_string();
        assert!(error.contains(named), "{wrong}: {error}");
    }
}

#[test]
fn a_manifest_of_many_needs_hashes_and_distinct_names() {
    let many = format!("[[model]]{}", sidecar().replace("[input]", "[model.input]"));
    let error = Manifest::parse(&many).expect_err("no hash").to_string();
    assert!(error.contains("`sha256` and `bytes`"), "{error}");
    let pinned = many.replace(
        "licence",
        &format!("bytes = 1\nsha256 = \"{:064}\"\nlicence", 0),
    );
    Manifest::parse(&pinned).expect("now whole");
    let error = Manifest::parse(&format!("{pinned}\n{pinned}"))
        .expect_err("twice")
        .to_string();
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn the_ids_of_coco_fit_its_names() {
    let text = sidecar().replace("[\"cat\", \"dog\"]", "\"coco80\"\nclass_ids = \"coco91\"");
    let entry = ModelEntry::parse(&text).expect("valid");
    let ids = entry.class_ids.clone().expect("there");
    let id_of = |name: &str| {
        let place = entry.labels.iter().position(|label| label == name);
        ids[place.expect("a class of COCO")]
    };
    // From COCO's own list of categories.
    let known = [
        ("person", 1),
        ("stop sign", 13),
        ("dog", 18),
        ("clock", 85),
        ("toothbrush", 90),
    ];
    for (name, id) in known {
        assert_eq!(id_of(name), id, "{name}");
    }
    assert_eq!((ids.len(), entry.network_classes()), (80, 91));
}

#[test]
fn the_well_known_numbers_hold() {
    let names: Vec<&str> = coco_80().collect();
    assert_eq!(
        (names[0], names[11], names[74]),
        ("person", "stop sign", "clock")
    );
    let distinct: std::collections::BTreeSet<_> = names.into_iter().collect();
    assert_eq!(distinct.len(), 80);
}

#[test]
fn models_without_a_pinned_file_say_how_to_get_one() {
    let manifest = Manifest::built_in().expect("valid");
    let names: Vec<&str> = manifest.unpinned().iter().map(|one| &*one.name).collect();
    let expected = "yolox_tiny deimv2_pico deimv2_n dfine_n rtmdet_tiny rfdetr_nano";
    assert_eq!(names.join(" "), expected);
    for model in manifest.unpinned() {
        assert!(model.published_ap > 30.0 && !model.obtain.is_empty());
        assert!(manifest.by_name(&model.name).is_none(), "{}", model.name);
    }
    let with = |unpinned: &str| {
        let text = format!("model = []\n[[unpinned]]\n{unpinned}");
        Manifest::parse(&text).expect_err("wrong").to_string()
    };
    let rest = "licence = \"MIT\"\norigin = \"o\"\nobtain = \"x\"\npublished_ap = ";
    let twice = format!("name = \"a\"\n{rest}1\n[[unpinned]]\nname = \"a\"\n{rest}1");
    assert!(with(&twice).contains("twice"), "{}", with(&twice));
    assert!(with(&format!("name = \"../a\"\n{rest}1")).contains("a name is made of"));
    assert!(with(&format!("name = \"a\"\n{rest}101")).contains("percentage"));
    assert!(with(&format!("name = \"a\"\n{rest}nan")).contains("percentage"));
}
