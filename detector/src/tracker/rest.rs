//! Whether an object stands still. It is then shown at the mean of its detections, which does not jitter. Pure.
//!
//! A Kalman filter that follows people who turn sharply passes on much of the noise of each detection. Here, as long as
//! detections stray around one place, that place is believed.

use std::time::{Duration, Instant};

use crate::camera_motion::Shift;

/// An object stands still after so long, and so many detections, around one place.
const STILL_AFTER: Duration = Duration::from_millis(500);
const STILL_DETECTIONS: u32 = 4;
/// The time over which detections are averaged.
const MEAN_OF: Duration = Duration::from_secs(1);
/// The least and the most noise of a coordinate, in parts of the object's size plus pixels. What strays more is not known to
/// stand still: noise that is measured on something that moves slowly would grow with its motion.
const LEAST_NOISE: f32 = 0.004;
const MOST_NOISE: f32 = 0.012;
const NOISE_PX: f32 = 0.3;
/// A detection further away than this many times the noise has left the place.
const FARTHEST: f32 = 3.5;
/// Deviations that add up to this many times what noise alone would, forgotten over [`DRIFT_OF`], are slow motion.
const MOST_DRIFT: f32 = 4.5;
const DRIFT_OF: Duration = Duration::from_millis(500);

/// Detections around one place: centre x and y, width, height.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    axes: [Place; 4],
    since: Instant,
    last: Instant,
    detections: u32,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    mean: f32,
    /// Of deviations from the mean; `None` before the second detection.
    variance: Option<f32>,
    drift: f32,
}

impl Place {
    fn at(measured: f32) -> Self {
        Self {
            mean: measured,
            variance: None,
            drift: 0.0,
        }
    }
}

impl Rest {
    pub(super) fn new(measured: [f32; 4], now: Instant) -> Self {
        Self {
            axes: measured.map(Place::at),
            since: now,
            last: now,
            detections: 1,
        }
    }

    /// The whole picture has moved.
    pub(super) fn shift(&mut self, by: Shift) {
        self.axes[0].mean += by.x;
        self.axes[1].mean += by.y;
    }

    /// Takes the next detection of an object of this size.
    pub(super) fn correct(&mut self, measured: [f32; 4], size_px: f32, now: Instant) {
        let step = now.saturating_duration_since(self.last).as_secs_f32();
        let kept = (-step / DRIFT_OF.as_secs_f32()).exp();
        // The standard deviation of a sum of noise that is forgotten so fast.
        let drifts = MOST_DRIFT / (1.0 - kept * kept).sqrt().max(0.1);
        let (least, most) = noise_px(size_px);
        let stays = self.axes.iter_mut().zip(measured).all(|(axis, measured)| {
            let noise = axis.variance.map_or(most, f32::sqrt).clamp(least, most);
            let deviation = measured - axis.mean;
            axis.drift = axis.drift * kept + deviation;
            deviation.abs() <= FARTHEST * noise && axis.drift.abs() <= drifts * noise
        });
        if !stays {
            *self = Self::new(measured, now);
            return;
        }
        self.last = now;
        self.detections += 1;
        let weight = (1.0 / self.detections as f32)
            .max(step / MEAN_OF.as_secs_f32())
            .min(0.5);
        for (axis, measured) in self.axes.iter_mut().zip(measured) {
            let deviation = measured - axis.mean;
            axis.mean += weight * deviation;
            let squared = deviation * deviation;
            let before = axis.variance.unwrap_or(most * most);
            axis.variance = Some(before + weight * (squared - before));
        }
    }

    /// Where the object stands, if it does as of its last detection at `now`.
    pub(super) fn place(&self, now: Instant) -> Option<[f32; 4]> {
        let is_still = now.saturating_duration_since(self.since) >= STILL_AFTER
            && self.detections >= STILL_DETECTIONS;
        is_still.then(|| self.axes.map(|axis| axis.mean))
    }
}

/// The least and the most noise of a coordinate of an object of this size.
fn noise_px(size_px: f32) -> (f32, f32) {
    (
        LEAST_NOISE * size_px + NOISE_PX,
        MOST_NOISE * size_px + NOISE_PX,
    )
}
