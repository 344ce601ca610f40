//! Files of every accepted format and orientation, and files that are not pictures.

use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};

use super::*;

/// Red, green, blue and white quarters, which distinguish all rotations and reflections.
fn quarters() -> RgbImage {
    RgbImage::from_fn(64, 32, |x, y| match (x < 32, y < 16) {
        (true, true) => Rgb([220, 30, 30]),
        (false, true) => Rgb([30, 200, 30]),
        (true, false) => Rgb([40, 40, 220]),
        (false, false) => Rgb([240, 240, 240]),
    })
}

fn written(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("writes");
    bytes.into_inner()
}

fn decode(bytes: &[u8]) -> Result<I420, StillError> {
    StillLoader::new()?
        .decode(bytes)
        .map(|still| I420::clone(&still.pixels))
}

/// Which quarter has which colour, from the upper left, row by row.
fn seen(picture: &I420) -> String {
    let (width, planes) = (picture.width() as usize, picture.planes());
    let (right, low) = (width * 3 / 4, picture.height() as usize * 3 / 4);
    let (left, high) = (width / 4, picture.height() as usize / 4);
    [(left, high), (right, high), (left, low), (right, low)]
        .map(|(x, y)| {
            let chroma = y / 2 * (width / 2) + x / 2;
            match (planes.y[y * width + x], planes.u[chroma], planes.v[chroma]) {
                (200.., ..) => 'W',
                (_, _, 200..) => 'R',
                (_, 200.., _) => 'B',
                _ => 'G',
            }
        })
        .iter()
        .collect()
}

#[test]
fn jpeg_png_and_webp_show_the_same_picture() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let picture = decode(&written(&quarters(), format)).expect("decodes");
        assert_eq!((picture.width(), picture.height()), (64, 32), "{format:?}");
        assert_eq!(seen(&picture), "RGBW", "{format:?}");
    }
}

#[test]
fn every_exif_orientation_is_put_upright() {
    // EXIF 2.32, tag 0x0112: where the first row and the first column of the file belong.
    let upright = [
        "RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB",
    ];
    let plain = written(&quarters(), ImageFormat::Jpeg);
    for (value, expected) in (1_u8..).zip(upright) {
        let mut exif =
            b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend_from_slice(&[0, value, 0, 0, 0, 0, 0, 0]);
        let jpeg = [&plain[..2], &exif, &plain[2..]].concat();
        let still = StillLoader::new().expect("starts").decode(&jpeg);
        let still = still.expect("decodes");
        assert_eq!(still.stored_size_px(), (64, 32), "orientation {value}");
        let picture = I420::clone(&still.pixels);
        assert_eq!(seen(&picture), expected, "orientation {value}");
        // Where red was stored, by the numbers and by the colours.
        let [left, top, ..] = still.upright([0.0, 0.0, 32.0, 16.0]);
        let quarter = 2 * usize::from(top > 0.0) + usize::from(left > 0.0);
        assert_eq!(expected.as_bytes()[quarter], b'R', "orientation {value}");
        let inside = still.upright([4.0, 3.0, 10.0, 6.0]);
        let sides = if value < 5 { [10.0, 6.0] } else { [6.0, 10.0] };
        assert_eq!(inside[2..], sides, "orientation {value}");
        let size = if value < 5 { (64, 32) } else { (32, 64) };
        assert_eq!(
            (picture.width(), picture.height()),
            size,
            "orientation {value}"
        );
    }
}

#[test]
fn transparent_pixels_are_white() {
    let mut png = Vec::new();
    let pixels = [10, 10, 10, 0].repeat(7 * 5);
    image::codecs::png::PngEncoder::new(&mut png)
        .write_image(&pixels, 7, 5, ExtendedColorType::Rgba8)
        .expect("writes");
    let picture = decode(&png).expect("decodes");
    assert_eq!((picture.width(), picture.height()), (8, 6));
    assert!(
        picture
            .planes()
            .y
            .iter()
            .all(|luma| luma.abs_diff(235) <= 1)
    );
}

#[test]
fn what_is_no_picture_is_named() {
    let text = decode(b"hello, world").unwrap_err();
    assert!(
        text.to_string().contains("not a JPEG, PNG or WebP"),
        "{text}"
    );
    let empty = decode(&[]).unwrap_err();
    assert_eq!(empty.to_string(), "the file is empty");
    let png = written(&quarters(), ImageFormat::Png);
    let torn = decode(&png[..png.len() / 2]).unwrap_err();
    assert!(matches!(torn, StillError::Decode(_)), "{torn}");
    let jpeg = written(&quarters(), ImageFormat::Jpeg);
    let torn = decode(&jpeg[..jpeg.len() / 2]).unwrap_err();
    assert!(matches!(torn, StillError::Jpeg(_)), "{torn}");
    let mut huge = png;
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    decode(&huge).expect_err("65536 x 65536");
    let missing = StillLoader::new()
        .expect("starts")
        .load(Path::new("/no/such.jpg"))
        .unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("/no/such.jpg: cannot be read"),
        "{missing}"
    );
}

#[test]
fn files_that_never_end_are_bounded() {
    let endless = Path::new("/dev/zero");
    if endless.exists() {
        let error = StillLoader::new()
            .expect("starts")
            .load(endless)
            .unwrap_err();
        assert!(matches!(error, StillError::TooManyBytes), "{error}");
    }
}

#[test]
fn an_odd_picture_keeps_its_last_column_and_its_own_size() {
    let odd = RgbImage::from_fn(
        33,
        17,
        |x, _| if x < 32 { Rgb([20; 3]) } else { Rgb([230; 3]) },
    );
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Jpeg] {
        let still = StillLoader::new()
            .and_then(|mut loader| loader.decode(&written(&odd, format)))
            .expect("decodes");
        assert_eq!((still.width, still.height), (33, 17), "{format:?}");
        assert_eq!((still.pixels.width(), still.pixels.height()), (34, 18));
        let row = &still.pixels.planes().y[..34];
        assert!(row[30] < 60 && row[32] > 180 && row[33] > 180, "{row:?}");
    }
}
