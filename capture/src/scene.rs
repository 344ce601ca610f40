//! The built-in scene: a source without a camera, with things that detectors know at known places.
//!
//! Pure: a frame is a function of the time given. What stands still is painted once and copied,
//! what moves is drawn once and laid over the copy.

mod backdrop;
mod bars;
mod paths;
mod sprite;
#[cfg(test)]
mod tests;
mod things;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::canvas::Canvas;
use crate::clock::WallClock;
use crate::frame::{Frame, Truth};
use crate::picture::{I420, PictureError};
use crate::pool::PicturePool;
use crate::timecode;

pub use bars::{BARS_RGB, colour_bars};
use paths::{CLOCK_PIVOT_PX, Places};
use sprite::Sprite;
use things::{CLOCK_RADIUS_PX, LIGHT_HALF_PX, STOP_SIGN_HALF_PX, UMBRELLA_HALF_PX};

/// Width of the scene in pixels.
pub const WIDTH_PX: u32 = 1280;
/// Height of the scene in pixels.
pub const HEIGHT_PX: u32 = 720;
/// Frames a second.
pub const FPS: u32 = 30;

/// The clock shows ten past ten when the scene begins, as clocks in shop windows do.
const CLOCK_START_S: f64 = (10 * 3600 + 10 * 60) as f64;

/// The scene, ready to be drawn at any time.
#[derive(Debug)]
pub struct Scene {
    clock: WallClock,
    pool: PicturePool,
    backdrop: I420,
    stop_sign: Sprite,
    clock_face: Sprite,
    traffic_light: Sprite,
    umbrella: Sprite,
    cloud: Sprite,
}

impl Scene {
    /// Prepares everything that does not change; some 20 ms.
    pub fn new(clock: WallClock, pool: PicturePool) -> Result<Self, PictureError> {
        let mut backdrop = I420::black(WIDTH_PX, HEIGHT_PX)?;
        backdrop::paint(&mut Canvas::new(&mut backdrop));
        bars::strip(&mut Canvas::new(&mut backdrop));
        let around = |(half_width, half_height): (f32, f32), draw: Draw| {
            let (width, height) = (half_width * 2.0 + 4.0, half_height * 2.0 + 4.0);
            let size = (width.ceil() as u32, height.ceil() as u32);
            let (x, y) = (size.0 as f32 / 2.0, size.1 as f32 / 2.0);
            Sprite::new(size.0, size.1, |canvas, left, top| {
                draw(canvas, left + x, top + y)
            })
        };
        let square = |half: f32| (half, half);
        Ok(Self {
            clock,
            pool,
            backdrop,
            stop_sign: around(square(STOP_SIGN_HALF_PX), things::stop_sign)?,
            clock_face: around(square(CLOCK_RADIUS_PX), things::clock_face)?,
            traffic_light: around(LIGHT_HALF_PX, things::traffic_light)?,
            umbrella: around(UMBRELLA_HALF_PX, things::umbrella)?,
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
        let (sign, light, clock) = (places.stop_sign, places.traffic_light, places.clock);
        let mut canvas = Canvas::new(picture);
        things::post(
            &mut canvas,
            sign.0,
            sign.1 + STOP_SIGN_HALF_PX - 4.0,
            676.0,
            12.0,
        );
        things::post(
            &mut canvas,
            light.0,
            light.1 + LIGHT_HALF_PX.1 - 2.0,
            690.0,
            16.0,
        );
        things::cord(&mut canvas, CLOCK_PIVOT_PX, clock);
        self.stop_sign.lay(picture, sign.0, sign.1);
        self.traffic_light.lay(picture, light.0, light.1);
        self.clock_face.lay(picture, clock.0, clock.1);
        self.umbrella
            .lay(picture, places.umbrella.0, places.umbrella.1);
        let mut canvas = Canvas::new(picture);
        let seconds = CLOCK_START_S + elapsed.as_secs_f64();
        things::clock_hands(&mut canvas, clock.0, clock.1, seconds);
        things::lamp(&mut canvas, light.0, light.1, lit_lamp(elapsed));
    }
}

/// Draws a thing around a centre.
type Draw = fn(&mut Canvas<'_>, f32, f32);

/// Red for 4 s, green for 4 s, amber for 1 s.
fn lit_lamp(elapsed: Duration) -> usize {
    match elapsed.as_secs() % 9 {
        0..4 => 0,
        4..8 => 2,
        _ => 1,
    }
}

fn truth(places: &Places) -> Arc<[Truth]> {
    let boxed = |class, (x, y): (f32, f32), (half_width, half_height): (f32, f32)| {
        let bbox_px = [
            x - half_width,
            y - half_height,
            x + half_width,
            y + half_height,
        ];
        Truth { class, bbox_px }
    };
    let square = |half: f32| (half, half);
    Arc::new([
        boxed("stop sign", places.stop_sign, square(STOP_SIGN_HALF_PX)),
        boxed("clock", places.clock, square(CLOCK_RADIUS_PX)),
        boxed("traffic light", places.traffic_light, LIGHT_HALF_PX),
        boxed("umbrella", places.umbrella, UMBRELLA_HALF_PX),
    ])
}
