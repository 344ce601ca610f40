//! Against the `image` crate, an independent decoder, and against broken input.

mod nonconforming;

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::*;
use crate::picture::{I420, PicturePool};

/// A smooth RGB picture: chroma survives subsampling, so that decoders can be compared.
fn smooth_rgb(width: usize, height: usize) -> Vec<u8> {
    let level = |phase: f64, x: usize, y: usize| {
        let angle = phase + x as f64 * 0.03 + y as f64 * 0.05;
        (127.5 + 100.0 * angle.sin()).round() as u8
    };
    (0..width * height)
        .flat_map(|at| [0.0, 2.1, 4.2].map(|phase| level(phase, at % width, at / width)))
        .collect()
}

pub(super) fn jpeg_of(
    width: usize,
    height: usize,
    subsamp: Subsamp,
    tune: impl Fn(&mut Compressor),
) -> Vec<u8> {
    let pixels = smooth_rgb(width, height);
    let mut compressor = Compressor::new().expect("starts");
    compressor.set_quality(95).expect("in range");
    compressor.set_subsamp(subsamp).expect("known");
    tune(&mut compressor);
    let format = PixelFormat::RGB;
    let image = Image {
        pixels: &pixels[..],
        width,
        pitch: width * 3,
        height,
        format,
    };
    compressor.compress_to_vec(image).expect("compresses")
}

pub(super) fn decode(jpeg: &[u8]) -> Result<I420, JpegError> {
    let picture = JpegDecoder::new()?.decode(jpeg, &PicturePool::new(1))?;
    Ok(I420::clone(&picture))
}

/// Limited-range BT.601 of the picture as the `image` crate sees it.
fn reference(jpeg: &[u8]) -> (usize, Vec<[f64; 3]>) {
    let rgb = image::load_from_memory(jpeg).expect("a JPEG").to_rgb8();
    let yuv = |pixel: &image::Rgb<u8>| {
        let [r, g, b] = pixel.0.map(f64::from);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        let (u, v) = ((b - luma) / 1.772, (r - luma) / 1.402);
        [
            16.0 + luma * 219.0 / 255.0,
            128.0 + u * 224.0 / 255.0,
            128.0 + v * 224.0 / 255.0,
        ]
    };
    (rgb.width() as usize, rgb.pixels().map(yuv).collect())
}

/// Two decoders differ in their DCT and in how they enlarge chroma: three levels at most.
fn assert_agrees(picture: &I420, jpeg: &[u8], kind: &str) {
    let (stride, expected) = reference(jpeg);
    let (width, planes) = (picture.width() as usize, picture.planes());
    for (at, value) in planes.y.iter().enumerate() {
        let luma = expected[at / width * stride + at % width][0];
        assert!(
            (f64::from(*value) - luma).abs() <= 3.0,
            "{kind} luma {at}: {value}, {luma}"
        );
    }
    for (plane, values) in [(1, planes.u), (2, planes.v)] {
        for (at, value) in values.iter().enumerate() {
            let (x, y) = (at % (width / 2) * 2, at / (width / 2) * 2);
            let quad = [(0, 0), (1, 0), (0, 1), (1, 1)];
            let sum: f64 = quad
                .iter()
                .map(|(dx, dy)| expected[(y + dy) * stride + x + dx][plane])
                .sum();
            let off = (f64::from(*value) - sum / 4.0).abs();
            assert!(
                off <= 3.0,
                "{kind} plane {plane} at {x},{y}: {value}, {}",
                sum / 4.0
            );
        }
    }
}

#[test]
fn every_subsampling_even_and_odd_agrees_with_another_decoder() {
    let kinds = [
        Subsamp::Sub2x2,
        Subsamp::Sub2x1,
        Subsamp::Sub1x2,
        Subsamp::None,
        Subsamp::Gray,
        Subsamp::Sub4x1,
    ];
    for (width, height) in [(160, 96), (97, 51)] {
        for subsamp in kinds {
            let jpeg = jpeg_of(width, height, subsamp, |_| ());
            let picture = decode(&jpeg).expect("decodes");
            let size = (picture.width() as usize, picture.height() as usize);
            assert_eq!(size, (width & !1, height & !1));
            assert_agrees(&picture, &jpeg, &format!("{subsamp:?} {width}x{height}"));
        }
    }
}

#[test]
fn progressive_and_rgb_inside_are_read_and_cmyk_is_named() {
    let progressive = jpeg_of(120, 80, Subsamp::Sub2x2, |compressor| {
        compressor.set_progressive(true).expect("settable");
    });
    assert_agrees(
        &decode(&progressive).expect("decodes"),
        &progressive,
        "progressive",
    );
    let rgb = jpeg_of(120, 80, Subsamp::None, |compressor| {
        compressor
            .set_colorspace(turbojpeg::Colorspace::RGB)
            .expect("settable");
    });
    assert_agrees(&decode(&rgb).expect("decodes"), &rgb, "RGB");
    let pixels = vec![90; 16 * 16 * 4];
    let format = PixelFormat::CMYK;
    let image = Image {
        pixels: &pixels[..],
        width: 16,
        pitch: 64,
        height: 16,
        format,
    };
    let cmyk = Compressor::new()
        .expect("starts")
        .compress_to_vec(image)
        .expect("compresses");
    let error = decode(&cmyk).unwrap_err();
    assert!(matches!(error, JpegError::Unsupported(_)), "{error}");
}

#[test]
fn motion_jpeg_without_huffman_tables_and_with_stray_bytes_is_read() {
    let whole = jpeg_of(160, 96, Subsamp::Sub2x1, |_| ());
    let expected = decode(&whole).expect("decodes");
    let mut bare = whole[..2].to_vec();
    let mut at = 2;
    while whole[at + 1] != 0xda {
        let len = 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        if whole[at + 1] != 0xc4 {
            bare.extend_from_slice(&whole[at..at + len]);
        }
        at += len;
    }
    bare.extend_from_slice(&whole[at..]);
    assert!(bare.len() + 300 < whole.len(), "the tables are gone");
    assert!(decode(&bare).expect("standard tables") == expected);
    let mut stray = whole.clone();
    let end = stray.len() - 2;
    stray.splice(end..end, [0x11, 0x22, 0x33]);
    assert!(decode(&stray).expect("as many webcams send it") == expected);
    let mut padded = whole;
    padded.extend_from_slice(&[0; 64]);
    assert!(decode(&padded).expect("padding after the end") == expected);
}

#[test]
fn broken_input_is_an_error_that_names_it() {
    let whole = jpeg_of(320, 240, Subsamp::Sub2x2, |_| ());
    for keep in [whole.len() / 2, whole.len() - 40, 700] {
        let error = decode(&whole[..keep]).unwrap_err();
        assert!(
            matches!(error, JpegError::Read(JpegReadError::Truncated { .. })),
            "{keep} bytes: {error}"
        );
    }
    for keep in 0..whole.len().min(640) {
        decode(&whole[..keep]).expect_err("headers only");
    }
    let nothing = decode(&[]).unwrap_err();
    assert!(
        nothing.to_string().contains("no JPEG: it is empty"),
        "{nothing}"
    );
    let page = decode(b"<html>").unwrap_err();
    assert!(
        matches!(page, JpegError::Read(JpegReadError::NotJpeg(_))),
        "{page}"
    );
    // Start of frame: FF C0, length, precision, then height and width.
    let sof = whole
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("baseline");
    let mut huge = whole.clone();
    huge[sof + 5..sof + 9].copy_from_slice(&[0xff, 0x00, 0xff, 0x00]);
    let error = decode(&huge).unwrap_err();
    assert!(
        matches!(
            error,
            JpegError::TooLarge {
                width: 65280,
                height: 65280
            }
        ),
        "{error}"
    );
    let mut flat = whole;
    flat[sof + 5..sof + 7].copy_from_slice(&[0, 1]);
    let error = decode(&flat).unwrap_err();
    assert!(
        matches!(error, JpegError::Convert(ConvertError::TooSmall { .. })),
        "{error}"
    );
}

#[test]
fn noise_behind_a_true_header_never_ends_the_process() {
    let whole = jpeg_of(64, 48, Subsamp::Sub2x2, |_| ());
    let mut state = 7_u32;
    for _ in 0..300 {
        let mut torn = whole.clone();
        for _ in 0..8 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = 2 + (state >> 8) as usize % (torn.len() - 2);
            torn[at] = state as u8;
        }
        // Any result is accepted, if it comes soon.
        drop(decode(&torn));
    }
}

#[test]
fn what_is_encoded_comes_back_and_looks_right_to_others() {
    let mut bars = I420::black(160, 96).expect("even");
    let colours = [
        [235, 128, 128],
        [81, 90, 240],
        [145, 54, 34],
        [41, 240, 110],
        [16, 128, 128],
    ];
    let planes = bars.planes_mut();
    for (at, value) in planes.y.iter_mut().enumerate() {
        *value = colours[at % 160 / 32][0];
    }
    for (at, (u, v)) in planes.u.iter_mut().zip(planes.v).enumerate() {
        [*u, *v] = [colours[at % 80 / 16][1], colours[at % 80 / 16][2]];
    }
    let jpeg = JpegEncoder::new()
        .expect("starts")
        .encode(&bars, 92)
        .expect("encodes");
    let back = decode(&jpeg).expect("decodes");
    let worst = bars
        .data()
        .iter()
        .zip(back.data())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst <= Some(3), "{worst:?} levels off");
    let rgb = image::load_from_memory(&jpeg).expect("a JPEG").to_rgb8();
    let seen = [16, 48, 80, 112, 144].map(|x| rgb.get_pixel(x, 48).0);
    let meant = [
        [255, 255, 255],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [0, 0, 0],
    ];
    for (seen, meant) in seen.iter().zip(meant) {
        let off = seen.iter().zip(meant).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off <= Some(4), "{seen:?} instead of {meant:?}");
    }
}

#[test]
fn one_decoder_reads_many_kinds_in_a_row() {
    let (mut decoder, pool) = (JpegDecoder::new().expect("starts"), PicturePool::new(2));
    let large = jpeg_of(320, 240, Subsamp::Sub2x1, |_| ());
    let small = jpeg_of(33, 17, Subsamp::None, |_| ());
    let first = decoder
        .decode(&large, &pool)
        .expect("decodes")
        .data()
        .to_vec();
    decoder
        .decode(&large[..large.len() / 2], &pool)
        .expect_err("torn");
    let picture = decoder.decode(&small, &pool).expect("decodes");
    assert_agrees(&picture, &small, "small after large");
    assert!(decoder.decode(&large, &pool).expect("decodes").data() == first);
}

#[test]
fn a_broken_picture_does_not_spoil_the_next() {
    let picture = I420::black(64, 48).expect("even");
    let mut encoder = JpegEncoder::new().expect("libjpeg-turbo");
    let whole = encoder.encode(&picture, 90).expect("encoded");
    let mut huge = whole.clone();
    let header = huge.windows(2).position(|mark| mark == [0xff, 0xc0]);
    let size = header.expect("a frame header") + 5;
    huge[size..size + 4].copy_from_slice(&[0xff; 4]);
    let mut decoder = JpegDecoder::new().expect("libjpeg-turbo");
    let pool = PicturePool::new(1);
    let mut broken: Vec<&[u8]> = (0..whole.len())
        .step_by(7)
        .map(|end| &whole[..end])
        .collect();
    broken.push(&huge);
    for bytes in broken {
        let _ = decoder.decode(bytes, &pool);
        let next = decoder.decode(&whole, &pool);
        assert!(next.is_ok(), "{:?} after {} bytes", next.err(), bytes.len());
    }
}
