use std::time::{Duration, Instant};

use capture::scale::Scaler;
use capture::scene::Scene;
use capture::{PicturePool, WallClock};

use super::*;
use crate::encode::encoder::contract::{self, picture};
use crate::encode::pace::FrameRateControl;

fn encoder() -> OpenH264Encoder {
    OpenH264Encoder::new(&Rendition {
        width: 320,
        height: 180,
        ..Rendition::MAIN
    })
}

#[test]
fn openh264_fulfils_the_contract() {
    contract::check(&|rendition| Box::new(OpenH264Encoder::new(rendition)));
}

#[test]
fn keyframes_are_made_on_request_and_a_minute_after_the_last_one() {
    let mut encoder = OpenH264Encoder::new(&Rendition {
        width: 64,
        height: 48,
        ..Rendition::MAIN
    });
    let made: Vec<u32> = (0..2600)
        .filter(|number| {
            let is_requested = *number == 700;
            let encoded = encoder.encode(
                &picture(64, 48, *number as usize),
                is_requested,
                number * 3000,
            );
            encoded.expect("a usable size").keyframe
        })
        .collect();
    assert_eq!(made, [0, 700, 700 + LONGEST_GOP_FRAMES]);
}

#[test]
fn a_picture_too_small_is_an_error_that_names_the_size() {
    let tiny = picture(2, 2, 0);
    let error = encoder()
        .encode(&tiny, false, 0)
        .expect_err("OpenH264 takes 16x16 and more");
    assert!(error.to_string().contains("2x2"), "{error}");
}

#[test]
fn time_increases_over_a_wrap_and_a_long_gap_of_the_ticks() {
    let mut ticks = TickCount::default();
    let read = [u32::MAX - 89, 0, 0, 324_000_000].map(|at| ticks.extend(at));
    assert_eq!(read, [90, 180, 181, 324_000_181]);
}

#[test]
fn the_level_is_the_lowest_for_the_picture() {
    assert!(matches!(level(1280, 720, 30), Level::Level_3_1));
    assert!(matches!(level(640, 360, 30), Level::Level_3_0));
    assert!(matches!(level(1280, 720, 60), Level::Level_3_2));
    assert!(matches!(level(1920, 1080, 30), Level::Level_4_0));
}

#[test]
fn a_keyframe_of_the_smallest_rendition_passes_a_slow_network_within_300_ms() {
    const TARGET_BPS: u32 = 90_000;
    let (start, mut scaler) = (Instant::now(), Scaler::new());
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("a scene");
    let mut encoder = OpenH264Encoder::new(&Rendition {
        width: 320,
        height: 180,
        bitrate_bps: 200_000,
        fps: 15,
        ..Rendition::MAIN
    });
    let mut frame_rate = FrameRateControl::new(15, true);
    let mut pace = |at| frame_rate.pace(start + at, 200_000, TARGET_BPS);
    pace(Duration::ZERO);
    let pace = pace(Duration::from_secs(1));
    for frame in 0..24_u32 {
        let at = frame * Duration::from_millis(133);
        let taken = scene.frame_at(at, start + at, u64::from(frame));
        let mut small = I420::black(320, 180).expect("even");
        scaler.scale(&taken.pixels, &mut small).expect("scales");
        let is_keyframe = frame % 12 == 0;
        let bps = if is_keyframe {
            pace.keyframe_bps
        } else {
            pace.encoder_bps
        };
        encoder.set_bitrate(bps).expect("accepted");
        let encoded = encoder.encode(&small, is_keyframe, frame * 12_000);
        let bits = encoded.expect("encodes").access_unit.len() * 8;
        let takes_ms = bits * 1000 / TARGET_BPS as usize;
        assert!(takes_ms < 300, "picture {frame} takes {takes_ms} ms");
    }
}
