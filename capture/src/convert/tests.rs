//! Each conversion against a plain double-precision reference written here.

use super::*;
use crate::picture::{PicturePool, PooledPicture};

/// Smooth colours with some noise, the same on every run: 0..=255 each.
fn rgb_at(x: usize, y: usize) -> [u8; 3] {
    let wave = |phase: f64, step: f64| {
        let angle = phase + x as f64 * step + y as f64 * step * 0.7;
        (127.5 + 127.0 * angle.sin()).round() as u8
    };
    [wave(0.0, 0.05), wave(2.0, 0.03), wave(4.0, 0.08)]
}

/// BT.601, limited range: the definition.
fn yuv_of([r, g, b]: [f64; 3]) -> [f64; 3] {
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    let (u, v) = ((b - luma) / 1.772, (r - luma) / 1.402);
    [
        16.0 + luma * 219.0 / 255.0,
        128.0 + u * 224.0 / 255.0,
        128.0 + v * 224.0 / 255.0,
    ]
}

fn bytes(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(next).collect()
}

fn limited(range: Range, value: f64, luma: bool) -> f64 {
    match (range, luma) {
        (Range::Limited, _) => value,
        (Range::Full, true) => value * 219.0 / 255.0 + 16.0,
        (Range::Full, false) => (value - 128.0) * 224.0 / 255.0 + 128.0,
    }
}

/// Compares with `luma(x, y)` and `chroma(plane, x, y)`, both limited range.
fn assert_near(
    picture: &PooledPicture,
    tolerance: f64,
    luma: impl Fn(usize, usize) -> f64,
    chroma: impl Fn(usize, usize, usize) -> f64,
) {
    let (width, planes) = (picture.width() as usize, picture.planes());
    for (at, value) in planes.y.iter().enumerate() {
        let expected = luma(at % width, at / width);
        let off = (f64::from(*value) - expected).abs();
        assert!(off <= tolerance, "luma {at}: {value}, expected {expected}");
    }
    for (plane, values) in [planes.u, planes.v].into_iter().enumerate() {
        for (at, value) in values.iter().enumerate() {
            let expected = chroma(plane, at % (width / 2), at / (width / 2));
            let off = (f64::from(*value) - expected).abs();
            assert!(
                off <= tolerance,
                "chroma {plane} {at}: {value}, expected {expected}"
            );
        }
    }
}

#[test]
fn yuyv_with_padding_and_odd_sizes() {
    let pool = PicturePool::new(1);
    for (width, height, range) in [
        (98_u32, 34_u32, Range::Limited),
        (33, 9, Range::Full),
        (2, 2, Range::Full),
    ] {
        let stride = width.div_ceil(2) as usize * 4 + 12;
        let data = bytes(stride * height as usize - 12);
        let source = Raster {
            data: &data,
            width,
            height,
            stride,
        };
        let picture = yuyv(&source, range, &pool).expect("enough bytes");
        assert_eq!(
            (picture.width(), picture.height()),
            (width & !1, height & !1)
        );
        let at = |x: usize, y: usize| f64::from(data[y * stride + x]);
        // Half a step of the row mean and half of the level.
        assert_near(
            &picture,
            1.0,
            |x, y| limited(range, at(2 * x, y), true),
            |plane, x, y| {
                let byte = 4 * x + 1 + 2 * plane;
                limited(range, (at(byte, 2 * y) + at(byte, 2 * y + 1)) / 2.0, false)
            },
        );
    }
}

#[test]
fn nv12_with_padding_and_odd_sizes() {
    let pool = PicturePool::new(1);
    for (width, height, range) in [(64_u32, 18_u32, Range::Limited), (35, 7, Range::Full)] {
        let stride = width.next_multiple_of(2) as usize + 6;
        let rows = (height + height.div_ceil(2)) as usize;
        let data = bytes(stride * rows - 6);
        let source = Raster {
            data: &data,
            width,
            height,
            stride,
        };
        let picture = nv12(&source, range, &pool).expect("enough bytes");
        let at = |x: usize, y: usize| f64::from(data[y * stride + x]);
        assert_near(
            &picture,
            0.5,
            |x, y| limited(range, at(x, y), true),
            |plane, x, y| limited(range, at(2 * x + plane, height as usize + y), false),
        );
    }
}

#[test]
fn bgr_and_rgb_agree_with_the_definition_of_bt601() {
    let pool = PicturePool::new(1);
    for (width, height) in [(130_usize, 36_usize), (37, 5)] {
        let stride = width * 3 + 5;
        let (mut bgr, mut rgb) = (vec![0; stride * height], vec![0; stride * height]);
        for (at, (x, y)) in (0..width * height)
            .map(|at| (at % width, at / width))
            .enumerate()
        {
            let [r, g, b] = rgb_at(x, y);
            let byte = y * stride + (at % width) * 3;
            bgr[byte..byte + 3].copy_from_slice(&[b, g, r]);
            rgb[byte..byte + 3].copy_from_slice(&[r, g, b]);
        }
        let raster = |data| Raster {
            data,
            width: width as u32,
            height: height as u32,
            stride,
        };
        let from_bgr = bgr24(&raster(&bgr), &pool).expect("enough bytes");
        let from_rgb = rgb24(&raster(&rgb[..stride * height - 5]), &pool).expect("enough bytes");
        let yuv = |x, y| yuv_of(rgb_at(x, y).map(f64::from));
        let chroma = |plane: usize, x: usize, y: usize| {
            let quad = [(0, 0), (1, 0), (0, 1), (1, 1)];
            quad.map(|(dx, dy)| yuv(2 * x + dx, 2 * y + dy)[1 + plane])
                .iter()
                .sum::<f64>()
                / 4.0
        };
        // The library works with 13-bit coefficients and rounds colour means to whole numbers.
        assert_near(&from_bgr, 1.2, |x, y| yuv(x, y)[0], chroma);
        assert_near(&from_rgb, 1.2, |x, y| yuv(x, y)[0], chroma);
    }
}

#[test]
fn every_planar_subsampling_range_and_padding() {
    let pool = PicturePool::new(1);
    let kinds = [
        Chroma::Mono,
        Chroma::Cs420,
        Chroma::Cs422,
        Chroma::Cs440,
        Chroma::Cs444,
    ];
    for (width, height) in [(66_u32, 20_u32), (33, 11)] {
        for (chroma, range) in kinds
            .iter()
            .flat_map(|c| [(*c, Range::Limited), (*c, Range::Full)])
        {
            let (chroma_width, chroma_height) = chroma.plane_size(width, height);
            let (y_stride, c_stride) = (width as usize + 3, chroma_width as usize + 7);
            let y = bytes(y_stride * height as usize);
            let u = bytes(c_stride * chroma_height as usize + 1);
            let v: Vec<u8> = u.iter().rev().copied().collect();
            let plane = |data, stride| Plane { data, stride };
            let (y_plane, u_plane) = (plane(&y, y_stride), plane(&u, c_stride));
            let source = Planar {
                width,
                height,
                chroma,
                range,
                y: y_plane,
                u: u_plane,
                v: plane(&v, c_stride),
            };
            let picture = planar(&source, &pool).expect("enough bytes");
            let sample = |plane: usize, x: usize, y: usize| {
                let values = if plane == 0 { &u } else { &v };
                let at = |x: usize, y: usize| f64::from(values[y * c_stride + x]);
                match chroma {
                    Chroma::Mono => 128.0,
                    Chroma::Cs420 => at(x, y),
                    Chroma::Cs422 => (at(x, 2 * y) + at(x, 2 * y + 1)) / 2.0,
                    Chroma::Cs440 => (at(2 * x, y) + at(2 * x + 1, y)) / 2.0,
                    Chroma::Cs444 => {
                        let (left, top) = (2 * x, 2 * y);
                        let upper = at(left, top) + at(left + 1, top);
                        (upper + at(left, top + 1) + at(left + 1, top + 1)) / 4.0
                    }
                }
            };
            assert_near(
                &picture,
                1.0,
                |x, row| limited(range, f64::from(y[row * y_stride + x]), true),
                |plane, x, y| limited(range, sample(plane, x, y), false),
            );
        }
    }
}

#[test]
fn contiguous_planes_are_cut_where_a_y4m_frame_has_them() {
    let pool = PicturePool::new(1);
    let data = bytes(Chroma::Cs420.picture_bytes(7, 5));
    assert_eq!(data.len(), 7 * 5 + 2 * 4 * 3);
    let source = Planar::contiguous(&data, (7, 5), Chroma::Cs420, Range::Limited).expect("exact");
    let picture = planar(&source, &pool).expect("enough");
    assert_eq!(
        &picture.planes().v[3..6],
        &data[35 + 12 + 4..][..3],
        "second row of V"
    );
    let short = Planar::contiguous(&data[1..], (7, 5), Chroma::Cs420, Range::Limited);
    assert!(matches!(
        short.unwrap_err(),
        ConvertError::TooShort {
            got: 58,
            needed: 59,
            ..
        }
    ));
}

#[test]
fn quarter_turns_move_each_corner_and_four_of_them_change_nothing() {
    let pool = PicturePool::new(4);
    let mut source = I420::black(70, 38).expect("even");
    source.data_mut().copy_from_slice(&bytes(70 * 38 * 3 / 2));
    let first_row = source.planes().y[..70].to_vec();
    let quarter = rotate(&source, Turn::Quarter, &pool).expect("fits");
    assert_eq!((quarter.width(), quarter.height()), (38, 70));
    let last_column: Vec<u8> = quarter
        .planes()
        .y
        .iter()
        .skip(37)
        .step_by(38)
        .copied()
        .collect();
    assert_eq!(
        last_column, first_row,
        "clockwise: the top row becomes the right column"
    );
    let half = rotate(&quarter, Turn::Quarter, &pool).expect("fits");
    assert!(*half == *rotate(&source, Turn::Half, &pool).expect("fits"));
    let three = rotate(&half, Turn::Quarter, &pool).expect("fits");
    assert!(*three == *rotate(&source, Turn::ThreeQuarters, &pool).expect("fits"));
    assert!(*rotate(&three, Turn::Quarter, &pool).expect("fits") == source);
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_allocated() {
    let pool = PicturePool::new(1);
    let data = [0; 64];
    let raster = |width, height, stride| Raster {
        data: &data,
        width,
        height,
        stride,
    };
    let short = yuyv(&raster(8000, 8000, 16_000), Range::Limited, &pool).unwrap_err();
    assert!(
        matches!(short, ConvertError::TooShort { got: 64, .. }),
        "{short}"
    );
    assert!(short.to_string().contains("8000x8000"), "{short}");
    let huge = nv12(
        &raster(u32::MAX, u32::MAX, usize::MAX),
        Range::Limited,
        &pool,
    )
    .unwrap_err();
    assert!(
        matches!(huge, ConvertError::Picture(PictureError::TooLarge { .. })),
        "{huge}"
    );
    let overlap = bgr24(&raster(4, 4, 11), &pool).unwrap_err();
    assert!(
        matches!(
            overlap,
            ConvertError::Stride {
                stride: 11,
                row: 12,
                ..
            }
        ),
        "{overlap}"
    );
    let wide = bgr24(&raster(4, 2, usize::MAX), &pool).unwrap_err();
    assert!(matches!(wide, ConvertError::TooShort { .. }), "{wide}");
    let flat = nv12(&raster(4, 1, 4), Range::Full, &pool).unwrap_err();
    assert_eq!(
        flat,
        ConvertError::TooSmall {
            width: 4,
            height: 1
        }
    );
    let nothing = Planar::contiguous(&[], (2, 2), Chroma::Mono, Range::Full).unwrap_err();
    assert!(
        matches!(nothing, ConvertError::TooShort { needed: 4, .. }),
        "{nothing}"
    );
    assert_eq!(pool.idle(), 0, "no picture was made");
}

#[test]
fn every_level_agrees_with_floating_point() {
    for value in 0..=255_u8 {
        let real = f64::from(value);
        let limited_y = (real * 219.0 / 255.0 + 16.0).round();
        let limited_c = ((real - 128.0) * 224.0 / 255.0 + 128.0).round();
        let full_y = ((real - 16.0) * 255.0 / 219.0).round().clamp(0.0, 255.0);
        let full_c = ((real - 128.0) * 255.0 / 224.0 + 128.0)
            .round()
            .clamp(0.0, 255.0);
        assert_eq!(f64::from(luma_to_limited(value)), limited_y, "luma {value}");
        assert_eq!(
            f64::from(chroma_to_limited(value)),
            limited_c,
            "chroma {value}"
        );
        assert_eq!(f64::from(luma_to_full(value)), full_y, "luma {value} back");
        if value >= 16 {
            assert_eq!(
                f64::from(chroma_to_full(value)),
                full_c,
                "chroma {value} back"
            );
        }
    }
}

#[test]
fn limited_levels_survive_the_conversion_to_full_range_and_back() {
    for value in 16..=235 {
        assert_eq!(luma_to_limited(luma_to_full(value)), value);
    }
    for value in 16..=240 {
        assert!(chroma_to_limited(chroma_to_full(value)).abs_diff(value) <= 1);
    }
}
