//! What enters the compose thread from outside, and what leaves it for everything but viewers.

use std::sync::Arc;
use std::time::Instant;

use capture::{Frame, I420, PooledPicture, Signal};

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

#[cfg(test)]
mod tests {
    use capture::PicturePool;

    use super::*;

    #[test]
    fn reserved_rows_shrink_with_the_picture_and_round_up() {
        let pool = PicturePool::new(1);
        let mut frame = Frame::new(pool.take(1280, 720).expect("even"), 0, Instant::now());
        frame.reserved_top_px = 17;
        let half = I420::black(640, 360).expect("even");
        assert_eq!(reserved_top_px(&half, &frame), 9);
        assert_eq!(reserved_top_px(&frame.pixels, &frame), 17);
    }
}
