//! Scaling of one plane, row by row, by bilinear interpolation between pixel centres. Pure.
//!
//! The filter does not widen with the scale, because the networks were trained on pictures scaled
//! this way: a wider filter costs twice as much and changes scores by 0.1 and more.

use capture::scale::halve;

use super::wide::{Columns, between, interpolate};

/// A plane that shrinks by more than this is halved first, because interpolation between two pixels
/// would skip whole objects otherwise.
const MOST_SHRINK: usize = 4;

/// The position of an output pixel between two input pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tap {
    first: u32,
    /// The weight of the pixel after `first`, in 256ths.
    weight: u32,
}

/// Scales planes of one size to another.
#[derive(Debug, Default)]
pub(crate) struct PlaneScaler {
    source: (usize, usize),
    target: (usize, usize),
    /// The plane halved; empty when it is not.
    halved: Vec<u8>,
    /// The input of the last halving, when there are several.
    half_done: Vec<u8>,
    /// The size of the plane that is interpolated.
    halved_size: (usize, usize),
    columns: Columns,
    rows: Vec<Tap>,
    /// One line between two rows of the source, in 256ths, with its last value repeated.
    line: Vec<u16>,
}

impl PlaneScaler {
    /// Prepares scaling `plane`, of the size `source` (width, height) without padding, to `target`.
    pub(crate) fn prepare(&mut self, plane: &[u8], source: (usize, usize), target: (usize, usize)) {
        let halvings = halvings(source, target);
        let shrunk = (source.0 >> halvings, source.1 >> halvings);
        if (self.source, self.target) != (source, target) {
            (self.source, self.target) = (source, target);
            let columns = taps(shrunk.0, target.0);
            self.columns = Columns::new(columns.iter().map(|tap| (tap.first, tap.weight)));
            self.rows = taps(shrunk.1, target.1);
            self.line = vec![0; shrunk.0 + 1];
            self.halved.clear();
        }
        self.halved_size = shrunk;
        for done in 0..halvings {
            let (width, height) = (source.0 >> done, source.1 >> done);
            std::mem::swap(&mut self.halved, &mut self.half_done);
            let from = if done == 0 { plane } else { &self.half_done };
            self.halved.resize((width / 2) * (height / 2), 0);
            halve(from, width, &mut self.halved);
        }
    }

    /// Writes row `y` of the target of the prepared plane.
    pub(crate) fn row(&mut self, plane: &[u8], y: usize, out: &mut [u8]) {
        let plane = if self.halved.is_empty() {
            plane
        } else {
            &self.halved
        };
        let (width, height) = self.halved_size;
        let Tap { first, weight } = self.rows[y];
        let (first, weight) = (first as usize, weight as u16);
        let second = (first + 1).min(height - 1);
        let upper = &plane[first * width..(first + 1) * width];
        let lower = &plane[second * width..(second + 1) * width];
        // The rows are interpolated first, because neighbours are next to each other then.
        between(upper, lower, weight, &mut self.line[..width]);
        self.line[width] = self.line[width - 1];
        interpolate(&self.line, &self.columns, out);
    }
}

/// How many times a plane is halved before it is interpolated.
fn halvings(source: (usize, usize), target: (usize, usize)) -> u32 {
    let (mut width, mut height, mut halvings) = (source.0, source.1, 0);
    while width > MOST_SHRINK * target.0 && height > MOST_SHRINK * target.1 {
        (width, height, halvings) = (width / 2, height / 2, halvings + 1);
    }
    halvings
}

/// The position of each of `target` pixels among `source` pixels. Pixel centres are aligned, and edges
/// are repeated.
fn taps(source: usize, target: usize) -> Vec<Tap> {
    let step = source as f64 / target as f64;
    let tap = |place: usize| {
        let x = ((place as f64 + 0.5) * step - 0.5).clamp(0.0, (source - 1) as f64);
        Tap {
            first: x as u32,
            weight: (x.fract() * 256.0).round() as u32,
        }
    };
    (0..target).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any picture with detail in it.
    fn plane(width: usize, height: usize) -> Vec<u8> {
        (0..width * height)
            .map(|place| (place * 7919 % 251) as u8)
            .collect()
    }

    fn scaled(plane: &[u8], source: (usize, usize), target: (usize, usize)) -> Vec<u8> {
        let mut scaler = PlaneScaler::default();
        scaler.prepare(plane, source, target);
        let mut all = vec![0; target.0 * target.1];
        for (y, row) in all.chunks_exact_mut(target.0).enumerate() {
            scaler.row(plane, y, row);
        }
        all
    }

    /// The textbook, one pixel at a time, in f64.
    fn reference(plane: &[u8], source: (usize, usize), target: (usize, usize)) -> Vec<f64> {
        let mut all = Vec::new();
        for y in 0..target.1 {
            for x in 0..target.0 {
                let place = |at: usize, target: usize, source: usize| {
                    let exact = (at as f64 + 0.5) * source as f64 / target as f64 - 0.5;
                    exact.clamp(0.0, source as f64 - 1.0)
                };
                let (sx, sy) = (place(x, target.0, source.0), place(y, target.1, source.1));
                let (left, top) = (sx.floor() as usize, sy.floor() as usize);
                let right = (left + 1).min(source.0 - 1);
                let bottom = (top + 1).min(source.1 - 1);
                let at = |x: usize, y: usize| f64::from(plane[y * source.0 + x]);
                let upper = at(left, top) * (1.0 - sx.fract()) + at(right, top) * sx.fract();
                let lower = at(left, bottom) * (1.0 - sx.fract()) + at(right, bottom) * sx.fract();
                all.push(upper * (1.0 - sy.fract()) + lower * sy.fract());
            }
        }
        all
    }

    #[test]
    fn scaling_agrees_with_a_reference_up_and_down() {
        let targets = [(41, 23), (128, 72), (300, 200), (1, 1), (128, 20)];
        for (source, target) in targets.map(|target| ((128, 72), target)) {
            if halvings(source, target) > 0 {
                continue;
            }
            let plane = plane(source.0, source.1);
            let wanted = reference(&plane, source, target);
            for (ours, wanted) in scaled(&plane, source, target).iter().zip(wanted) {
                // Weights in 256ths, twice: at most a whole level off.
                assert!(
                    (f64::from(*ours) - wanted).abs() <= 1.5,
                    "{target:?}: {ours} {wanted}"
                );
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy() {
        let plane = plane(32, 16);
        assert_eq!(scaled(&plane, (32, 16), (32, 16)), plane);
    }

    #[test]
    fn planes_of_a_single_pixel_fill_everything() {
        assert_eq!(scaled(&[77], (1, 1), (9, 5)), vec![77; 45]);
        assert_eq!(scaled(&[77; 4096], (4096, 1), (5, 5)), vec![77; 25]);
    }

    #[test]
    fn large_planes_are_halved_so_that_nothing_is_missed() {
        assert_eq!(halvings((1280, 720), (416, 234)), 0);
        assert_eq!(halvings((1920, 1080), (416, 234)), 1);
        assert_eq!(halvings((3840, 2160), (416, 234)), 2);
        // Every pixel counts: a white one in a black plane is seen wherever it is.
        for place in 0..16 {
            let mut spark = vec![0; 64 * 64];
            spark[(28 + place / 4) * 64 + 28 + place % 4] = 255;
            assert!(
                scaled(&spark, (64, 64), (15, 15))
                    .iter()
                    .any(|pixel| *pixel > 0)
            );
        }
    }

    #[test]
    fn the_scaler_can_change_sizes() {
        let (large, small) = (plane(640, 640), plane(64, 48));
        let mut scaler = PlaneScaler::default();
        let mut row = vec![0; 40];
        scaler.prepare(&large, (640, 640), (40, 40));
        scaler.row(&large, 3, &mut row);
        scaler.prepare(&small, (64, 48), (40, 40));
        scaler.row(&small, 3, &mut row);
        assert_eq!(row, scaled(&small, (64, 48), (40, 40))[120..160]);
    }
}
