use super::*;

const GRAIN: Grain = Grain {
    cells: 12,
    least_px: 8,
};

/// Noise in all three planes.
fn noise(width: u32, height: u32) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    let mut state = 1_u32;
    for sample in picture.data_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample = (state >> 24) as u8;
    }
    picture
}

/// A picture whose left half is dark and whose right half is bright, in all planes.
fn step(width: u32, height: u32) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    let planes = picture.planes_mut();
    for (plane, width) in [
        (planes.y, width as usize),
        (planes.u, width as usize / 2),
        (planes.v, width as usize / 2),
    ] {
        for line in plane.chunks_exact_mut(width) {
            line[..width / 2].fill(30);
            line[width / 2..].fill(220);
        }
    }
    picture
}

#[test]
fn no_detail_and_no_edge_is_left_in_any_plane() {
    for mut picture in [noise(320, 240), step(320, 240)] {
        let width = picture.width() as usize;
        Blur::default().blur(&mut picture, Rect::of_size(320, 240), GRAIN);
        let planes = picture.planes();
        for (plane, width) in [
            (planes.y, width),
            (planes.u, width / 2),
            (planes.v, width / 2),
        ] {
            for line in plane.chunks_exact(width) {
                let steepest = line.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
                assert!(steepest <= Some(16), "{steepest:?}");
            }
            let rows: Vec<_> = plane.chunks_exact(width).collect();
            for rows in rows.windows(2) {
                let across = rows[0].iter().zip(rows[1]);
                assert!(across.map(|(a, b)| a.abs_diff(*b)).max() <= Some(16));
            }
        }
    }
}

#[test]
fn the_colour_of_a_plain_area_stays() {
    let mut picture = I420::black(64, 48).expect("even");
    picture.fill(200, 90, 170);
    let before = picture.clone();
    Blur::default().blur(&mut picture, Rect::new(7, 5, 33, 21), GRAIN);
    assert!(picture == before);
}

#[test]
fn what_is_hidden_depends_on_the_means_of_the_cells_alone() {
    // Two pictures that differ only by a pattern inside of the cells become the same.
    let mut pictures = [[100, 140], [140, 100]].map(|pair| {
        let mut picture = I420::black(192, 96).expect("even");
        let lumas = picture.planes_mut().y.iter_mut().enumerate();
        lumas.for_each(|(at, luma)| *luma = pair[at % 2]);
        picture
    });
    for picture in &mut pictures {
        Blur::default().blur(picture, Rect::of_size(192, 96), GRAIN);
    }
    assert!(pictures[0] == pictures[1]);
}

#[test]
fn nothing_outside_of_the_area_changes() {
    let before = noise(128, 96);
    let mut picture = before.clone();
    Blur::default().blur(&mut picture, Rect::new(31, 21, 40, 30), GRAIN);
    let is_inside = |x: usize, y: usize| (30..72).contains(&x) && (20..52).contains(&y);
    let (old, new) = (before.planes(), picture.planes());
    for at in (0..128 * 96).filter(|at| !is_inside(at % 128, at / 128)) {
        assert_eq!(old.y[at], new.y[at]);
    }
    for at in (0..64 * 48).filter(|at| !is_inside(at % 64 * 2, at / 64 * 2)) {
        assert_eq!((old.u[at], old.v[at]), (new.u[at], new.v[at]));
    }
    assert_ne!(
        old.y[20 * 128 + 30..20 * 128 + 72],
        new.y[20 * 128 + 30..20 * 128 + 72]
    );
}

#[test]
fn areas_of_every_size_are_blurred_without_a_panic() {
    let mut blur = Blur::default();
    for side in 1..40 {
        for area in [
            Rect::new(3, 3, side, 1),
            Rect::new(-5, -5, 5 + side, 60),
            Rect::new(60 - side, 40, i32::MAX, i32::MAX),
            Rect::new(i32::MIN, 0, i32::MAX, side),
        ] {
            for cells in [0, 1, 12, 900] {
                let least_px = 0;
                blur.blur(&mut noise(64, 48), area, Grain { cells, least_px });
            }
        }
    }
    blur.blur(&mut noise(2, 2), Rect::of_size(2, 2), GRAIN);
}

#[test]
fn a_polygon_covers_every_pixel_it_touches() {
    let size = (64, 32);
    let covered = |points: &[[f32; 2]]| {
        let mut spans = Vec::new();
        polygon_spans(points, size, &mut spans);
        let mut picture = I420::black(64, 32).expect("even");
        fill_spans(&mut picture, spans, Ink::WHITE);
        let lit = |x: u32, y: u32| picture.planes().y[(y * 64 + x) as usize] == 235;
        (0..32)
            .flat_map(|y| (0..64).map(move |x| (x, y)))
            .filter(|(x, y)| lit(*x, *y))
            .count()
    };
    assert_eq!(
        covered(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        64 * 32
    );
    // Half a pixel on each side.
    let (x1, x2, y1, y2) = (7.5 / 64.0, 16.5 / 64.0, 3.5 / 32.0, 8.5 / 32.0);
    assert_eq!(covered(&[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), 10 * 6);
    // Crossing itself, and turned the other way.
    assert!(covered(&[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]) >= 64 * 32 / 2);
    let triangle = [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
    assert!(covered(&triangle) > 64 * 32 / 2);
    assert_eq!(covered(&[[0.5, 0.5]; 3]), 0);
}
