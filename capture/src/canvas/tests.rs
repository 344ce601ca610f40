use super::*;

const RED: Ink = Ink::rgb(255, 0, 0);

fn grey(width: u32, height: u32) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    picture.fill(100, 128, 128);
    picture
}

fn luma(picture: &I420, x: usize, y: usize) -> u8 {
    picture.planes().y[y * picture.width() as usize + x]
}

fn red_difference(picture: &I420, x: usize, y: usize) -> u8 {
    picture.planes().v[y / 2 * picture.width() as usize / 2 + x / 2]
}

/// The area of white on black, in pixels.
fn white_area(picture: &I420) -> f64 {
    picture
        .planes()
        .y
        .iter()
        .map(|&y| (f64::from(y) - 16.0) / 219.0)
        .sum()
}

#[test]
fn colours_are_bt601_limited() {
    assert_eq!(
        Ink::WHITE,
        Ink {
            y: 235,
            u: 128,
            v: 128
        }
    );
    assert_eq!(
        Ink::BLACK,
        Ink {
            y: 16,
            u: 128,
            v: 128
        }
    );
    assert_eq!(
        RED,
        Ink {
            y: 82,
            u: 90,
            v: 240
        }
    );
    assert_eq!(
        Ink::rgb(0, 0, 255),
        Ink {
            y: 41,
            u: 240,
            v: 110
        }
    );
}

#[test]
fn a_filled_rectangle_covers_its_pixels_and_no_other() {
    let mut picture = grey(16, 16);
    Canvas::new(&mut picture).fill_rect(Rect::new(3, 5, 6, 4), RED, 255);
    for y in 0..16 {
        for x in 0..16 {
            let inside = (3..9).contains(&x) && (5..9).contains(&y);
            assert_eq!(
                luma(&picture, x, y),
                if inside { 82 } else { 100 },
                "{x},{y}"
            );
        }
    }
    assert_eq!(red_difference(&picture, 4, 6), 240, "whole chroma cell");
    assert_eq!(
        red_difference(&picture, 2, 6),
        184,
        "half of the cell is red"
    );
    assert_eq!(
        red_difference(&picture, 2, 5),
        156,
        "a quarter of the cell is red"
    );
    assert_eq!(red_difference(&picture, 0, 0), 128);
}

#[test]
fn alpha_mixes() {
    let mut picture = grey(4, 4);
    let all = Rect::new(-5, -5, 100, 100);
    Canvas::new(&mut picture).fill_rect(all, Ink::WHITE, 0);
    assert_eq!(luma(&picture, 0, 0), 100);
    Canvas::new(&mut picture).fill_rect(all, Ink::WHITE, 128);
    assert!(
        luma(&picture, 3, 3).abs_diff(168) <= 1,
        "{}",
        luma(&picture, 3, 3)
    );
}

#[test]
fn a_stroke_stays_inside_its_rectangle() {
    let mut picture = grey(20, 20);
    Canvas::new(&mut picture).stroke_rect(Rect::new(4, 4, 10, 8), 2, RED);
    for y in 0..20 {
        for x in 0..20 {
            let outer = (4..14).contains(&x) && (4..12).contains(&y);
            let inner = (6..12).contains(&x) && (6..10).contains(&y);
            assert_eq!(luma(&picture, x, y) == 82, outer && !inner, "{x},{y}");
        }
    }
}

#[test]
fn polygons_and_ellipses_have_the_area_they_should() {
    let mut picture = I420::black(200, 200).expect("even");
    let square = [(10.25, 10.5), (60.25, 10.5), (60.25, 60.5), (10.25, 60.5)];
    Canvas::new(&mut picture).fill_polygon(&square, Ink::WHITE);
    assert!(
        (white_area(&picture) - 2500.0).abs() < 25.0,
        "{}",
        white_area(&picture)
    );

    let mut picture = I420::black(200, 200).expect("even");
    Canvas::new(&mut picture).fill_ellipse(100.3, 99.7, 60.0, 40.0, Ink::WHITE);
    let expected = std::f64::consts::PI * 2400.0;
    assert!(
        (white_area(&picture) / expected - 1.0).abs() < 0.01,
        "{}",
        white_area(&picture)
    );

    let mut picture = I420::black(200, 200).expect("even");
    Canvas::new(&mut picture).line((20.0, 20.0), (150.0, 110.0), 6.0, Ink::WHITE);
    let expected = 130f64.hypot(90.0) * 6.0;
    assert!(
        (white_area(&picture) / expected - 1.0).abs() < 0.02,
        "{}",
        white_area(&picture)
    );
}

#[test]
fn edges_of_polygons_are_soft() {
    let mut picture = I420::black(40, 40).expect("even");
    let triangle = [(2.0, 2.0), (38.0, 20.0), (2.0, 38.0)];
    Canvas::new(&mut picture).fill_polygon(&triangle, Ink::WHITE);
    let soft = picture
        .planes()
        .y
        .iter()
        .filter(|&&y| y > 30 && y < 220)
        .count();
    assert!(soft > 20, "{soft} soft pixels");
    assert_eq!(luma(&picture, 5, 20), 235);
}

#[test]
fn round_rectangles_meet_at_their_seams() {
    for (x, y, width, height) in [(5, 5, 50, 30), (4, 7, 51, 21), (9, 8, 14, 60)] {
        let rect = Rect::new(x, y, width, height);
        let mut picture = I420::black(80, 80).expect("even");
        Canvas::new(&mut picture).fill_round_rect(rect, 6.0, Ink::WHITE, 255);
        let cut = (4.0 - std::f64::consts::PI) * 36.0;
        let expected = f64::from(width * height) - cut;
        assert!(
            (white_area(&picture) / expected - 1.0).abs() < 0.01,
            "{}",
            white_area(&picture)
        );

        let mut picture = I420::black(80, 80).expect("even");
        Canvas::new(&mut picture).stroke_round_rect(rect, 6.0, 3, Ink::WHITE);
        let (left, right) = (x as usize, rect.right() as usize - 1);
        let middle = (y + height / 2) as usize;
        assert_eq!(luma(&picture, left, middle), 235);
        assert_eq!(luma(&picture, left + 2, middle), 235);
        assert_eq!(luma(&picture, left + 3, middle), 16);
        assert_eq!(luma(&picture, right, middle), 235);
        assert_eq!(luma(&picture, left, y as usize), 16, "the corner is round");
        let inner = f64::from((width - 6) * (height - 6)) - (4.0 - std::f64::consts::PI) * 9.0;
        let ring = expected - inner;
        assert!(
            (white_area(&picture) / ring - 1.0).abs() < 0.02,
            "{}",
            white_area(&picture)
        );
    }
}

#[test]
fn masks_are_clipped_and_short_ones_are_ignored() {
    let mut picture = grey(8, 8);
    let mask = Mask {
        width: 4,
        height: 4,
        coverage: vec![255; 16],
    };
    let mut canvas = Canvas::new(&mut picture);
    canvas.blend_mask(-2, -2, &mask, RED);
    canvas.blend_mask(i32::MAX, i32::MIN, &mask, RED);
    canvas.blend_mask(
        6,
        6,
        &Mask {
            width: 900,
            height: 900,
            coverage: vec![255; 3],
        },
        RED,
    );
    canvas.blend_mask(
        5,
        0,
        &Mask {
            width: u32::MAX,
            height: u32::MAX,
            coverage: vec![],
        },
        RED,
    );
    assert_eq!((luma(&picture, 0, 0), luma(&picture, 1, 1)), (82, 82));
    assert_eq!((luma(&picture, 2, 0), luma(&picture, 0, 2)), (100, 100));
    assert_eq!(red_difference(&picture, 0, 0), 240);
}

#[test]
fn nothing_leaves_the_clip() {
    let clip = Rect::new(5, 3, 9, 7);
    let mut picture = grey(20, 20);
    let mut canvas = Canvas::new(&mut picture).clipped(clip);
    let all = Rect::of_size(20, 20);
    canvas.fill_rect(all, RED, 255);
    canvas.fill_polygon(&[(-50.0, -50.0), (90.0, -50.0), (20.0, 90.0)], RED);
    canvas.fill_ellipse(10.0, 10.0, 30.0, 30.0, RED);
    canvas.line((0.0, 0.0), (20.0, 20.0), 9.0, RED);
    canvas.fill_round_rect(all, 4.0, RED, 200);
    canvas.stroke_round_rect(all, 4.0, 7, RED);
    canvas.blend_mask(
        0,
        0,
        &Mask {
            width: 20,
            height: 20,
            coverage: vec![255; 400],
        },
        RED,
    );
    for y in 0..20 {
        for x in 0..20 {
            let inside = (5..14).contains(&x) && (3..10).contains(&y);
            assert_eq!(
                luma(&picture, x, y),
                if inside { 82 } else { 100 },
                "{x},{y}"
            );
        }
    }
}

#[test]
fn no_coordinates_panic() {
    let mut picture = grey(16, 12);
    let mut canvas = Canvas::new(&mut picture);
    let wild = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        1e9,
        -3.5,
        0.0,
        7.0,
    ];
    let whole = [
        i32::MIN,
        i32::MIN + 1,
        -7,
        -1,
        0,
        1,
        5,
        i32::MAX - 1,
        i32::MAX,
    ];
    for a in wild {
        for b in wild {
            canvas.line((a, b), (b, 3.0), a, RED);
            canvas.fill_ellipse(a, b, b, a, RED);
            canvas.fill_ellipse(5.0, a, b, 4.0, RED);
            canvas.fill_polygon(&[(a, b), (b, a), (3.0, 4.0), (a, 1.0)], RED);
            canvas.fill_polygon(&[(a, b)], RED);
        }
    }
    for x in whole {
        for y in whole {
            for side in whole {
                let rect = Rect::new(x, y, side, y);
                canvas.fill_rect(rect, RED, 77);
                canvas.stroke_rect(rect, side.unsigned_abs(), RED);
                canvas.fill_round_rect(rect, x as f32, RED, 9);
                canvas.stroke_round_rect(rect, y as f32, side.unsigned_abs(), RED);
                canvas.stroke_round_rect(rect, f32::NAN, 2, RED);
            }
        }
    }
}
