use super::colour::convert_row;
use super::*;
use crate::models::manifest::{InputElement, Layout, Manifest};

fn entry(name: &str) -> Arc<ModelEntry> {
    Arc::clone(
        Manifest::built_in()
            .expect("valid")
            .by_name(name)
            .expect("known"),
    )
}

/// BT.601 limited range in f64, as the recommendation defines it.
fn to_yuv(r: u8, g: u8, b: u8) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(|value| f64::from(value) / 255.0);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let luma = 16.0 + 219.0 * y;
    let cb = 128.0 + 224.0 * (b - y) / 1.772;
    let cr = 128.0 + 224.0 * (r - y) / 1.402;
    [luma, cb, cr].map(|value| value.round() as u8)
}

/// The result of the last preparation, of a network that takes f32.
fn floats(preprocessor: &Preprocessor) -> ndarray::ArrayView4<'_, f32> {
    match &preprocessor.tensor().values {
        InputValues::F32(array) => array.view(),
        other => panic!("{other:?}"),
    }
}

fn plain(width: u32, height: u32, [y, u, v]: [u8; 3]) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    picture.fill(y, u, v);
    picture
}

#[test]
fn letterbox_keeps_the_aspect_and_pads_with_grey_below() {
    let mut preprocessor = Preprocessor::new(entry("yolox_nano"));
    let fit = preprocessor.prepare(&plain(1280, 720, to_yuv(200, 100, 50)));
    assert_eq!(fit.inside, (416, 234));
    let tensor = floats(&preprocessor);
    // BGR, no normalisation.
    for (channel, wanted) in [50.0, 100.0, 200.0].into_iter().enumerate() {
        assert!(
            (tensor[[0, channel, 233, 415]] - wanted).abs() < 2.0,
            "{channel}"
        );
        assert_eq!(tensor[[0, channel, 234, 0]], 114.0);
        assert_eq!(tensor[[0, channel, 415, 415]], 114.0);
    }
}

#[test]
fn nothing_of_another_frame_size_is_left() {
    let mut preprocessor = Preprocessor::new(entry("yolox_nano"));
    preprocessor.prepare(&plain(720, 1280, to_yuv(255, 255, 255)));
    preprocessor.prepare(&plain(1280, 720, to_yuv(0, 0, 0)));
    let mut fresh = Preprocessor::new(entry("yolox_nano"));
    fresh.prepare(&plain(1280, 720, to_yuv(0, 0, 0)));
    assert_eq!(floats(&preprocessor), floats(&fresh));
}

#[test]
fn colours_are_normalised_in_the_order_that_the_model_wants() {
    let red = plain(640, 480, to_yuv(220, 30, 60));
    let mut bgr = Preprocessor::new(entry("nanodet_plus_m_320"));
    assert_eq!(bgr.prepare(&red).inside, (320, 320), "stretched");
    let wanted = [
        (60.0 - 103.53) / 57.375,
        (30.0 - 116.28) / 57.12,
        (220.0 - 123.675) / 58.395,
    ];
    for (channel, wanted) in wanted.into_iter().enumerate() {
        let found = floats(&bgr)[[0, channel, 160, 160]];
        assert!((found - wanted).abs() < 0.03, "{channel}: {found} {wanted}");
    }
    let mut rgb = Preprocessor::new(entry("deimv2_hgnetv2_atto_coco"));
    rgb.prepare(&red);
    for (channel, wanted) in [220.0, 30.0, 60.0].into_iter().enumerate() {
        let found = floats(&rgb)[[0, channel, 0, 0]] * 255.0;
        assert!((found - wanted).abs() < 2.0, "{channel}: {found} {wanted}");
    }
}

#[test]
fn every_colour_agrees_with_bt601() {
    // All combinations of a grid, one pixel each, without scaling.
    let levels = [16u8, 40, 90, 128, 170, 235, 255, 0];
    let mut worst = 0f64;
    for place in 0..levels.len().pow(3) {
        let [y, u, v] = [place / 64, place / 8 % 8, place % 8].map(|level| levels[level]);
        let (mut r, mut g, mut b) = ([0.0], [0.0], [0.0]);
        convert_row(
            [&[y], &[u], &[v]],
            [&mut r, &mut g, &mut b],
            [(1.0, 0.0); 3],
        );
        let luma = (f64::from(y) - 16.0) / 219.0;
        let (cb, cr) = (
            (f64::from(u) - 128.0) / 224.0,
            (f64::from(v) - 128.0) / 224.0,
        );
        let (red, blue) = (luma + 1.402 * cr, luma + 1.772 * cb);
        let green = (luma - 0.299 * red - 0.114 * blue) / 0.587;
        for (ours, wanted) in [(r, red), (g, green), (b, blue)] {
            let wanted = (wanted * 255.0).clamp(0.0, 255.0);
            worst = worst.max((f64::from(ours[0]) - wanted).abs());
        }
    }
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn scaled_planes_stay_in_register() {
    // A vertical edge at three quarters of the width, in luma and in chroma: after scaling both
    // must change at the same column.
    let mut picture = plain(1280, 720, to_yuv(0, 0, 0));
    let white_blue = to_yuv(0, 0, 255);
    let planes = picture.planes_mut();
    for (plane, width, value) in [
        (planes.y, 1280, white_blue[0]),
        (planes.u, 640, white_blue[1]),
        (planes.v, 640, white_blue[2]),
    ] {
        plane
            .chunks_exact_mut(width)
            .for_each(|row| row[width * 3 / 4..].fill(value));
    }
    let mut preprocessor = Preprocessor::new(entry("yolox_nano"));
    preprocessor.prepare(&picture);
    let tensor = floats(&preprocessor);
    let blue = |x: usize| tensor[[0, 0, 100, x]];
    assert!(
        blue(309) < 12.0 && blue(314) > 243.0,
        "{} {}",
        blue(309),
        blue(314)
    );
}

#[test]
fn boxes_are_mapped_back_to_the_frame() {
    let letterboxed = Fit::new((1280, 720), &entry("yolox_nano").input);
    let whole = BBox::new(0.0, 0.0, 416.0, 234.0);
    let frame = BBox::new(0.0, 0.0, 1280.0, 720.0);
    assert_eq!(letterboxed.to_frame(&whole), Some(frame));
    assert_eq!(
        letterboxed.to_frame(&whole.scaled(3.0, 3.0)),
        Some(frame),
        "clipped"
    );
    let stretched = Fit::new((640, 360), &entry("nanodet_plus_m_320").input);
    let middle = BBox::new(80.0, 80.0, 240.0, 240.0);
    let wanted = BBox::new(160.0, 90.0, 480.0, 270.0);
    assert_eq!(stretched.to_frame(&middle), Some(wanted));
    let grey = BBox::new(0.0, 300.0, 100.0, 400.0);
    assert_eq!(letterboxed.to_frame(&grey), None, "in the padding");
}

#[test]
fn any_size_of_picture_can_be_painted() {
    let mut preprocessor = Preprocessor::new(entry("yolox_nano"));
    for (width, height) in [(2, 2), (8192, 2), (2, 8192), (416, 416), (64, 48)] {
        preprocessor.prepare(&plain(width, height, [90, 128, 128]));
        assert!(floats(&preprocessor).iter().all(|value| value.is_finite()));
    }
}

/// The same contract in every type and order of axes, and the bytes of YOLOX's contract.
#[test]
fn types_and_orders_of_axes_hold_the_same_numbers() {
    let mut picture = plain(160, 90, to_yuv(220, 30, 60));
    picture.planes_mut().y[..160 * 40].fill(200);
    for colour in [ColourOrder::Rgb, ColourOrder::Bgr] {
        let prepared = |layout: Layout, element: InputElement, resize: Resize| {
            let mut entry = (*entry("yolox_nano")).clone();
            let input = &mut entry.input;
            (input.width, input.height) = (96, 64);
            (input.layout, input.element) = (layout, element);
            (input.colour, input.resize) = (colour, resize);
            let mut preprocessor = Preprocessor::new(Arc::new(entry));
            preprocessor.prepare(&picture);
            preprocessor
        };
        for resize in [Resize::Stretch, Resize::LetterboxCentre { pad: 114 }] {
            let wanted = prepared(Layout::Nchw, InputElement::F32, resize);
            let wanted = floats(&wanted);
            for layout in [Layout::Nchw, Layout::Nhwc] {
                for element in [InputElement::F32, InputElement::F16, InputElement::U8] {
                    let prepared = prepared(layout, element, resize);
                    let found = match &prepared.tensor().values {
                        InputValues::F32(array) => array.clone(),
                        InputValues::F16(array) => array.map(|value| value.to_f32()),
                        InputValues::U8(array) => array.map(|value| f32::from(*value)),
                    };
                    assert_eq!(found.shape(), layout.shape(96, 64));
                    let found = match layout {
                        Layout::Nchw => found,
                        Layout::Nhwc => found.permuted_axes([0, 3, 1, 2]),
                    };
                    // A number of f16 up to 255 is at most a sixteenth off, a byte half of one.
                    let off = (&found - &wanted).map(|off| off.abs());
                    let most = off.iter().copied().fold(0.0, f32::max);
                    assert!(most <= 0.5, "{layout:?} {element:?}: {most}");
                }
            }
        }
    }
}

#[test]
fn a_letterbox_in_the_middle_has_padding_on_both_sides_and_is_undone() {
    let mut contract = entry("yolox_nano").input.clone();
    contract.resize = Resize::LetterboxCentre { pad: 114 };
    // As `LetterBox` of Ultralytics computes it.
    let cases = [
        ((1280, 720), (416, 234), (0, 91)),
        ((720, 1280), (234, 416), (91, 0)),
        ((640, 427), (416, 278), (0, 69)),
        ((333, 500), (277, 416), (69, 0)),
    ];
    for (frame, inside, offset) in cases {
        let fit = Fit::new(frame, &contract);
        assert_eq!((fit.inside, fit.offset), (inside, offset), "{frame:?}");
        let corner = (inside.0 as f32, inside.1 as f32);
        let whole = BBox::new(0.0, 0.0, corner.0, corner.1);
        let whole = whole.moved(offset.0 as f32, offset.1 as f32);
        let wanted = BBox::new(0.0, 0.0, frame.0 as f32, frame.1 as f32);
        let found = fit.to_frame(&whole).expect("in the picture");
        assert!(found.iou(&wanted) > 0.9999, "{found:?}");
    }
    let mut entry = (*entry("yolox_nano")).clone();
    entry.input = contract;
    let mut preprocessor = Preprocessor::new(Arc::new(entry));
    preprocessor.prepare(&plain(1280, 720, to_yuv(255, 255, 255)));
    let tensor = floats(&preprocessor);
    let rows = [0, 90, 91, 324, 325, 415].map(|row| tensor[[0, 0, row, 200]]);
    assert_eq!(
        rows.map(|value| value > 200.0),
        [false, false, true, true, false, false]
    );
    assert_eq!((rows[0], rows[5]), (114.0, 114.0));
}

/// The whole way for one pixel at a time in f64, from the definitions alone.
#[test]
fn the_tensor_agrees_with_a_plain_reference() {
    let mut picture = I420::black(320, 180).expect("even");
    for (place, sample) in picture.data_mut().iter_mut().enumerate() {
        let (x, y) = (place % 320, place / 320);
        *sample = (128.0 + 70.0 * (x as f64 / 9.0).sin() + 40.0 * (y as f64 / 5.0).cos()) as u8;
    }
    for name in ["yolox_nano", "nanodet_plus_m_416", "ultraface_rfb_320"] {
        let entry = entry(name);
        let (contract, planes) = (&entry.input, picture.planes());
        let mut preprocessor = Preprocessor::new(Arc::clone(&entry));
        let fit = preprocessor.prepare(&picture);
        let tensor = floats(&preprocessor);
        let sample = |plane: &[u8], size: (usize, usize), x: u32, y: u32| {
            let place = |at: u32, inside: u32, side: usize| {
                let exact = (f64::from(at) + 0.5) * side as f64 / f64::from(inside) - 0.5;
                let exact = exact.clamp(0.0, side as f64 - 1.0);
                let first = exact as usize;
                (first, (first + 1).min(side - 1), exact.fract())
            };
            let (left, right, along) = place(x, fit.inside.0, size.0);
            let (top, bottom, down) = place(y, fit.inside.1, size.1);
            let at = |x: usize, y: usize| f64::from(plane[y * size.0 + x]);
            let upper = at(left, top) * (1.0 - along) + at(right, top) * along;
            let lower = at(left, bottom) * (1.0 - along) + at(right, bottom) * along;
            upper * (1.0 - down) + lower * down
        };
        let mut worst = 0.0_f64;
        for (x, y) in (0..fit.inside.1).flat_map(|y| (0..fit.inside.0).map(move |x| (x, y))) {
            let luma = (sample(planes.y, (320, 180), x, y) - 16.0) * 255.0 / 219.0;
            let cb = (sample(planes.u, (160, 90), x, y) - 128.0) * 255.0 / 224.0;
            let cr = (sample(planes.v, (160, 90), x, y) - 128.0) * 255.0 / 224.0;
            let (red, blue) = (luma + 1.402 * cr, luma + 1.772 * cb);
            let green = luma - (0.299 * 1.402 * cr + 0.114 * 1.772 * cb) / 0.587;
            let mut rgb = [red, green, blue].map(|value| value.clamp(0.0, 255.0));
            if contract.colour == ColourOrder::Bgr {
                rgb.reverse();
            }
            for (channel, value) in rgb.into_iter().enumerate() {
                let (mean, std) = (contract.mean[channel], contract.std[channel]);
                let found = tensor[[0, channel, y as usize, x as usize]];
                let found = f64::from(found * std + mean);
                worst = worst.max((found - value).abs());
            }
        }
        // Each plane is rounded to a level, and weights to 256ths; blue has twice the weight of its plane.
        assert!(worst < 4.0, "{name}: {worst} of 255");
    }
}

#[test]
fn a_frame_allocates_nothing_after_the_first_one() {
    for element in [InputElement::F32, InputElement::F16, InputElement::U8] {
        let mut entry = (*entry("yolox_nano")).clone();
        entry.input.element = element;
        let mut preprocessor = Preprocessor::new(Arc::new(entry));
        let places = |preprocessor: &Preprocessor| {
            let tensor = match &preprocessor.tensor().values {
                InputValues::F32(array) => array.as_ptr().cast::<u8>(),
                InputValues::F16(array) => array.as_ptr().cast::<u8>(),
                InputValues::U8(array) => array.as_ptr(),
            };
            let rows = preprocessor.rows.each_ref().map(|row| row.as_ptr());
            let channels = preprocessor.channels.each_ref().map(|row| row.as_ptr());
            (tensor, rows, channels)
        };
        preprocessor.prepare(&plain(1920, 1080, [90, 128, 128]));
        let before = places(&preprocessor);
        for luma in [40, 200] {
            preprocessor.prepare(&plain(1920, 1080, [luma, 128, 128]));
            assert_eq!(places(&preprocessor), before, "{element:?}");
        }
    }
}

#[test]
#[ignore = "measures time"]
#[allow(clippy::print_stderr)]
fn the_cost_of_a_720p_picture() {
    let mut picture = I420::black(1280, 720).expect("even");
    for (place, sample) in picture.data_mut().iter_mut().enumerate() {
        *sample = 40 + (place * 7919 % 150) as u8;
    }
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for element in [InputElement::F32, InputElement::F16, InputElement::U8] {
            let mut entry = (*entry("yolox_nano")).clone();
            (entry.input.element, entry.input.layout) = (element, layout);
            let mut preprocessor = Preprocessor::new(Arc::new(entry));
            let mut times: Vec<f64> = (0..300)
                .map(|_| {
                    let start = std::time::Instant::now();
                    preprocessor.prepare(&picture);
                    start.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let (least, median) = (times[0], times[150]);
            eprintln!("{layout:?} {element:?}: least {least:.3} ms, median {median:.3} ms");
        }
    }
}
