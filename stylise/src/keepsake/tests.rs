use std::fs;
use std::path::PathBuf;

use image::{Rgba, RgbaImage};

use super::*;
use crate::intake::CheckedPicture;
use crate::intake::limits::Limits;
use crate::intake::tests::samples;
use crate::test_folder::TestFolder;

fn stored(width: usize, height: usize) -> Vec<u8> {
    samples::jpeg(&samples::scene(width, height), 92)
}

fn design() -> KeepsakeDesign {
    KeepsakeDesign {
        is_framed: true,
        event: "Sommerfest Köln".to_owned(),
        caption: "Schön, dass du da warst".to_owned(),
        ..KeepsakeDesign::default()
    }
}

fn size(jpeg: &[u8]) -> (u32, u32) {
    let picture = CheckedPicture::read(jpeg, &Limits::RESULT).expect("a picture");
    (picture.width_px(), picture.height_px())
}

fn png(folder: &TestFolder, name: &str, image: &RgbaImage) -> PathBuf {
    let path = folder.path().join(name);
    image.save(&path).expect("room");
    path
}

#[test]
fn a_framed_picture_has_print_size_and_the_stored_one_stays() {
    let stored = stored(640, 360);
    let framed = design()
        .jpeg(&stored, PhotoKind::Single, "28.11.2026")
        .expect("made");
    let (width, height) = size(&framed);
    assert_eq!(width, 1800);
    // 187.8 by 124 units.
    assert!(height.abs_diff(1189) < 2, "{height}");
    assert!(!framed.windows(4).any(|bytes| bytes == b"Exif"));
    let plain = KeepsakeDesign::default().jpeg(&stored, PhotoKind::Single, "");
    assert!(
        plain.expect("made") == stored,
        "without a frame nothing is changed"
    );
}

#[test]
fn a_strip_has_four_shots_below_each_other_even_without_a_frame() {
    let shots: Vec<_> = [30, 90, 150, 210]
        .map(|level| Raster::filled(160, 120, level))
        .into();
    let sheet = samples::jpeg(&PhotoKind::Strip.join(&shots), 92);
    for design in [design(), KeepsakeDesign::default()] {
        let strip = design
            .jpeg(&sheet, PhotoKind::Strip, "28.11.2026")
            .expect("made");
        let image = image::load_from_memory(&strip)
            .expect("a JPEG")
            .into_luma8();
        assert_eq!(image.height(), 2400);
        let column = |y: u32| image.get_pixel(image.width() / 2, y)[0];
        let first = |level: u8| (0..2400).position(|y| column(y).abs_diff(level) < 4);
        let tops = [30, 90, 150, 210].map(|level| first(level).expect("a shot"));
        let heights = [tops[1] - tops[0], tops[2] - tops[1], tops[3] - tops[2]];
        let even = heights
            .iter()
            .all(|height| height.abs_diff(heights[0]) <= 2);
        assert!(even && heights[0] > 400, "{tops:?}");
    }
}

#[test]
fn a_template_shows_the_picture_in_its_window_only() {
    let folder = TestFolder::new("template");
    let frame = RgbaImage::from_fn(200, 100, |x, y| {
        let is_window = (20..120).contains(&x) && (10..90).contains(&y);
        Rgba([200, 0, 0, if is_window { 0 } else { 255 }])
    });
    let design = KeepsakeDesign {
        template: Some(Artwork::read_frame(&png(&folder, "frame.png", &frame)).expect("a frame")),
        ..design()
    };
    let picture = samples::jpeg(&Raster::filled(640, 360, 60), 92);
    let made = design.jpeg(&picture, PhotoKind::Single, "").expect("made");
    let made = image::load_from_memory(&made).expect("a JPEG").into_rgb8();
    assert_eq!(made.dimensions(), (200, 100));
    assert!(made.get_pixel(70, 50)[0].abs_diff(60) < 6);
    assert!(made.get_pixel(160, 50)[0].abs_diff(200) < 6);
}

#[test]
fn artwork_is_bounded_and_its_file_is_named_in_errors() {
    let folder = TestFolder::new("artwork");
    let read = |path: &PathBuf| Artwork::read(path).expect_err("refused").to_string();
    assert!(read(&folder.path().join("gone.png")).contains("gone.png"));
    let text = folder.path().join("logo.png");
    fs::write(&text, b"no picture").expect("room");
    assert!(read(&text).contains("logo.png: no PNG"));
    let wide = png(
        &folder,
        "wide.png",
        &RgbaImage::new(Artwork::LONGEST_SIDE_PX + 1, 1),
    );
    assert!(read(&wide).contains("4096"), "{}", read(&wide));
    let solid = RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 255]));
    let error = Artwork::read_frame(&png(&folder, "solid.png", &solid)).expect_err("no window");
    assert!(error.to_string().contains("no transparent part"), "{error}");
}

#[test]
fn a_damaged_result_is_an_error() {
    let made = design().jpeg(b"no picture", PhotoKind::Single, "");
    assert!(matches!(made, Err(KeepsakeError::Picture(_))), "{made:?}");
}
