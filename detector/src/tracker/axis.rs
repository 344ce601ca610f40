//! The Kalman filter of one coordinate of an object. Pure.

/// A Kalman filter of one coordinate: position and velocity with white-noise acceleration, in pixels
/// and seconds.
///
/// SORT (Bewley et al. 2016, arXiv:1602.00763) and ByteTrack filter eight states together. With diagonal
/// noise the four coordinates are independent, so that four small filters give the same result. The
/// noise grows with elapsed seconds, not frames: Bar-Shalom, Li, Kirubarajan, "Estimation with
/// Applications to Tracking and Navigation" (2001), section 6.2.2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) position: f32,
    pub(super) velocity: f32,
    /// Covariances: position, position and velocity, velocity.
    p: [f32; 3],
}

impl Axis {
    /// Starts at a measurement. Of the velocity only the standard deviation is known.
    pub(super) fn new(measured: f32, noise_px: f32, speed_px_s: f32) -> Self {
        let p = [noise_px * noise_px, 0.0, speed_px_s * speed_px_s];
        Self {
            position: measured,
            velocity: 0.0,
            p,
        }
    }

    /// Predicts the state after `dt_s`. `acceleration` is the square root of the noise density, in
    /// px / s^1.5.
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

    /// Updates the state with a measurement of the standard deviation `noise_px`.
    pub(super) fn correct(&mut self, measured: f32, noise_px: f32) {
        let [pp, pv, vv] = self.p;
        let innovation = measured - self.position;
        let total = pp + noise_px * noise_px;
        let (gain, gain_v) = (pp / total, pv / total);
        self.position += gain * innovation;
        self.velocity += gain_v * innovation;
        self.p = [pp * (1.0 - gain), pv * (1.0 - gain), vv - gain_v * pv];
    }

    /// The squared distance of a measurement from the prediction, in standard deviations.
    pub(super) fn surprise(&self, measured: f32, noise_px: f32) -> f32 {
        let innovation = measured - self.position;
        innovation * innovation / (self.p[0] + noise_px * noise_px)
    }

    /// The velocity, reduced by its uncertainty (positive-part shrinkage, James and Stein 1961): objects
    /// that stand still do not jitter, and fast ones lose nearly nothing.
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
    fn the_filter_learns_a_constant_speed_at_any_rate() {
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
