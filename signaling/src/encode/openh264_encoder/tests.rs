use super::*;

fn picture(width: u32, height: u32, shift: usize) -> I420 {
    let mut picture = I420::black(width, height).expect("even");
    let columns = width as usize;
    for (at, luma) in picture.planes_mut().y.iter_mut().enumerate() {
        let (x, y) = (at % columns + shift, at / columns);
        *luma = 16 + ((x * 7) ^ (y * 3)) as u8 % 200;
    }
    picture
}

fn encoder() -> OpenH264Encoder {
    OpenH264Encoder::new(&Rendition {
        width: 320,
        height: 180,
        ..Rendition::MAIN
    })
}

fn types(access_unit: &[u8]) -> Vec<u8> {
    crate::rtp::packetise::nal_units(access_unit)
        .map(|unit| unit[0] & 0x1f)
        .collect()
}

#[test]
fn a_forced_keyframe_comes_at_once_with_its_parameter_sets() {
    let mut encoder = encoder();
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

#[test]
fn another_size_begins_with_a_keyframe() {
    let mut encoder = encoder();
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

#[test]
fn a_picture_too_small_is_an_error_that_names_the_size() {
    let tiny = picture(2, 2, 0);
    let error = encoder()
        .encode(&tiny, false, 0)
        .expect_err("OpenH264 takes 16x16 and more");
    assert!(error.to_string().contains("2x2"), "{error}");
}

#[test]
fn the_bitrate_moves_up_and_down_before_and_after_opening() {
    let mut encoder = encoder();
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
