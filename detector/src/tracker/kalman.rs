//! One coordinate of a box: position and velocity under white-noise acceleration.
//!
//! SORT (Bewley et al. 2016, arXiv:1602.00763) and ByteTrack (Zhang et al. 2022, arXiv:2110.06864)
//! filter eight states together, but with diagonal noise the four coordinates never mix, so four
//! small filters give the same answer. The noise follows elapsed seconds, not frames, since
//! inference comes at any rate. White-noise acceleration: Bar-Shalom, Li, Kirubarajan, "Estimation
//! with Applications to Tracking and Navigation" (2001), section 6.2.2.

/// Estimate of one coordinate, in pixels and pixels per second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) position: f32,
    pub(super) velocity: f32,
    /// Covariance: position, position with velocity, velocity.
    p: [f32; 3],
}

impl Axis {
    /// Starts at a measurement with nothing known of the velocity but its likely size.
    pub(super) fn new(measured: f32, noise_px: f32, speed_px_s: f32) -> Self {
        let p = [noise_px * noise_px, 0.0, speed_px_s * speed_px_s];
        Self {
            position: measured,
            velocity: 0.0,
            p,
        }
    }

    /// Moves on by `dt_s`. `acceleration` is the square root of the noise density, px / s^1.5.
    pub(super) fn predict(&mut self, dt_s: f32, acceleration: f32) {
        let q = acceleration * acceleration;
        let [pp, pv, vv] = self.p;
        self.position += self.velocity * dt_s;
        self.p = [
            pp + dt_s * (2.0 * pv + dt_s * vv) + q * dt_s.powi(3) / 3.0,
            pv + dt_s * vv + q * dt_s * dt_s / 2.0,
            vv + q * dt_s,
        ];
    }

    /// Takes a measurement with standard deviation `noise_px`.
    pub(super) fn correct(&mut self, measured: f32, noise_px: f32) {
        let [pp, pv, vv] = self.p;
        let innovation = measured - self.position;
        let total = pp + noise_px * noise_px;
        let (gain, gain_v) = (pp / total, pv / total);
        self.position += gain * innovation;
        self.velocity += gain_v * innovation;
        self.p = [pp * (1.0 - gain), pv * (1.0 - gain), vv - gain_v * pv];
    }

    /// How far a measurement lies off, in standard deviations, squared.
    pub(super) fn surprise(&self, measured: f32, noise_px: f32) -> f32 {
        let innovation = measured - self.position;
        innovation * innovation / (self.p[0] + noise_px * noise_px)
    }

    /// The velocity as far as it is known not to be noise (positive-part shrinkage, James and Stein
    /// 1961): things that stand still do not tremble, and what clearly moves loses nearly nothing.
    pub(super) fn sure_velocity(&self) -> f32 {
        let squared = self.velocity * self.velocity;
        if squared <= self.p[2] {
            0.0
        } else {
            self.velocity * (1.0 - self.p[2] / squared)
        }
    }

    /// Standard deviation of the position.
    pub(super) fn spread_px(&self) -> f32 {
        self.p[0].max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_a_constant_speed_at_any_rate() {
        for dt_s in [1.0 / 30.0, 0.1, 0.33] {
            let mut axis = Axis::new(10.0, 2.0, 500.0);
            for step in 1..=20 {
                axis.predict(dt_s, 100.0);
                axis.correct(10.0 + 300.0 * dt_s * step as f32, 2.0);
            }
            assert!((axis.velocity - 300.0).abs() < 5.0, "{dt_s}: {axis:?}");
            assert!(axis.spread_px() < 2.0, "{axis:?}");
        }
    }

    #[test]
    fn two_measurements_are_enough_for_a_velocity() {
        let mut axis = Axis::new(0.0, 2.0, 800.0);
        axis.predict(0.1, 100.0);
        axis.correct(30.0, 2.0);
        assert!((axis.velocity - 300.0).abs() < 15.0, "{axis:?}");
    }

    #[test]
    fn smooths_what_stands_still() {
        let mut axis = Axis::new(50.0, 3.0, 800.0);
        for step in 0..60 {
            axis.predict(0.1, 40.0);
            axis.correct(if step % 2 == 0 { 53.0 } else { 47.0 }, 3.0);
        }
        assert!((axis.position - 50.0).abs() < 1.7, "{axis:?}");
    }

    #[test]
    fn no_time_no_change() {
        let mut axis = Axis::new(5.0, 1.0, 10.0);
        let before = axis.p;
        axis.predict(0.0, 100.0);
        assert_eq!(axis.p, before);
        assert_eq!(axis.surprise(5.0, 1.0), 0.0);
    }
}
