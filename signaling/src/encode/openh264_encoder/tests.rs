use super::*;
use crate::encode::encoder::contract::{self, picture};

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
