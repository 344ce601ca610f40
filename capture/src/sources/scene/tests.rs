//! What other tests rely on: ground truth inside the picture, smooth motion, a readable timecode.

use super::*;
use crate::jpeg::{JpegDecoder, JpegEncoder};

fn scene() -> Scene {
    Scene::new(WallClock::start(), PicturePool::new(3)).expect("prepares")
}

fn truth_at(elapsed: Duration) -> Arc<[Truth]> {
    truth(&places(elapsed))
}

/// Ten minutes of frames.
fn times() -> impl Iterator<Item = Duration> {
    (0..10 * 60 * FPS).map(|index| Duration::from_secs(1) * index / FPS)
}

#[test]
fn truth_stays_inside_the_picture_below_the_strip_and_apart() {
    for elapsed in times() {
        let truth = truth_at(elapsed);
        for Truth {
            class,
            bbox_px: [x1, y1, x2, y2],
        } in truth.iter()
        {
            assert!(
                *x1 >= 0.0 && *x2 <= WIDTH_PX as f32,
                "{class} at {elapsed:?}"
            );
            assert!(
                *y1 >= 16.0 && *y2 <= HEIGHT_PX as f32,
                "{class} at {elapsed:?}"
            );
        }
        for (index, a) in truth.iter().enumerate() {
            for b in &truth[index + 1..] {
                let wide = a.bbox_px[2].min(b.bbox_px[2]) - a.bbox_px[0].max(b.bbox_px[0]);
                let high = a.bbox_px[3].min(b.bbox_px[3]) - a.bbox_px[1].max(b.bbox_px[1]);
                let both = wide.max(0.0) * high.max(0.0);
                assert!(
                    both == 0.0,
                    "{} and {} meet at {elapsed:?}",
                    a.class,
                    b.class
                );
            }
        }
    }
}

#[test]
fn motion_is_smooth_and_everything_moves() {
    let mut before = truth_at(Duration::ZERO);
    let mut fastest = [0.0_f32; 4];
    for elapsed in times().skip(1) {
        let now = truth_at(elapsed);
        for (index, (a, b)) in before.iter().zip(now.iter()).enumerate() {
            let (dx, dy) = (b.bbox_px[0] - a.bbox_px[0], b.bbox_px[1] - a.bbox_px[1]);
            fastest[index] = fastest[index].max(dx.hypot(dy));
        }
        before = now;
    }
    for (step, truth) in fastest.iter().zip(before.iter()) {
        assert!(
            (1.0..=5.0).contains(step),
            "{}: {step} px a frame",
            truth.class
        );
    }
}

#[test]
fn a_frame_is_a_function_of_time() {
    let (scene, at) = (scene(), Instant::now());
    let elapsed = Duration::from_millis(12_345);
    let (first, again) = (
        scene.frame_at(elapsed, at, 4),
        scene.frame_at(elapsed, at, 5),
    );
    assert!(*first.pixels == *again.pixels);
    assert_eq!(
        (first.seq, first.captured_at, first.reserved_top_px),
        (4, at, 16)
    );
    assert_eq!(first.truth, again.truth);
    let later = scene.frame_at(elapsed + Duration::from_secs(1), at, 6);
    assert!(*first.pixels != *later.pixels);
}

#[test]
fn truth_boxes_hold_what_is_drawn() {
    let (scene, elapsed) = (scene(), Duration::from_secs(3));
    let with = scene.frame_at(elapsed, Instant::now(), 0);
    let mut ground = scene.backdrop.clone();
    for (x, y) in places(elapsed).clouds {
        scene.cloud.lay(&mut ground, x, y);
    }
    let (drawn, ground) = (with.pixels.planes().y, ground.planes().y);
    for Truth { class, bbox_px } in with.truth.as_deref().expect("known") {
        let [x1, y1, x2, y2] = bbox_px.map(|edge| edge.round() as usize);
        let differs = |x: usize, y: usize| {
            let at = y * WIDTH_PX as usize + x;
            drawn[at].abs_diff(ground[at]) > 6
        };
        // Two pixels inside each edge, in its middle half, the object is visible.
        let rows = (y1 + (y2 - y1) / 4..y2 - (y2 - y1) / 4).collect::<Vec<_>>();
        let columns = (x1 + (x2 - x1) / 4..x2 - (x2 - x1) / 4).collect::<Vec<_>>();
        for x in [x1 + 2, x2 - 3] {
            assert!(rows.iter().any(|y| differs(x, *y)), "{class}: column {x}");
        }
        for y in [y1 + 2, y2 - 3] {
            assert!(columns.iter().any(|x| differs(*x, y)), "{class}: row {y}");
        }
        // Three pixels outside the left and right edges it is not (posts and cords are above and below).
        for x in [x1 - 3, x2 + 2] {
            assert!(
                !rows.iter().any(|y| differs(x, *y)),
                "{class}: column {x} outside"
            );
        }
    }
}

#[test]
fn the_strip_tells_the_time_through_jpeg_and_the_bars_keep_their_colours() {
    let (scene, at) = (scene(), Instant::now());
    let frame = scene.frame_at(Duration::from_secs(7), at, 0);
    let unix_ms = scene.clock.unix_ms(at) as u32;
    assert_eq!(timecode::read(&frame.pixels), Some(unix_ms));
    let jpeg = JpegEncoder::new()
        .expect("starts")
        .encode(&frame.pixels, 80)
        .expect("encodes");
    let pool = PicturePool::new(1);
    let back = JpegDecoder::new()
        .expect("starts")
        .decode(&jpeg, &pool)
        .expect("decodes");
    assert_eq!(timecode::read(&back), Some(unix_ms));
    for (index, [r, g, b]) in BARS_RGB.into_iter().enumerate() {
        let [r, g, b] = [r, g, b].map(f64::from);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        let meant = [
            16.0 + luma * 219.0 / 255.0,
            128.0 + (b - luma) / 1.772 * 224.0 / 255.0,
            128.0 + (r - luma) / 1.402 * 224.0 / 255.0,
        ];
        for (picture, tolerance) in [(&*frame.pixels, 1.0), (&*back, 2.5)] {
            let (planes, x) = (picture.planes(), 640 + 80 * index + 40);
            let chroma = 4 * 640 + x / 2;
            let seen = [planes.y[8 * 1280 + x], planes.u[chroma], planes.v[chroma]];
            for (seen, meant) in seen.map(f64::from).into_iter().zip(meant) {
                assert!(
                    (seen - meant).abs() <= tolerance,
                    "bar {index}: {seen}, not {meant}"
                );
            }
        }
    }
}

#[test]
fn colour_bars_fill_any_picture() {
    let mut picture = I420::black(322, 18).expect("even");
    colour_bars(&mut picture);
    let last = picture
        .planes()
        .y
        .chunks_exact(322)
        .next_back()
        .expect("rows")
        .to_vec();
    let changes: Vec<_> = (1..322).filter(|x| last[*x] != last[x - 1]).collect();
    assert_eq!(changes, [40, 80, 120, 161, 201, 241, 281]);
}

/// Writes frames and their ground truth into the folder `SCENE_DUMP`.
#[test]
#[ignore = "writes files for a look at the scene"]
fn dump() {
    let Some(folder) = std::env::var_os("SCENE_DUMP").map(std::path::PathBuf::from) else {
        return;
    };
    let scene = scene();
    let mut lines = Vec::new();
    for index in 0..40_u32 {
        let frame = scene.frame_at(Duration::from_millis(1370) * index, Instant::now(), 0);
        let name = format!("{index:03}.i420");
        std::fs::write(folder.join(&name), frame.pixels.data()).expect("writes");
        let named = |truth: &Truth| format!("[{:?},{:?}]", truth.class, truth.bbox_px);
        let boxes: Vec<_> = frame.truth.expect("known").iter().map(named).collect();
        lines.push(format!("{name:?}:[{}]", boxes.join(",")));
    }
    let json = format!("{{{}}}", lines.join(","));
    std::fs::write(folder.join("truth.json"), json).expect("writes");
}
