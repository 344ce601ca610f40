//! Composed pictures as JPEG, each encoded once for all who request it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use capture::jpeg::{JpegEncoder, JpegError};
use signaling::Composed;
use thiserror::Error;
use tokio::sync::Mutex;

/// With boxes, or as the camera saw it.
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
