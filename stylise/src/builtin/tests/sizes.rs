//! Styles and pictures of all shapes, on few pixels, since what fails does not depend on their number.

use super::*;
use crate::people::PictureArea;

/// Pixels that styles work on in these tests.
const SMALL_PX: f64 = 200.0 * 120.0;
/// Cells of letters, squares and tiles that do not fit are left out at the right and at the bottom.
const LEFT_OUT_MAX_PX: usize = mosaic::TILE_MIN_PX;

/// As an upload is read, except for the least size that is accepted.
fn uploaded(bytes: &[u8]) -> Vec<u8> {
    let limits = Limits::UPLOAD;
    let picture = CheckedPicture::read(bytes, &limits).expect("a picture that is accepted");
    picture.jpeg().to_vec()
}

fn with_alpha(width: u32, height: u32) -> Vec<u8> {
    let row = |y: u32| {
        let pixels = (0..width).flat_map(move |x| [x as u8, y as u8, 90, (x * y % 256) as u8]);
        [0].into_iter().chain(pixels)
    };
    let rows: Vec<u8> = (0..height).flat_map(row).collect();
    samples::Png {
        width,
        height,
        depth: 8,
        colour: 6,
        is_interlaced: false,
        rows: &rows,
        exif: None,
    }
    .written()
}

fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let scene = samples::scene;
    vec![
        ("one pixel", samples::jpeg(&scene(1, 1), 90)),
        ("16x16", uploaded(&samples::jpeg(&scene(16, 16), 90))),
        ("very wide", uploaded(&samples::jpeg(&scene(512, 32), 90))),
        ("very tall", uploaded(&samples::jpeg(&scene(32, 512), 90))),
        ("grey", uploaded(&samples::grey_jpeg(&scene(90, 60)))),
        ("with alpha", uploaded(&with_alpha(90, 60))),
        (
            "black",
            uploaded(&samples::jpeg(&samples::flat(64, 48, [0; 3]), 90)),
        ),
    ]
}

/// A face that reaches over the edge of the picture, and one within it.
fn people() -> People {
    let face = |left: f32, top: f32| PictureArea {
        left,
        top,
        width: 0.5,
        height: 0.6,
    };
    People {
        faces: vec![face(0.25, 0.2), face(0.8, 0.7)],
        persons: vec![face(0.2, 0.1)],
    }
}

#[test]
fn each_style_makes_each_shape_in_the_size_of_its_work() {
    for (name, jpeg) in pictures() {
        let picture = at_size(read_jpeg(&jpeg).expect("a JPEG"), SMALL_PX).expect("scaled");
        let (width, height) = (picture.width, picture.height);
        let picture = auto_levels(&picture);
        for people in [People::default(), people()] {
            let subject = Subject::new(picture.clone(), &people).with_thumbnails(thumbnails());
            for style in STYLES {
                let made = (style.make)(&subject, &Stages::default()).expect(style.id);
                let of = format!("{} of {name}: {}x{}", style.id, made.width, made.height);
                assert_eq!(made.pixels.len(), made.width * made.height, "{of}");
                assert!(
                    made.width.abs_diff(width) < LEFT_OUT_MAX_PX,
                    "{of} of {width}"
                );
                assert!(
                    made.height.abs_diff(height) < LEFT_OUT_MAX_PX,
                    "{of} of {height}"
                );
                let levels = made.pixels.as_flattened();
                assert!(levels.iter().all(|level| level.is_finite()), "{of}");
            }
        }
    }
}
