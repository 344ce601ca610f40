//! Prints the sizes of encoded frames for the simulation of bad networks (`src/simulation/frame_sizes.rs`):
//! `cargo test -p signaling --test it frame_sizes -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use capture::scale::Scaler;
use capture::scene::Scene;
use capture::{I420, PicturePool, WallClock};
use signaling::Rendition;
use signaling::encode::encoder::Encoder;
use signaling::encode::openh264_encoder::OpenH264Encoder;

use crate::clip::{Clip, eprint_line};

/// Two seconds to settle, then three that are recorded.
const SETTLES: usize = 60;
const RECORDED: usize = 90;

/// `every`: one picture of this many is encoded.
fn print(name: &str, rendition: &Rendition, every: usize, pictures: &[I420]) {
    let mut encoder = OpenH264Encoder::new(rendition);
    let mut sizes = Vec::new();
    let mut ticks = 90_000;
    let mut first = 0;
    for (number, picture) in pictures.iter().step_by(every).enumerate() {
        ticks += every as u32 * 3000;
        let encoded = encoder.encode(picture, false, ticks).expect("encodes");
        let bytes = encoded.access_unit.len();
        if encoded.keyframe {
            first = bytes;
        } else if number * every >= SETTLES {
            sizes.push(bytes);
        }
    }
    let mean = sizes.iter().sum::<usize>() / sizes.len().max(1);
    let shape: Vec<usize> = sizes
        .iter()
        .map(|bytes| bytes * 1000 / mean.max(1))
        .collect();
    eprint_line(&format!(
        "{name} {}x{} at {} bit/s, {} fps: first {first}, mean {mean}, in thousandths {shape:?}",
        rendition.width, rendition.height, rendition.bitrate_bps, rendition.fps,
    ));
    let picture = pictures.last().expect("some");
    for share in [1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1] {
        encoder
            .set_bitrate((rendition.bitrate_bps as f64 * share) as u32)
            .expect("accepted");
        ticks += every as u32 * 3000;
        let keyframe = encoder
            .encode(picture, true, ticks)
            .expect("encodes")
            .access_unit
            .len();
        encoder
            .set_bitrate(rendition.bitrate_bps)
            .expect("accepted");
        let mut after = Vec::new();
        for picture in pictures.iter().skip(RECORDED).step_by(every).take(8) {
            ticks += every as u32 * 3000;
            after.push(
                encoder
                    .encode(picture, false, ticks)
                    .expect("encodes")
                    .access_unit
                    .len(),
            );
        }
        eprint_line(&format!(
            "    keyframe at {share}: {keyframe}, then {after:?}"
        ));
    }
}

#[test]
#[ignore = "prints sizes"]
fn sizes_of_the_scene_and_of_a_webcam() {
    let scene = Scene::new(WallClock::start(), PicturePool::new(2)).expect("a scene");
    let (start, mut scaler) = (Instant::now(), Scaler::new());
    let count = SETTLES + RECORDED;
    for (height, width, rates) in [
        (
            720,
            1280,
            vec![(1_500_000, 30), (1_000_000, 30), (750_000, 30)],
        ),
        (360, 640, vec![(600_000, 30), (450_000, 30), (300_000, 30)]),
        (
            180,
            320,
            vec![
                (200_000, 15),
                (150_000, 15),
                (100_000, 15),
                (180_000, 7),
                (240_000, 7),
            ],
        ),
    ] {
        let of_scene: Vec<I420> = (0..count as u32)
            .map(|number| {
                let at = Duration::from_millis(33) * number;
                let frame = scene.frame_at(at, start + at, u64::from(number));
                let mut small = I420::black(width, height).expect("even");
                scaler.scale(&frame.pixels, &mut small).expect("scales");
                small
            })
            .collect();
        let webcam: Vec<I420> = Clip::webcam(width, height)
            .into_iter()
            .flatten()
            .take(count)
            .collect();
        for (bitrate_bps, fps) in rates {
            // At 7 frames a second the encoder is still set to 15.
            let rendition = Rendition {
                width,
                height,
                bitrate_bps,
                fps: fps.max(15),
                ..Rendition::MAIN
            };
            let every = (30 / fps).max(1) as usize;
            print("scene", &rendition, every, &of_scene);
            print("webcam", &rendition, every, &webcam);
        }
    }
}
