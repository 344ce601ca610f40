//! Changes to a picture before anybody sees it: the one stage in front of everything that shows pictures.

use std::sync::Arc;

use capture::{Frame, I420, PicturePool};

use super::metrics::ComposeMetrics;
use super::picture::{caught, counted};

/// Changes each new picture before anybody sees it: blurs faces, hides a part of the room.
///
/// All that shows pictures comes after the filters: viewers, the WHIP server, MJPEG, snapshots with
/// and without boxes, the stills of the photo booth. Only the detector takes frames from the source
/// itself, so that it finds in the whole picture what a filter hides; its boxes are painted after the
/// filters.
///
/// Filters run in order on the compose thread, once for each picture that is composed, at the size of the
/// source. They must be done within a few milliseconds: their time adds to the latency of every viewer. A
/// filter that panics costs the picture, which nobody sees then.
///
/// ```
/// use capture::{Frame, I420};
/// use signaling::PictureFilter;
///
/// /// Shows nothing of the left half.
/// struct LeftHalf;
///
/// impl PictureFilter for LeftHalf {
///     fn apply(&mut self, picture: &mut I420, _frame: &Frame) {
///         let width = picture.width() as usize;
///         for row in picture.planes_mut().y.chunks_exact_mut(width) {
///             row[..width / 2].fill(16);
///         }
///     }
/// }
/// ```
pub trait PictureFilter: Send {
    /// Whether it changes anything now. While no filter does, pictures are not copied.
    fn is_needed(&self) -> bool {
        true
    }

    /// Changes `picture`: the pixels of `frame` as the filters before this one left them.
    fn apply(&mut self, picture: &mut I420, frame: &Frame);
}

/// Pictures in flight: the one composed, the one published, and some that slow readers hold.
const IDLE_PICTURES: usize = 4;

/// The filters, in the order in which they run.
pub(super) struct FilterStage {
    filters: Vec<Box<dyn PictureFilter>>,
    pool: PicturePool,
    metrics: Arc<ComposeMetrics>,
}

impl FilterStage {
    pub(super) fn new(filters: Vec<Box<dyn PictureFilter>>, metrics: Arc<ComposeMetrics>) -> Self {
        Self {
            filters,
            pool: PicturePool::new(IDLE_PICTURES),
            metrics,
        }
    }

    /// The frame as everybody may see it. Without filters that is the frame itself, uncopied; otherwise it
    /// is one pooled copy. `None`, counted and logged: a filter failed.
    pub(super) fn run(&mut self, frame: Arc<Frame>) -> Option<Arc<Frame>> {
        if !self.filters.iter().any(|filter| filter.is_needed()) {
            return Some(frame);
        }
        let mut pixels = self.pool.copy_of(&frame.pixels);
        let filtered = caught(|| {
            for filter in &mut self.filters {
                filter.apply(&mut pixels, &frame);
            }
        });
        counted(
            &self.metrics,
            filtered,
            "a picture filter panicked; this picture is left out",
        )?;
        Some(Arc::new(Frame {
            pixels,
            mounting: frame.mounting,
            seq: frame.seq,
            source_number: frame.source_number,
            camera: frame.camera.clone(),
            captured_at: frame.captured_at,
            stale_after: frame.stale_after,
            reserved_top_px: frame.reserved_top_px,
            truth: frame.truth.clone(),
        }))
    }
}
