//! Where everything is at a given time: smooth, known, each at its own speed.

use std::f64::consts::TAU;
use std::time::Duration;

use super::WIDTH_PX;

/// Centres of the things, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Places {
    pub(super) stop_signs: [(f32, f32); 2],
    pub(super) clocks: [(f32, f32); 2],
    pub(super) clouds: [(f32, f32); 3],
}

/// Where the cords of the clocks hang from.
pub(super) const PIVOTS_PX: [(f32, f32); 2] = [(460.0, 16.0), (790.0, 16.0)];

pub(super) fn places(elapsed: Duration) -> Places {
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
