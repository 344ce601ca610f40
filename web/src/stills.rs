//! Composed pictures as JPEG, each encoded once for all who request it.

mod level;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use capture::jpeg::{JpegEncoder, JpegError};
use capture::scale::{ScaleError, Scaler, fit_within};
use capture::{I420, PictureError, Slot};
use signaling::{Composed, Demand};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::timeout;

pub(crate) use self::level::PictureLevel;

/// Whether a still has boxes, or is as the camera saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StillKind {
    Painted(PictureLevel),
    Clean,
}

impl StillKind {
    /// With boxes, in full quality.
    pub(crate) const FULL: Self = Self::Painted(PictureLevel::FULL);
}

#[derive(Debug, Error)]
pub(crate) enum StillError {
    #[error("no picture came in time; /api/status says how the source is doing")]
    NoPicture,
    #[error("there is no camera picture now, only a card; ask with boxes=1 or wait")]
    CardOnly,
    #[error("the picture could not be encoded: {0}")]
    Encode(#[from] JpegError),
    #[error("the picture could not be scaled: {0}")]
    Scale(#[from] ScaleError),
    #[error("the picture could not be scaled: {0}")]
    ScaledSize(#[from] PictureError),
    #[error("the encoder of still pictures was interrupted")]
    Interrupted,
}

/// Time-out for a composed picture, which usually comes within a frame interval; a card within 200 ms.
const FIRST_PICTURE_WITHIN: Duration = Duration::from_secs(2);
/// While nobody watches, only about one picture a second is decoded. After an older one than this, the next is waited
/// for, but not for long: a slow source has no other.
const FRESH: Duration = Duration::from_millis(100);
const FRESHER_WITHIN: Duration = Duration::from_millis(150);

/// The newest JPEG of each kind, shared by everybody who wants it.
#[derive(Default)]
pub(crate) struct Stills {
    /// One of each [`PictureLevel`].
    painted: [Mutex<JpegCache>; PictureLevel::COUNT],
    clean: Mutex<JpegCache>,
}

#[derive(Default)]
struct JpegCache {
    /// By capture time: a card has the sequence number of the last frame before it.
    newest: Option<(Instant, Bytes)>,
    /// Kept for its buffers; `None` while it encodes.
    encoder: Option<StillEncoder>,
}

impl Stills {
    /// Forgets the pictures. Blocks while one is encoded: not for tasks of the runtime.
    pub(crate) fn clear(&self) {
        for cache in self.painted.iter().chain([&self.clean]) {
            cache.blocking_lock().newest = None;
        }
    }

    /// A new JPEG; a picture is composed for it even if nobody watches.
    pub(crate) async fn fresh(
        &self,
        demand: &Arc<Demand>,
        composed: &Arc<Slot<Composed>>,
        kind: StillKind,
    ) -> Result<Bytes, StillError> {
        let _lease = demand.watch_picture();
        let mut pictures = composed.reader();
        // The slot may hold a picture from long ago: skip it.
        let _stale = pictures.try_next();
        let fresh_from = Instant::now().checked_sub(FRESH);
        let next = async {
            loop {
                let epoch = demand.picture_epoch().now();
                let mut picture = pictures.next().await.ok_or(StillError::NoPicture)?;
                let is_old = fresh_from.is_some_and(|from| picture.captured_at < from);
                if is_old && let Ok(newer) = timeout(FRESHER_WITHIN, pictures.next()).await {
                    picture = newer.ok_or(StillError::NoPicture)?;
                }
                let jpeg = self.jpeg(picture, kind).await;
                // Otherwise it was taken back meanwhile.
                if epoch == demand.picture_epoch().now() {
                    return jpeg;
                }
            }
        };
        let first = timeout(FIRST_PICTURE_WITHIN, next).await;
        first.unwrap_or(Err(StillError::NoPicture))
    }

    /// `picture` as JPEG. The lock is held while encoding, so that concurrent requests wait for one
    /// encoding instead of repeating it.
    pub(crate) async fn jpeg(
        &self,
        picture: Arc<Composed>,
        kind: StillKind,
    ) -> Result<Bytes, StillError> {
        let mut cache = match kind {
            StillKind::Painted(level) => self.painted[level.index()].lock().await,
            StillKind::Clean => self.clean.lock().await,
        };
        if let Some((_, jpeg)) = cache
            .newest
            .as_ref()
            .filter(|(at, _)| *at >= picture.captured_at)
        {
            return Ok(jpeg.clone());
        }
        let captured_at = picture.captured_at;
        let mut encoder = match cache.encoder.take() {
            Some(encoder) => encoder,
            None => StillEncoder::new()?,
        };
        let encoding = tokio::task::spawn_blocking(move || {
            let jpeg = encoder.encode(&picture, kind);
            (encoder, jpeg)
        });
        let (encoder, jpeg) = encoding.await.map_err(|_| StillError::Interrupted)?;
        cache.encoder = Some(encoder);
        let jpeg = Bytes::from(jpeg?);
        cache.newest = Some((captured_at, jpeg.clone()));
        Ok(jpeg)
    }
}

/// Scales and encodes; keeps its buffers.
struct StillEncoder {
    encoder: JpegEncoder,
    scaler: Scaler,
    /// The scaled picture.
    scaled: I420,
}

impl StillEncoder {
    fn new() -> Result<Self, StillError> {
        Ok(Self {
            encoder: JpegEncoder::new()?,
            scaler: Scaler::new(),
            scaled: I420::black(2, 2)?,
        })
    }

    fn encode(&mut self, picture: &Composed, kind: StillKind) -> Result<Vec<u8>, StillError> {
        match (kind, &picture.clean) {
            (StillKind::Painted(level), _) => self.encode_at(&picture.painted, level),
            (StillKind::Clean, Some(frame)) => self.encode_at(&frame.pixels, PictureLevel::FULL),
            (StillKind::Clean, None) => Err(StillError::CardOnly),
        }
    }

    fn encode_at(&mut self, picture: &I420, level: PictureLevel) -> Result<Vec<u8>, StillError> {
        let (width, height) = (picture.width(), picture.height());
        let smaller = level.height_most_px().filter(|most| *most < height);
        let Some(height_most) = smaller else {
            return Ok(self.encoder.encode(picture, level.quality())?);
        };
        let (to_width, to_height) = fit_within(width, height, width, height_most);
        self.scaled.reshape(to_width, to_height)?;
        self.scaler.scale(picture, &mut self.scaled)?;
        Ok(self.encoder.encode(&self.scaled, level.quality())?)
    }
}

#[cfg(test)]
mod tests {
    use capture::PicturePool;
    use capture::jpeg::JpegDecoder;

    use super::*;

    fn composed() -> Arc<Composed> {
        let mut painted = PicturePool::new(1).take(640, 480).expect("even");
        painted.fill(120, 100, 140);
        Arc::new(Composed {
            clean: None,
            painted: Arc::new(painted),
            seq: 1,
            captured_at: Instant::now(),
        })
    }

    #[tokio::test]
    async fn each_version_of_a_picture_is_encoded_once_for_all() {
        let (stills, picture) = (Stills::default(), composed());
        let mut seen: Vec<Bytes> = Vec::new();
        for level in PictureLevel::all() {
            let kind = StillKind::Painted(level);
            let (first, second) = tokio::join!(
                stills.jpeg(Arc::clone(&picture), kind),
                stills.jpeg(Arc::clone(&picture), kind)
            );
            let (first, second) = (first.expect("encoded"), second.expect("encoded"));
            assert_eq!(first.as_ptr(), second.as_ptr());
            assert!(seen.iter().all(|other| *other != first));
            seen.push(first);
        }
    }

    #[tokio::test]
    async fn smaller_versions_keep_the_proportions() {
        let (stills, picture, pool) = (Stills::default(), composed(), PicturePool::new(1));
        let mut sizes = Vec::new();
        for level in PictureLevel::all() {
            let kind = StillKind::Painted(level);
            let jpeg = stills.jpeg(Arc::clone(&picture), kind).await;
            let mut decoder = JpegDecoder::new().expect("a decoder");
            let decoded = decoder
                .decode(&jpeg.expect("encoded"), &pool)
                .expect("a JPEG");
            sizes.push((decoded.width(), decoded.height()));
        }
        let (large, medium, small) = ((640, 480), (480, 360), (240, 180));
        assert_eq!(sizes, [large, large, medium, medium, small]);
    }
}
