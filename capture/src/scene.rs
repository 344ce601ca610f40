//! The built-in scene: a source without a camera, with things that detectors know at known places.
//!
//! It shows only what the embedded model and those of the manifest all find: stop signs and clocks.
//!
//! Pure: a frame is a function of the time given. What stands still is painted once and copied,
//! what moves is drawn once and laid over the copy.

mod backdrop;
mod bars;
mod digits;
mod lettering;
mod paths;
mod sprite;
#[cfg(test)]
mod tests;
mod things;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::canvas::{Canvas, Rect};
use crate::clock::WallClock;
use crate::frame::{Frame, Truth};
use crate::picture::{I420, PictureError};
use crate::pool::PicturePool;
use crate::timecode;

pub use bars::{BARS_RGB, colour_bars};
use paths::{PIVOTS_PX, Places};
use sprite::Sprite;
use things::{CLOCKS, ClockStyle, POST_HALF_PX, STOP_SIGNS_HALF_PX};

/// Width of the scene in pixels.
pub const WIDTH_PX: u32 = 1280;
/// Height of the scene in pixels.
pub const HEIGHT_PX: u32 = 720;
/// Frames a second.
pub const FPS: u32 = 30;

/// Rows where the signs stand on the grass.
const SIGN_FEET_PX: [f32; 2] = [684.0, 706.0];

/// The clocks show ten past ten when the scene begins, as clocks in shop windows do.
const CLOCK_START_S: f64 = (10 * 3600 + 10 * 60) as f64;

/// The scene, ready to be drawn at any time.
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
    /// Prepares everything that does not change; some 20 ms.
    pub fn new(clock: WallClock, pool: PicturePool) -> Result<Self, PictureError> {
        let mut backdrop = I420::black(WIDTH_PX, HEIGHT_PX)?;
        backdrop::paint(&mut backdrop);
        bars::strip(&mut Canvas::new(&mut backdrop));
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

    /// The picture `elapsed` after the start, stamped as made at `captured_at`.
    #[must_use]
    pub fn frame_at(&self, elapsed: Duration, captured_at: Instant, seq: u64) -> Frame {
        let places = paths::places(elapsed);
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
        // Their upper ends are hidden by what they carry.
        for (sign, foot) in places.stop_signs.into_iter().zip(SIGN_FEET_PX) {
            self.post.lay(picture, sign.0, foot - POST_HALF_PX.1);
        }
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

/// A sprite of a thing that `draw` draws around a centre, with room for soft edges.
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
    let round = |class, (x, y): (f32, f32), half: f32| Truth {
        class,
        bbox_px: [x - half, y - half, x + half, y + half],
    };
    let sign = |index: usize| {
        let half = STOP_SIGNS_HALF_PX[index];
        round("stop sign", places.stop_signs[index], half)
    };
    let clock = |index: usize| {
        let radius = CLOCKS[index].radius_px;
        round("clock", places.clocks[index], radius)
    };
    Arc::new([sign(0), clock(0), clock(1), sign(1)])
}
