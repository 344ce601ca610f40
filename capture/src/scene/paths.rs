//! Where everything is at a given time: smooth, known, each at its own speed.

use std::f64::consts::TAU;
use std::time::Duration;

use super::WIDTH_PX;

/// Centres of the things, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Places {
    pub(super) stop_sign: (f32, f32),
    pub(super) clock: (f32, f32),
    pub(super) traffic_light: (f32, f32),
    pub(super) umbrella: (f32, f32),
    pub(super) clouds: [(f32, f32); 3],
}

/// Where the cord of the clock hangs from.
pub(super) const CLOCK_PIVOT_PX: (f32, f32) = (470.0, 8.0);
const CLOCK_CORD_PX: f64 = 192.0;

pub(super) fn places(elapsed: Duration) -> Places {
    let t = elapsed.as_secs_f64();
    let wave = |middle: f64, reach: f64, period_s: f64, phase: f64| {
        (middle + reach * (t / period_s * TAU + phase).sin()) as f32
    };
    let swing = 0.38 * (t / 5.2 * TAU).sin();
    let clock = (
        CLOCK_PIVOT_PX.0 + (CLOCK_CORD_PX * swing.sin()) as f32,
        CLOCK_PIVOT_PX.1 + (CLOCK_CORD_PX * swing.cos()) as f32,
    );
    let drift = |speed_px_s: f64, start: f64, y: f32| {
        let lap = f64::from(WIDTH_PX) + 360.0;
        (((start + t * speed_px_s) % lap) as f32 - 180.0, y)
    };
    Places {
        stop_sign: (wave(212.0, 96.0, 11.0, 0.0), wave(424.0, 5.0, 3.7, 0.0)),
        clock,
        traffic_light: (wave(1020.0, 130.0, 17.0, 1.0), wave(452.0, 4.0, 4.3, 1.0)),
        umbrella: (wave(880.0, 190.0, 9.0, 2.0), wave(176.0, 26.0, 5.0, 0.0)),
        clouds: [
            drift(9.0, 250.0, 84.0),
            drift(14.0, 820.0, 208.0),
            drift(6.0, 1300.0, 296.0),
        ],
    }
}
