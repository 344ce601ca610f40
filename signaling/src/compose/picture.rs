//! Frames and signals to painted pictures: what paints enters the compose thread from outside as a
//! [`Painter`], what is painted leaves it as [`Composed`] for everything but viewers.

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use capture::scale::{Scaler, fit_within};
use capture::{Frame, I420, PicturePool, PooledPicture, Signal};

use super::metrics::ComposeMetrics;
use crate::encode::encoder::Rendition;

/// Paints over pictures on the compose thread. Handed over by the program, which knows of detection;
/// this crate does not.
///
/// A painter that panics costs the picture it was painting: a half-painted one may show what was to be
/// hidden.
pub trait Painter: Send {
    /// Paints over `picture`, which shows `frame`, maybe smaller. The top [`reserved_top_px`] rows
    /// must stay as they are.
    fn paint(&mut self, picture: &mut I420, frame: &Frame);

    /// Fills `picture`, whose contents are unspecified, with a card that says in plain words why
    /// there are no frames. `now` is for its clock.
    fn card(&mut self, picture: &mut I420, signal: &Signal, now: Instant);
}

/// How many rows at the top of `picture` show the rows that `frame` reserves.
#[must_use]
pub fn reserved_top_px(picture: &I420, frame: &Frame) -> u32 {
    let scaled = u64::from(frame.reserved_top_px) * u64::from(picture.height());
    let rows = scaled.div_ceil(u64::from(frame.pixels.height()));
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// The newest composed picture: for snapshots, MJPEG and the screen.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The frame as it was captured, full size, nothing painted. `None` on a card.
    pub clean: Option<Arc<Frame>>,
    /// What viewers see, in the largest rendition's size.
    pub painted: Arc<PooledPicture>,
    /// [`Frame::seq`]; on a card that of the last frame before it.
    pub seq: u64,
    /// When the frame was captured; on a card, when it was drawn.
    pub captured_at: Instant,
}

/// Pictures in flight: one painted, one published, one or two held by slow readers.
const IDLE_PICTURES: usize = 4;

/// Makes the pictures that viewers see, in the size of the largest rendition.
pub(super) struct PictureMaker {
    painter: Box<dyn Painter>,
    scaler: Scaler,
    pool: PicturePool,
    metrics: Arc<ComposeMetrics>,
    /// Pictures fit into this many pixels, width and height.
    frame_box: (u32, u32),
    /// Size of the last frame's picture: cards take it, so that no encoder has to open anew.
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

    /// The frame, fitted and painted over. `None`, counted and logged, when that failed.
    pub(super) fn frame(&mut self, frame: &Frame) -> Option<PooledPicture> {
        let begin = Instant::now();
        let mut picture = self.fitted(&frame.pixels)?;
        let copied = Instant::now();
        self.metrics.copy.observe((copied - begin).as_secs_f64());
        let painted = caught(|| self.painter.paint(&mut picture, frame));
        self.metrics.paint.observe(copied.elapsed().as_secs_f64());
        self.size = (picture.width(), picture.height());
        self.counted(painted, "the painter panicked; this picture is left out")?;
        Some(picture)
    }

    /// A card that says what `signal` says.
    pub(super) fn card(&mut self, signal: &Signal, now: Instant) -> Option<PooledPicture> {
        let picture = self.pool.take(self.size.0, self.size.1);
        let mut picture = self.counted(picture.ok(), "a card of this size cannot be drawn")?;
        let painted = caught(|| self.painter.card(&mut picture, signal, now));
        self.counted(painted, "the painter panicked; this card is left out")?;
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
        let mut picture = self.counted(picture.ok(), "a frame of this shape cannot be scaled")?;
        let scaled = self.scaler.scale(pixels, &mut picture);
        self.counted(scaled.ok(), "a frame of this shape cannot be scaled")?;
        Some(picture)
    }

    fn counted<T>(&self, outcome: Option<T>, what: &str) -> Option<T> {
        if outcome.is_none() {
            let failures = self.metrics.picture_failures.inc() + 1;
            // The first, then one a minute at 30 fps: a broken painter must not fill the disk.
            if failures % 1800 == 1 {
                tracing::error!(failures, size = ?self.size, "{what}");
            }
        }
        outcome
    }
}

/// Runs what came from outside; `None` when it panicked.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // Whoever calls throws away everything the closure may have left half done.
    catch_unwind(AssertUnwindSafe(run)).ok()
}
