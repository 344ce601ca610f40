//! The built-in test scene: stop signs and clocks, which the embedded model and all models of the
//! manifest detect, at known places.
//!
//! A frame is a pure function of the time. The backdrop is painted once and copied into each frame;
//! moving objects are drawn once as sprites and blended over the copy.

mod backdrop;
mod sprite;
#[cfg(test)]
mod tests;
mod things;

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kind::{AddressError, Request, SourceKind};
use super::output::{OpenedSource, SourceOutput};
use super::stall::StallLimits;
use crate::canvas::{Canvas, Rect};
use crate::error::CaptureError;
use crate::frame::{Frame, Truth, WallClock};
use crate::picture::{I420, PictureError, PicturePool};
use crate::timecode;
use sprite::Sprite;
use things::{CLOCKS, ClockStyle, POST_HALF_PX, STOP_SIGNS_HALF_PX};

pub use backdrop::{BARS_RGB, HEIGHT_PX, WIDTH_PX, colour_bars};

pub(super) static KIND: SourceKind = SourceKind {
    label: "scene",
    keyword: None,
    forms: "scene",
    needs: "nothing",
    example: "scene",
    // `scene` is a word of its own in `--source`, without an address.
    parse: |_| Err(AddressError::Unsuitable),
    plain_name: |_| "test scene".to_owned(),
    limits: StallLimits::new(Duration::from_secs(10), Duration::from_secs(5)),
    run,
};

pub const FPS: u32 = 30;

/// Rows where the signs stand on the grass.
const SIGN_FEET_PX: [f32; 2] = [684.0, 706.0];

/// The clocks show ten past ten when the scene begins.
const CLOCK_START_S: f64 = (10 * 3600 + 10 * 60) as f64;

/// The prepared parts of the scene.
#[derive(Debug)]
pub struct Scene {
    clock: WallClock,
    pool: PicturePool,
    backdrop: I420,
    stop_signs: [Sprite; 2],
    clock_faces: [Sprite; 2],
    post: Sprite,
    cloud: Sprite,
}

impl Scene {
    /// Paints the backdrop and the sprites, which takes about 20 ms.
    pub fn new(clock: WallClock, pool: PicturePool) -> Result<Self, PictureError> {
        let mut backdrop = I420::black(WIDTH_PX, HEIGHT_PX)?;
        backdrop::paint(&mut backdrop);
        backdrop::strip(&mut Canvas::new(&mut backdrop));
        let clock_face = |style: ClockStyle| {
            let half = (style.radius_px, style.radius_px);
            around(half, move |canvas, x, y| {
                things::clock_face(canvas, x, y, style)
            })
        };
        let stop_sign = |half: f32| {
            around((half, half), move |canvas, x, y| {
                things::stop_sign(canvas, x, y, half)
            })
        };
        let [near, far] = STOP_SIGNS_HALF_PX;
        Ok(Self {
            clock,
            pool,
            backdrop,
            stop_signs: [stop_sign(near)?, stop_sign(far)?],
            clock_faces: [clock_face(CLOCKS[0])?, clock_face(CLOCKS[1])?],
            post: around(POST_HALF_PX, things::post)?,
            cloud: around((152.0, 58.0), things::cloud)?,
        })
    }

    /// The frame at `elapsed` after the start, with `captured_at` in its timecode.
    #[must_use]
    pub fn frame_at(&self, elapsed: Duration, captured_at: Instant, seq: u64) -> Frame {
        let places = places(elapsed);
        let mut pixels = self.pool.copy_of(&self.backdrop);
        self.lay_things(&mut pixels, &places, elapsed);
        timecode::paint(&mut pixels, self.clock.unix_ms(captured_at));
        let mut frame = Frame::new(pixels, seq, captured_at);
        frame.reserved_top_px = timecode::cell_px(WIDTH_PX);
        frame.truth = Some(truth(&places));
        frame
    }

    fn lay_things(&self, picture: &mut I420, places: &Places, elapsed: Duration) {
        for (x, y) in places.clouds {
            self.cloud.lay(picture, x, y);
        }
        // Before the signs, which hide their upper ends.
        for (sign, foot) in places.stop_signs.into_iter().zip(SIGN_FEET_PX) {
            self.post.lay(picture, sign.0, foot - POST_HALF_PX.1);
        }
        // The cords hang from behind the strip of the timecode; nothing else reaches it.
        let below_strip = Rect {
            y: timecode::cell_px(WIDTH_PX) as i32,
            ..Rect::of_size(WIDTH_PX, HEIGHT_PX)
        };
        let mut canvas = Canvas::new(picture).clipped(below_strip);
        for (pivot, clock) in PIVOTS_PX.into_iter().zip(places.clocks) {
            things::cord(&mut canvas, pivot, clock);
        }
        for (sign, (x, y)) in self.stop_signs.iter().zip(places.stop_signs) {
            sign.lay(picture, x, y);
        }
        for (face, clock) in self.clock_faces.iter().zip(places.clocks) {
            face.lay(picture, clock.0, clock.1);
        }
        let mut canvas = Canvas::new(picture);
        let seconds = CLOCK_START_S + elapsed.as_secs_f64();
        for (style, clock) in CLOCKS.iter().zip(places.clocks) {
            things::clock_hands(&mut canvas, clock, style.radius_px, seconds);
        }
    }
}

/// A sprite of what `draw` draws around a centre, with room for soft edges.
fn around(
    (half_width, half_height): (f32, f32),
    draw: impl Fn(&mut Canvas<'_>, f32, f32),
) -> Result<Sprite, PictureError> {
    let (width, height) = (half_width * 2.0 + 4.0, half_height * 2.0 + 4.0);
    let size = (width.ceil() as u32, height.ceil() as u32);
    let (x, y) = (size.0 as f32 / 2.0, size.1 as f32 / 2.0);
    Sprite::new(size.0, size.1, |canvas, left, top| {
        draw(canvas, left + x, top + y)
    })
}

fn truth(places: &Places) -> Arc<[Truth]> {
    let truth = |class, (x, y): (f32, f32), half: f32| Truth {
        class,
        bbox_px: [x - half, y - half, x + half, y + half],
    };
    let sign = |index: usize| {
        let half = STOP_SIGNS_HALF_PX[index];
        truth("stop sign", places.stop_signs[index], half)
    };
    let clock = |index: usize| {
        let radius = CLOCKS[index].radius_px;
        truth("clock", places.clocks[index], radius)
    };
    Arc::new([sign(0), clock(0), clock(1), sign(1)])
}

/// The centres of the objects in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Places {
    stop_signs: [(f32, f32); 2],
    clocks: [(f32, f32); 2],
    clouds: [(f32, f32); 3],
}

/// The upper ends of the clocks' cords.
const PIVOTS_PX: [(f32, f32); 2] = [(460.0, 16.0), (790.0, 16.0)];

/// Chosen by eye, so that the objects stay in the picture, seldom cover each other, and do not repeat soon.
fn places(elapsed: Duration) -> Places {
    let t = elapsed.as_secs_f64();
    let wave = |middle: f64, reach: f64, period_s: f64, phase: f64| {
        (middle + reach * (t / period_s * TAU + phase).sin()) as f32
    };
    let pendulum = |(x, y): (f32, f32), cord_px: f64, reach: f64, period_s: f64| {
        let (sin, cos) = (reach * (t / period_s * TAU).sin()).sin_cos();
        (x + (cord_px * sin) as f32, y + (cord_px * cos) as f32)
    };
    let drift = |speed_px_s: f64, start: f64, y: f32| {
        let lap = f64::from(WIDTH_PX) + 360.0;
        (((start + t * speed_px_s) % lap) as f32 - 180.0, y)
    };
    Places {
        stop_signs: [
            (wave(212.0, 96.0, 11.0, 0.0), wave(424.0, 5.0, 3.7, 0.0)),
            (wave(1020.0, 130.0, 17.0, 1.0), wave(468.0, 4.0, 4.3, 1.0)),
        ],
        clocks: [
            pendulum(PIVOTS_PX[0], 188.0, 0.38, 5.2),
            pendulum(PIVOTS_PX[1], 262.0, 0.30, 3.9),
        ],
        clouds: [
            drift(9.0, 250.0, 84.0),
            drift(14.0, 820.0, 208.0),
            drift(6.0, 1300.0, 296.0),
        ],
    }
}

/// Draws [`FPS`] frames a second.
fn run(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let clock = request.clock;
    let scene = Scene::new(clock, output.pool().clone())?;
    output.announce(OpenedSource {
        source: request.name.clone(),
        fps: FPS as f32,
        camera: None,
    });
    let interval = Duration::from_secs(1) / FPS;
    let mut due = Instant::now();
    while output.is_wanted() {
        output.pause_until(due);
        // Stamped with the time at which it is drawn, because latency is measured from the timecode.
        let now = Instant::now();
        if !output.skip_if_surplus(now) {
            // Counted from the start of the process, so that reopening the source does not reset it.
            let elapsed = now.saturating_duration_since(clock.origin());
            let frame = output.timed(|| scene.frame_at(elapsed, now, 0));
            output.publish_frame(frame);
        }
        due += interval;
        if due < now {
            due = now + interval;
        }
    }
    Ok(())
}
