use super::*;

const CATEGORIES: &str = r#"[{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}]"#;
const PICTURE: &str = r#"[{"id": 9, "file_name": "b.jpg"}]"#;

fn parse_all(images: &str, annotations: &str, categories: &str) -> Annotations {
    let text = format!(
        r#"{{"info": {{}}, "images": {images}, "annotations": {annotations},
            "categories": {categories}}}"#
    );
    Annotations::parse(text.as_bytes()).expect(&text)
}

fn parse(images: &str, annotations: &str) -> Annotations {
    parse_all(images, annotations, CATEGORIES)
}

/// The only picture of a file with one annotation, which is valid except for the given keys.
fn with_annotation(keys: &str) -> Annotations {
    let annotation = format!(r#"[{{"image_id": 9, "id": 5, {keys}}}]"#);
    parse(PICTURE, &annotation)
}

fn person(crowd: bool) -> TrueBox {
    TrueBox {
        category: 1,
        rect: BoxXywh::from([1.0, 2.0, 3.5, 4.0]),
        crowd,
    }
}

#[test]
fn pictures_come_by_id_with_the_boxes_that_are_theirs() {
    let all = parse(
        r#"[{"id": 9, "file_name": "val/b.jpg", "width": 64, "height": 48, "license": 3},
            {"id": 2, "file_name": "a.jpg"}]"#,
        r#"[{"id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 2, 3.5, 4], "iscrowd": 1},
            {"id": 6, "image_id": 77, "category_id": 1, "bbox": [1, 2, 3, 4]},
            {"id": 7, "image_id": 78}]"#,
    );
    let [a, b] = &all.pictures[..] else {
        panic!("two pictures: {all:?}");
    };
    assert_eq!((&a.id, a.size_px, a.boxes.len()), (&Id::Number(2), None, 0));
    assert_eq!((&b.id, b.size_px), (&Id::Number(9), Some((64, 48))));
    assert_eq!(b.boxes, [person(true)]);
    assert_eq!(all.left_out, LeftOut::default(), "of other pictures");
}

#[test]
fn ids_match_in_whatever_form_they_are_written() {
    for (image, annotation) in [
        ("9", "9.0"),
        ("9.0", "9"),
        ("\"9\"", "9"),
        ("\"x-9\"", "\"x-9\""),
    ] {
        let images = format!(r#"[{{"id": {image}, "file_name": "b.jpg"}}]"#);
        let annotations = format!(
            r#"[{{"id": "u", "image_id": {annotation}, "category_id": "1", "bbox": ["1", 2, 3.5, 4]}}]"#
        );
        let all = parse(&images, &annotations);
        assert_eq!(
            all.pictures[0].boxes,
            [person(false)],
            "{image} {annotation}"
        );
    }
}

#[test]
fn every_form_of_crowd_and_size_is_read() {
    for (crowd, is_crowd) in [
        ("false", false),
        ("null", false),
        ("true", true),
        ("1.0", true),
    ] {
        let keys = format!(r#""category_id": 1, "bbox": [1, 2, 3.5, 4], "iscrowd": {crowd}"#);
        let all = with_annotation(&keys);
        assert_eq!(all.pictures[0].boxes, [person(is_crowd)], "{crowd}");
    }
    for (size, read) in [
        ("-1", None),
        ("0", None),
        ("null", None),
        ("64.0", Some((64, 64))),
    ] {
        let images =
            format!(r#"[{{"id": 9, "file_name": "b.jpg", "width": {size}, "height": {size}}}]"#);
        assert_eq!(parse(&images, "[]").pictures[0].size_px, read, "{size}");
    }
}

#[test]
fn annotations_without_a_usable_box_are_left_out_and_named() {
    let cases = [
        (r#""category_id": 1"#, "no `bbox`"),
        (r#""category_id": 1, "bbox": null"#, "no `bbox`"),
        (r#""category_id": 1, "bbox": []"#, "left, top"),
        (r#""category_id": 1, "bbox": [1, 2, 3]"#, "left, top"),
        (
            r#""category_id": 1, "bbox": [1, 2, 3, 4, 0.5]"#,
            "left, top",
        ),
        (r#""category_id": 1, "bbox": [1, 2, NaN, 4]"#, "left, top"),
        (
            r#""category_id": 1, "bbox": [1, 2, 3, Infinity]"#,
            "left, top",
        ),
        (r#""category_id": 1, "bbox": [1, 2, -3, 4]"#, "-3 x 4"),
        (r#""category_id": 1, "bbox": [1, 2, 0, 4]"#, "0 x 4"),
        (r#""category_id": 3, "bbox": [1, 2, 3, 4]"#, "category 3"),
        (
            r#""category_id": null, "bbox": [1, 2, 3, 4]"#,
            "category_id",
        ),
    ];
    for (keys, why) in cases {
        let all = with_annotation(keys);
        assert!(all.pictures[0].boxes.is_empty(), "{keys}");
        assert_eq!(all.left_out.count, 1, "{keys}");
        let named = &all.left_out.first[0];
        assert!(
            named.starts_with("annotation 5 ") && named.contains(why),
            "{named}"
        );
    }
    let nameless = parse(
        PICTURE,
        r#"[{"image_id": 9}, {"bbox": [1, 2, 3, 4], "category_id": 1}]"#,
    );
    assert_eq!(nameless.left_out.count, 2);
    assert!(nameless.left_out.first[1].contains("index 1 has no `image_id`"));
}

#[test]
fn what_is_not_used_may_be_anything() {
    let keys = r#""category_id": 1, "bbox": [1, 2, 3.5, 4], "area": NaN, "score": -Infinity,
        "segmentation": [[NaN, {"a": null}]], "attributes": {"occluded": false}"#;
    let all = with_annotation(keys);
    assert_eq!(all.pictures[0].boxes, [person(false)]);
    assert_eq!(all.left_out.count, 0);
    let text = format!(
        "\u{feff}{{\"images\": {PICTURE}, \"annotations\": [], \"categories\": {CATEGORIES}}}"
    );
    let marked = Annotations::parse(text.as_bytes()).expect("a byte order mark is no part of it");
    assert_eq!(marked.pictures.len(), 1);
}

#[test]
fn names_of_files_are_read_as_tools_write_them() {
    for name in [
        "a/b.jpg",
        "./a/b.jpg",
        "a\\\\b.jpg",
        ".\\\\a\\\\b.jpg",
        "a//b.jpg",
    ] {
        let images = format!(r#"[{{"id": 9, "file_name": "{name}"}}]"#);
        let all = parse(&images, "[]");
        assert_eq!(all.pictures[0].file, Ok(PathBuf::from("a/b.jpg")), "{name}");
    }
    for name in [
        r#""../b.jpg""#,
        r#""/etc/b.jpg""#,
        r#""""#,
        r#"".""#,
        r#""..\\b.jpg""#,
        "7",
        "null",
    ] {
        let images = format!(r#"[{{"id": 9, "file_name": {name}}}]"#);
        let file = &parse(&images, "[]").pictures[0].file;
        let complaint = file.as_ref().expect_err(name);
        assert!(complaint.contains("picture 9"), "{name}: {complaint}");
    }
    let nameless = &parse(r#"[{"file_name": "b.jpg"}]"#, "[]").pictures[0].file;
    assert!(nameless.as_ref().is_err_and(|why| why.contains("index 0")));
}

#[test]
fn categories_of_one_name_are_one_class() {
    let root =
        r#"[{"id": 0, "name": "person"}, {"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]"#;
    let annotation =
        |id: u32| format!(r#"{{"image_id": 9, "category_id": {id}, "bbox": [1, 2, 3.5, 4]}}"#);
    let all = parse_all(
        PICTURE,
        &format!("[{}, {}]", annotation(1), annotation(2)),
        root,
    );
    let names: Vec<&str> = all.categories.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["person", "dog"]);
    let of: Vec<usize> = all.pictures[0]
        .boxes
        .iter()
        .map(|one| one.category)
        .collect();
    assert_eq!(of, [0, 1]);
}

#[test]
fn one_id_for_two_things_is_refused() {
    let refused = |images: &str, annotations: &str, categories: &str| {
        let text = format!(
            r#"{{"images": {images}, "annotations": {annotations}, "categories": {categories}}}"#
        );
        Annotations::parse(text.as_bytes()).map_err(|error| error.to_string())
    };
    let same = r#"[{"id": 9, "file_name": "a.jpg"}, {"id": 9, "file_name": "a.jpg"}]"#;
    assert_eq!(parse(same, "[]").pictures.len(), 1);
    let twice = r#"[{"id": 9, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}]"#;
    let complaint = refused(twice, "[]", CATEGORIES).expect_err("twice");
    assert!(complaint.contains("picture 9"), "{complaint}");
    let names = r#"[{"id": 1, "name": "dog"}, {"id": 1, "name": "cat"}]"#;
    refused(PICTURE, "[]", names).expect("not used");
    let used = r#"[{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4]}]"#;
    let complaint = refused(PICTURE, used, names).expect_err("used");
    assert!(complaint.contains("category 1"), "{complaint}");
}

#[test]
fn what_is_no_such_file_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"images": []}"#,
        r#"{"images": 1, "annotations": [], "categories": []}"#,
    ] {
        let error = Annotations::parse(text.as_bytes()).expect_err(text);
        assert!(error.to_string().contains("COCO"), "{error}");
    }
}
