use std::sync::Arc;

use image::{GrayImage, RgbImage};
use qrcode::{Color, EcLevel, QrCode};

use super::*;
use crate::orientation::Rotation;
use crate::state::{Code, CodeMatrix, Count, StatusItem, Theme, VisitorPicture};

const PAGE: &str = "http://192.168.178.20:8080/";
const WIFI: &str = "WIFI:T:WPA;S:carrier;P:correct horse;;";

fn code(title: &str, caption: &str, text: &str) -> Code {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).expect("short");
    let dark = code
        .to_colors()
        .into_iter()
        .map(|module| module == Color::Dark);
    Code {
        title: title.to_owned(),
        caption: caption.to_owned(),
        matrix: Arc::new(CodeMatrix {
            width: code.width() as u32,
            dark: dark.collect(),
        }),
    }
}

fn state(theme: Theme) -> ScreenState {
    ScreenState {
        name: "Hall 3".to_owned(),
        counts: vec![
            Count {
                label: "person".to_owned(),
                number: 3,
            },
            Count {
                label: "dog".to_owned(),
                number: 1,
            },
        ],
        privacy: "Faces blurred".to_owned(),
        viewers: 4,
        status: [
            ("Battery 9 %, 12 min", true),
            ("Saver", false),
            ("Wi-Fi hall-3", false),
        ]
        .map(|(text, is_warning)| StatusItem {
            text: text.to_owned(),
            is_warning,
        })
        .to_vec(),
        codes: vec![
            code("Wi-Fi", "carrier", WIFI),
            code("Watch", "192.168.178.20:8080", PAGE),
        ],
        theme,
        ..ScreenState::default()
    }
}

/// A feed with a ramp, and a red square in its upper left corner.
fn feed() -> I420 {
    let mut feed = I420::black(1280, 720).expect("even");
    for (index, luma) in feed.planes_mut().y.iter_mut().enumerate() {
        *luma = 40 + (index % 1280 / 8) as u8;
    }
    let red = capture::canvas::Ink::rgb(220, 30, 30);
    let mut canvas = capture::canvas::Canvas::new(&mut feed);
    canvas.fill_rect(Rect::new(0, 0, 160, 160), red, 255);
    feed
}

fn shown(picture: &mut ScreenPicture) -> RgbImage {
    let (width, height) = picture.size();
    let mut image = RgbImage::new(width, height);
    let mut next = 0;
    let rows = picture.rows(|y, row| {
        assert_eq!(
            (y, row.len()),
            (next, width as usize * 4),
            "each row once, in order"
        );
        next += 1;
        for (x, pixel) in row.chunks_exact(4).enumerate() {
            image.put_pixel(
                x as u32,
                y as u32,
                image::Rgb([pixel[2], pixel[1], pixel[0]]),
            );
        }
    });
    rows.expect("converted");
    assert_eq!(next, height as usize);
    image
}

fn drawn(size: (u32, u32), orientation: Orientation, state: &ScreenState) -> RgbImage {
    let mut picture = ScreenPicture::new(size, orientation).expect("a size");
    picture.draw(state, Some(&feed())).expect("drawn");
    shown(&mut picture)
}

/// The texts of all codes that a phone would read.
fn codes_in(image: &RgbImage) -> Vec<String> {
    let grey: GrayImage = image::DynamicImage::ImageRgb8(image.clone()).into_luma8();
    let (width, height) = grey.dimensions();
    let luma = |x: usize, y: usize| grey.get_pixel(x as u32, y as u32).0[0];
    let mut found =
        rqrr::PreparedImage::prepare_from_greyscale(width as usize, height as usize, luma);
    let mut texts: Vec<String> = found
        .detect_grids()
        .iter()
        .filter_map(|grid| Some(grid.decode().ok()?.1))
        .collect();
    texts.sort();
    texts
}

fn is_red(pixel: &image::Rgb<u8>) -> bool {
    pixel[0] > 180 && pixel[1] < 80 && pixel[2] < 80
}

fn orientation(degrees: u32, is_mirrored: bool) -> Orientation {
    Orientation {
        rotation: Rotation::from_degrees(degrees).expect("a rotation"),
        is_mirrored,
    }
}

/// Writes pictures to look at: `cargo test -p screen --lib writes_pictures -- --ignored`.
#[test]
#[ignore = "writes pictures to look at"]
fn writes_pictures() {
    let folder = std::env::temp_dir().join("carrier-screen");
    std::fs::create_dir_all(&folder).expect("a folder");
    for size in [
        (640, 480),
        (1280, 720),
        (1920, 1200),
        (3840, 2160),
        (1200, 1920),
    ] {
        for (name, theme) in [("bright", Theme::Bright), ("dark", Theme::Dark)] {
            let mut state = state(theme);
            let path = folder.join(format!("{}x{}-{name}.png", size.0, size.1));
            drawn(size, Orientation::default(), &state)
                .save(path)
                .expect("written");
            state.has_large_codes = true;
            let path = folder.join(format!("{}x{}-{name}-codes.png", size.0, size.1));
            drawn(size, Orientation::default(), &state)
                .save(path)
                .expect("written");
        }
    }
    for degrees in [90, 180, 270] {
        let path = folder.join(format!("turned-{degrees}.png"));
        let image = drawn(
            (1200, 1920),
            orientation(degrees, degrees == 180),
            &state(Theme::Dark),
        );
        image.save(path).expect("written");
    }
}

#[test]
fn codes_are_read_back_at_every_size() {
    for size in [
        (640, 480),
        (1280, 720),
        (1920, 1200),
        (3840, 2160),
        (1200, 1920),
    ] {
        for has_large_codes in [false, true] {
            let state = ScreenState {
                has_large_codes,
                ..state(Theme::Dark)
            };
            let image = drawn(size, Orientation::default(), &state);
            assert_eq!(codes_in(&image), [WIFI, PAGE], "{size:?} {has_large_codes}");
        }
    }
}

#[test]
fn the_feed_and_the_panels_turn_with_the_display() {
    let corner = |image: &RgbImage, x: u32, y: u32| is_red(image.get_pixel(x, y));
    for (degrees, is_mirrored, (x, y)) in [
        (0, false, (10, 70)),
        (90, false, (1120, 10)),
        (180, false, (1909, 1120)),
        (270, false, (70, 1909)),
        (0, true, (1909, 70)),
    ] {
        let size = if degrees % 180 == 0 {
            (1920, 1200)
        } else {
            (1200, 1920)
        };
        let image = drawn(size, orientation(degrees, is_mirrored), &state(Theme::Dark));
        assert!(
            corner(&image, x, y),
            "{degrees} {is_mirrored}: {:?}",
            image.get_pixel(x, y)
        );
        let red = image.pixels().filter(|pixel| is_red(pixel)).count();
        // 160 pixels a side, one and a half times as large.
        assert!((55_000..60_000).contains(&red), "{degrees}: {red}");
    }
    let turned = drawn((1200, 1920), orientation(90, false), &state(Theme::Dark));
    assert_eq!(
        codes_in(&turned),
        [WIFI, PAGE],
        "codes are read in any direction"
    );
}

#[test]
fn scaling_keeps_the_brightness_of_the_feed() {
    let plain = ScreenState::default();
    let image = drawn((1920, 1200), Orientation::default(), &plain);
    for x in [400_u32, 900, 1500, 1900] {
        let luma = 40.0 + f64::from(x) / 1.5 / 8.0;
        let grey = (luma - 16.0) * 255.0 / 219.0;
        let pixel = image.get_pixel(x, 600);
        assert!(
            pixel
                .0
                .iter()
                .all(|part| (f64::from(*part) - grey).abs() < 3.0),
            "{x}: {pixel:?} {grey}"
        );
    }
}

#[test]
fn the_bright_theme_stretches_the_contrast_of_the_feed_only() {
    let plain = ScreenState {
        codes: Vec::new(),
        ..state(Theme::Dark)
    };
    let dark = drawn((1280, 800), Orientation::default(), &plain);
    let bright = drawn((1280, 800), Orientation::default(), &state(Theme::Bright));
    let green = |image: &RgbImage, x| i32::from(image.get_pixel(x, 500)[1]);
    let change = |image: &RgbImage| green(image, 900) - green(image, 300);
    let (before, after) = (change(&dark), change(&bright));
    assert!(after * 10 > before * 12, "{before} {after}");
    assert_eq!(codes_in(&bright), [WIFI, PAGE]);
    assert_eq!(stretched(0), 16);
    assert!(stretched(255) >= 233, "{}", stretched(255));
    for luma in STRETCHED.start + 1..STRETCHED.end {
        assert!(stretched(luma) > stretched(luma - 1), "{luma}");
    }
}

#[test]
fn a_visitors_picture_is_beside_the_feed_and_gone_afterwards() {
    let mut green = capture::PicturePool::new(1).take(300, 400).expect("even");
    let ink = capture::canvas::Ink::rgb(20, 220, 20);
    green.fill(ink.y, ink.u, ink.v);
    let mut plain = state(Theme::Dark);
    plain.status.clear();
    let with_picture = ScreenState {
        visitor: Some(VisitorPicture {
            name: "one".to_owned(),
            pixels: Arc::new(green),
            corner: crate::layout::Corner::LowerLeft,
        }),
        ..plain.clone()
    };
    let is_green = |pixel: &image::Rgb<u8>| pixel[1] > 180 && pixel[0] < 90;
    for (size, degrees) in [((640, 480), 0), ((1920, 1200), 180), ((1200, 1920), 0)] {
        let mut picture = ScreenPicture::new(size, orientation(degrees, false)).expect("a size");
        picture.draw(&with_picture, Some(&feed())).expect("drawn");
        let image = shown(&mut picture);
        let green = image.pixels().filter(|pixel| is_green(pixel)).count() as f64;
        let part = green / f64::from(size.0 * size.1);
        assert!((0.01..0.12).contains(&part), "{size:?}: {part}");
        assert_eq!(codes_in(&image), [WIFI, PAGE], "{size:?}");
        picture.draw(&plain, Some(&feed())).expect("drawn");
        assert!(!shown(&mut picture).pixels().any(is_green), "{size:?}");
    }
}

#[test]
fn without_a_feed_no_pixel_of_the_last_one_remains() {
    let mut picture = ScreenPicture::new((1280, 800), Orientation::default()).expect("a size");
    let mut state = state(Theme::Dark);
    // Warnings are red.
    state.status.clear();
    picture.draw(&state, Some(&feed())).expect("drawn");
    assert!(shown(&mut picture).pixels().any(is_red));
    picture.draw(&state, None).expect("drawn");
    let image = shown(&mut picture);
    assert!(!image.pixels().any(is_red));
    let ground = image.get_pixel(10, 10);
    assert!((0..500).all(|x| image.get_pixel(x, 300) == ground));
}

#[test]
fn an_odd_window_has_a_black_edge() {
    let mut picture = ScreenPicture::new((641, 361), Orientation::default()).expect("a size");
    picture
        .draw(&state(Theme::Bright), Some(&feed()))
        .expect("drawn");
    let image = shown(&mut picture);
    assert!((0..641).all(|x| image.get_pixel(x, 360).0 == [0; 3]));
    assert!((0..361).all(|y| image.get_pixel(640, y).0 == [0; 3]));
}

/// `cargo test -p screen --lib prints_the_time -- --ignored --nocapture`.
#[test]
#[ignore = "prints a time"]
#[expect(clippy::print_stdout, reason = "the result")]
fn prints_the_time_of_a_picture() {
    let feed = feed();
    let mut target = vec![0_u8; 1920 * 1200 * 4];
    for degrees in [0, 90] {
        let size = if degrees == 0 {
            (1920, 1200)
        } else {
            (1200, 1920)
        };
        let mut picture = ScreenPicture::new(size, orientation(degrees, false)).expect("a size");
        let mut state = state(Theme::Dark);
        let mut best = [f64::MAX; 2];
        for _ in 0..60 {
            let begin = std::time::Instant::now();
            picture.draw(&state, Some(&feed)).expect("drawn");
            best[0] = best[0].min(begin.elapsed().as_secs_f64() * 1e3);
            let begin = std::time::Instant::now();
            let wide = size.0 as usize * 4;
            let rows = picture.rows(|y, row| target[y * wide..][..wide].copy_from_slice(row));
            rows.expect("converted");
            best[1] = best[1].min(begin.elapsed().as_secs_f64() * 1e3);
        }
        state.theme = Theme::Bright;
        let mut stretched = f64::MAX;
        for _ in 0..60 {
            let begin = std::time::Instant::now();
            picture.draw(&state, Some(&feed)).expect("drawn");
            stretched = stretched.min(begin.elapsed().as_secs_f64() * 1e3);
        }
        println!(
            "{degrees}: {:.2} ms to draw, {stretched:.2} ms with more contrast, {:.2} ms to convert",
            best[0], best[1]
        );
    }
}
