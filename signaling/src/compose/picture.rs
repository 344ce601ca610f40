//! From a frame, or a signal that there are no frames, to a painted picture.

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use capture::scale::{Scaler, fit_within};
use capture::{Frame, I420, PicturePool, PooledPicture, Signal};

use super::metrics::ComposeMetrics;
use crate::encode::encoder::Rendition;

/// Paints over pictures on the compose thread. The program provides it, since this crate knows nothing of
/// detections.
///
/// A painter that panics costs the picture it was painting: a half-painted one is never shown.
///
/// ```
/// use std::time::Instant;
///
/// use capture::{Frame, I420, Signal};
/// use signaling::{Painter, reserved_top_px};
///
/// /// A white line under the reserved rows; a grey card without text.
/// struct Line;
///
/// impl Painter for Line {
///     fn paint(&mut self, picture: &mut I420, frame: &Frame) {
///         let width = picture.width() as usize;
///         let row = reserved_top_px(picture, frame) as usize;
///         picture.planes_mut().y[row * width..][..width].fill(235);
///     }
///
///     fn card(&mut self, picture: &mut I420, _signal: &Signal, _now: Instant) {
///         picture.fill(40, 128, 128);
///     }
/// }
/// ```
pub trait Painter: Send {
    /// Paints over `picture`, which shows `frame`, perhaps scaled down. The top [`reserved_top_px`]
    /// rows must stay as they are.
    fn paint(&mut self, picture: &mut I420, frame: &Frame);

    /// Fills `picture`, whose contents are unspecified, with a card that says why there are no frames.
    /// The card's clock shows `now`.
    fn card(&mut self, picture: &mut I420, signal: &Signal, now: Instant);
}

/// How many rows at the top of `picture` show the reserved rows of `frame`.
#[must_use]
pub fn reserved_top_px(picture: &I420, frame: &Frame) -> u32 {
    let scaled = u64::from(frame.reserved_top_px) * u64::from(picture.height());
    let rows = scaled.div_ceil(u64::from(frame.pixels.height()));
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// The newest composed picture: for snapshots, MJPEG and the photo booth.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The frame at its full size, filtered but not painted. `None` on a card.
    pub clean: Option<Arc<Frame>>,
    /// What viewers see, in the largest rendition's size.
    pub painted: Arc<PooledPicture>,
    /// [`Frame::seq`]; on a card that of the last frame before it.
    pub seq: u64,
    /// When the frame was captured or the card drawn.
    pub captured_at: Instant,
}

/// Pictures in use at a time: one being painted, one published, one or two held by slow readers.
const IDLE_PICTURES: usize = 4;

/// Makes the pictures that viewers see, in the size of the largest rendition.
pub(super) struct PictureMaker {
    painter: Box<dyn Painter>,
    scaler: Scaler,
    pool: PicturePool,
    metrics: Arc<ComposeMetrics>,
    /// Pictures fit into this many pixels, width and height.
    frame_box: (u32, u32),
    /// The size of the last frame's picture. Cards have the same size, so that no encoder is reopened.
    size: (u32, u32),
}

impl PictureMaker {
    pub(super) fn new(
        painter: Box<dyn Painter>,
        largest: &Rendition,
        metrics: Arc<ComposeMetrics>,
    ) -> Self {
        let frame_box = (largest.width, largest.height);
        let size = fit_within(frame_box.0, frame_box.1, frame_box.0, frame_box.1);
        let pool = PicturePool::new(IDLE_PICTURES);
        Self {
            painter,
            scaler: Scaler::new(),
            pool,
            metrics,
            frame_box,
            size,
        }
    }

    /// The frame, scaled to fit and painted over. `None`, counted and logged: that failed.
    pub(super) fn frame(&mut self, frame: &Frame) -> Option<PooledPicture> {
        let begin = Instant::now();
        let mut picture = self.fitted(&frame.pixels)?;
        let copied = Instant::now();
        self.metrics.copy.observe((copied - begin).as_secs_f64());
        let painted = caught(|| self.painter.paint(&mut picture, frame));
        self.metrics.paint.observe(copied.elapsed().as_secs_f64());
        self.size = (picture.width(), picture.height());
        let what = "the painter panicked; this picture is left out";
        counted(&self.metrics, painted, what)?;
        Some(picture)
    }

    /// A card for `signal`.
    pub(super) fn card(&mut self, signal: &Signal, now: Instant) -> Option<PooledPicture> {
        let picture = self.pool.take(self.size.0, self.size.1);
        let what = "a card of this size cannot be drawn";
        let mut picture = counted(&self.metrics, picture.ok(), what)?;
        let painted = caught(|| self.painter.card(&mut picture, signal, now));
        let what = "the painter panicked; this card is left out";
        counted(&self.metrics, painted, what)?;
        Some(picture)
    }

    fn fitted(&mut self, pixels: &I420) -> Option<PooledPicture> {
        let (width, height) = fit_within(
            pixels.width(),
            pixels.height(),
            self.frame_box.0,
            self.frame_box.1,
        );
        if (width, height) == (pixels.width(), pixels.height()) {
            return Some(self.pool.copy_of(pixels));
        }
        let picture = self.pool.take(width, height);
        let what = "a frame of this shape cannot be scaled";
        let mut picture = counted(&self.metrics, picture.ok(), what)?;
        let scaled = self.scaler.scale(pixels, &mut picture);
        counted(&self.metrics, scaled.ok(), what)?;
        Some(picture)
    }
}

/// Counts and logs a failure to make a picture.
pub(super) fn counted<T>(metrics: &ComposeMetrics, made: Option<T>, what: &str) -> Option<T> {
    if made.is_none() {
        let failures = metrics.picture_failures.inc() + 1;
        // The first, then one a minute at 30 fps: a broken painter must not fill the disk.
        if failures % 1800 == 1 {
            tracing::error!(failures, "{what}");
        }
    }
    made
}

/// Runs a filter, a painter or an encoder; `None`: it panicked.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // Each caller drops what the closure may have left half done.
    catch_unwind(AssertUnwindSafe(run)).ok()
}
