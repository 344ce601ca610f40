//! What every encoder must do.

use capture::I420;

use super::{Encoder, Rendition};

pub(in crate::encode) fn picture(width: u32, height: u32, shift: usize) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    let columns = width as usize;
    for (at, luma) in picture.planes_mut().y.iter_mut().enumerate() {
        let (x, y) = (at % columns + shift, at / columns);
        *luma = 16 + ((x * 7) ^ (y * 3)) as u8 % 200;
    }
    picture
}

pub(in crate::encode) fn check(new: &dyn Fn(&Rendition) -> Box<dyn Encoder>) {
    let encoder = || {
        new(&Rendition {
            width: 320,
            height: 180,
            ..Rendition::MAIN
        })
    };
    a_keyframe_comes_on_request_with_its_parameter_sets(&mut *encoder());
    another_size_begins_with_a_keyframe(&mut *encoder());
    the_bitrate_moves_up_and_down_before_and_after_opening(&mut *encoder());
    fewer_bits_are_spent_at_a_lower_bitrate(&mut *encoder());
}

/// The types of the NAL units that matter: picture and parameter sets.
fn types(access_unit: &[u8]) -> Vec<u8> {
    crate::rtp::packetise::nal_units(access_unit)
        .map(|unit| unit[0] & 0x1f)
        .filter(|kind| matches!(kind, 1..=5 | 7 | 8))
        .collect()
}

fn a_keyframe_comes_on_request_with_its_parameter_sets(encoder: &mut dyn Encoder) {
    let mut seen = Vec::new();
    for index in 0..12usize {
        let force = index == 5 || index == 6;
        let picture = picture(320, 180, index * 4);
        let encoded = encoder
            .encode(&picture, force, index as u32 * 3000)
            .expect("encodes");
        seen.push(encoded.keyframe);
        let expected: &[u8] = if encoded.keyframe { &[7, 8, 5] } else { &[1] };
        assert_eq!(types(encoded.access_unit), expected, "frame {index}");
    }
    let keyframes: Vec<_> = (0..12).filter(|index| seen[*index]).collect();
    assert_eq!(keyframes, [0, 5, 6]);
}

fn another_size_begins_with_a_keyframe(encoder: &mut dyn Encoder) {
    let sizes = [(320, 180), (320, 180), (160, 120), (160, 120), (320, 180)];
    let keyframes = sizes.iter().enumerate().map(|(index, (width, height))| {
        let picture = picture(*width, *height, index);
        encoder
            .encode(&picture, false, index as u32 * 3000)
            .expect("encodes")
            .keyframe
    });
    assert_eq!(
        keyframes.collect::<Vec<_>>(),
        [true, false, true, false, true]
    );
}

fn the_bitrate_moves_up_and_down_before_and_after_opening(encoder: &mut dyn Encoder) {
    for (index, bps) in [900_000, 300_000, 2_000_000, 1, 1_500_000]
        .into_iter()
        .enumerate()
    {
        encoder.set_bitrate(bps).expect("accepted");
        let picture = picture(320, 180, index);
        encoder
            .encode(&picture, false, index as u32 * 3000)
            .expect("still encodes");
    }
}

fn fewer_bits_are_spent_at_a_lower_bitrate(encoder: &mut dyn Encoder) {
    const PICTURES: usize = 60;
    let mut ticks = 0;
    let mut bytes = |encoder: &mut dyn Encoder, bps: u32| {
        encoder.set_bitrate(bps).expect("accepted");
        let pictures = (0..PICTURES).map(|index| {
            ticks += 3000;
            let picture = noise(320, 180, index);
            let encoded = encoder.encode(&picture, false, ticks).expect("encodes");
            encoded.access_unit.len()
        });
        pictures.sum::<usize>()
    };
    let many = bytes(encoder, 2_000_000);
    let few = bytes(encoder, 200_000);
    assert!(few * 2 < many, "{few} bytes after {many}");
}

/// Too much for any bitrate: each picture differs from the one before everywhere.
fn noise(width: u32, height: u32, seed: usize) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    for (at, luma) in picture.planes_mut().y.iter_mut().enumerate() {
        let mixed = (at + seed * 77_777).wrapping_mul(0x9E37_79B1) >> 13;
        *luma = 16 + (mixed % 200) as u8;
    }
    picture
}
