//! Pixels of one to four levels. Pure.

/// `N` levels a pixel, usually from 0 to 1; rows without padding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane<const N: usize> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[f32; N]>,
}

/// One level: brightness, coverage, noise.
pub(super) type Grey = Plane<1>;

/// Red, green, blue, as in the picture (not linear light).
pub(super) type Colour = Plane<3>;

impl<const N: usize> Plane<N> {
    /// What `pixel` says of each column and row.
    pub(super) fn of(
        width: usize,
        height: usize,
        mut pixel: impl FnMut(usize, usize) -> [f32; N],
    ) -> Self {
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            pixels.extend((0..width).map(|x| pixel(x, y)));
        }
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Each pixel by itself.
    pub(super) fn map<const M: usize>(&self, change: impl Fn([f32; N]) -> [f32; M]) -> Plane<M> {
        Plane {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(|pixel| change(*pixel)).collect(),
        }
    }

    /// Each pixel with the one of `other` at its place.
    pub(super) fn with<const M: usize, const K: usize>(
        &self,
        other: &Plane<M>,
        join: impl Fn([f32; N], [f32; M]) -> [f32; K],
    ) -> Plane<K> {
        let pairs = self.pixels.iter().zip(&other.pixels);
        Plane {
            width: self.width,
            height: self.height,
            pixels: pairs.map(|(one, two)| join(*one, *two)).collect(),
        }
    }

    /// Between pixels; beyond the edges, the nearest.
    #[inline]
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; N] {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let right = (left + 1).min(self.width - 1);
        let bottom = (top + 1).min(self.height - 1);
        let (dx, dy) = (x - left as f32, y - top as f32);
        let (upper, lower) = (top * self.width, bottom * self.width);
        let corners = [upper + left, upper + right, lower + left, lower + right];
        let [a, b, c, d] = corners.map(|at| self.pixels[at]);
        std::array::from_fn(|n| {
            let over = a[n] + (b[n] - a[n]) * dx;
            let under = c[n] + (d[n] - c[n]) * dx;
            over + (under - over) * dy
        })
    }
}

impl Grey {
    /// Moved and stretched to mean 0 and standard deviation 1.
    pub(super) fn normal(&self) -> Self {
        let count = self.pixels.len().max(1) as f64;
        let sum: f64 = self.pixels.iter().map(|[level]| f64::from(*level)).sum();
        let mean = sum / count;
        let square = |[level]: &[f32; 1]| (f64::from(*level) - mean).powi(2);
        let variance = self.pixels.iter().map(square).sum::<f64>() / count;
        let gain = 1.0 / variance.sqrt().max(1e-6);
        self.map(|[level]| [((f64::from(level) - mean) * gain) as f32])
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
pub(super) fn smoothstep(low: f32, high: f32, level: f32) -> f32 {
    let t = ((level - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// From one to the other.
#[inline]
pub(super) fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|n| from[n] + (to[n] - from[n]) * share)
}

/// Brightness as seen (BT.601).
#[inline]
pub(super) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// How far from grey: more than 1 is more colourful.
#[inline]
pub(super) fn saturated(colour: [f32; 3], gain: f32) -> [f32; 3] {
    let grey = luma(colour);
    colour.map(|level| (grey + (level - grey) * gain).clamp(0.0, 1.0))
}
