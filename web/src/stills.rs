//! Composed pictures as JPEG, each encoded once however many ask for it.

use std::sync::Arc;

use bytes::Bytes;
use capture::jpeg::{JpegEncoder, JpegError};
use signaling::Composed;
use thiserror::Error;
use tokio::sync::Mutex;

/// With boxes, or the picture as the camera saw it (after privacy, always).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Painted,
    Clean,
}

/// Why there is no still picture.
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

/// The newest JPEG of each layer, shared by everybody who wants it.
#[derive(Debug, Default)]
pub(crate) struct Stills {
    painted: Mutex<Option<(u64, Bytes)>>,
    clean: Mutex<Option<(u64, Bytes)>>,
}

impl Stills {
    /// `picture` as JPEG. A hundred viewers of the simple stream cost one encoding a frame: the
    /// lock is held while encoding, so that the others wait for the result instead of repeating it.
    pub(crate) async fn jpeg(
        &self,
        picture: Arc<Composed>,
        layer: Layer,
    ) -> Result<Bytes, StillError> {
        let shelf = match layer {
            Layer::Painted => &self.painted,
            Layer::Clean => &self.clean,
        };
        let mut kept = shelf.lock().await;
        if let Some((seq, jpeg)) = kept.as_ref().filter(|(seq, _)| *seq >= picture.seq) {
            tracing::trace!(seq, "shared still");
            return Ok(jpeg.clone());
        }
        let seq = picture.seq;
        let encoding = tokio::task::spawn_blocking(move || encode(&picture, layer));
        let jpeg = encoding.await.map_err(|_| StillError::Interrupted)??;
        *kept = Some((seq, jpeg.clone()));
        Ok(jpeg)
    }
}

fn encode(picture: &Composed, layer: Layer) -> Result<Bytes, StillError> {
    let mut encoder = JpegEncoder::new()?;
    let jpeg = match (layer, &picture.clean) {
        (Layer::Painted, _) => encoder.encode(&picture.painted, QUALITY)?,
        (Layer::Clean, Some(frame)) => encoder.encode(&frame.pixels, QUALITY)?,
        (Layer::Clean, None) => return Err(StillError::CardOnly),
    };
    Ok(Bytes::from(jpeg))
}
