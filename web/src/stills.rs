//! Composed pictures as JPEG, each encoded once for all who request it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use capture::Slot;
use capture::jpeg::{JpegEncoder, JpegError};
use signaling::{Composed, Demand};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Whether a still has boxes, or is as the camera saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StillKind {
    Painted,
    Clean,
}

#[derive(Debug, Error)]
pub(crate) enum StillError {
    #[error("no picture came in time; /api/status says how the source is doing")]
    NoPicture,
    #[error("there is no camera picture now, only a card; ask with boxes=1 or wait")]
    CardOnly,
    #[error("the picture could not be encoded: {0}")]
    Encode(#[from] JpegError),
    #[error("the encoder of still pictures was interrupted")]
    Interrupted,
}

const QUALITY: u8 = 82;
/// Time-out for a composed picture, which usually comes within a frame interval; a card within 200 ms.
const FIRST_PICTURE_WITHIN: Duration = Duration::from_secs(2);
/// While nobody watches, only about one picture a second is decoded. After an older one than this, the next is waited
/// for, but not for long: a slow source has no other.
const FRESH: Duration = Duration::from_millis(100);
const FRESHER_WITHIN: Duration = Duration::from_millis(150);

/// The newest JPEG of each kind, shared by everybody who wants it.
#[derive(Default)]
pub(crate) struct Stills {
    painted: Mutex<JpegCache>,
    clean: Mutex<JpegCache>,
}

#[derive(Default)]
struct JpegCache {
    /// By capture time: a card has the sequence number of the last frame before it.
    newest: Option<(Instant, Bytes)>,
    /// Kept for its buffers; `None` while it encodes.
    encoder: Option<JpegEncoder>,
}

impl Stills {
    /// Forgets the pictures. Blocks while one is encoded: not for tasks of the runtime.
    pub(crate) fn clear(&self) {
        for cache in [&self.painted, &self.clean] {
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
            StillKind::Painted => self.painted.lock().await,
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
        let encoder = match cache.encoder.take() {
            Some(encoder) => encoder,
            None => JpegEncoder::new()?,
        };
        let encoding = tokio::task::spawn_blocking(move || encode(encoder, &picture, kind));
        let (encoder, jpeg) = encoding.await.map_err(|_| StillError::Interrupted)?;
        cache.encoder = Some(encoder);
        let jpeg = Bytes::from(jpeg?);
        cache.newest = Some((captured_at, jpeg.clone()));
        Ok(jpeg)
    }
}

fn encode(
    mut encoder: JpegEncoder,
    picture: &Composed,
    kind: StillKind,
) -> (JpegEncoder, Result<Vec<u8>, StillError>) {
    let jpeg = match (kind, &picture.clean) {
        (StillKind::Painted, _) => encoder
            .encode(&picture.painted, QUALITY)
            .map_err(Into::into),
        (StillKind::Clean, Some(frame)) => {
            encoder.encode(&frame.pixels, QUALITY).map_err(Into::into)
        }
        (StillKind::Clean, None) => Err(StillError::CardOnly),
    };
    (encoder, jpeg)
}
