//! Composed pictures as JPEG, each encoded once however many ask for it.

use std::sync::Arc;
use std::time::Instant;

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
#[derive(Default)]
pub(crate) struct Stills {
    painted: Mutex<Shelf>,
    clean: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    /// By capture time: a card keeps the number of the last frame before it.
    newest: Option<(Instant, Bytes)>,
    /// Kept for its buffers; away while it encodes.
    encoder: Option<JpegEncoder>,
}

impl Stills {
    /// `picture` as JPEG. A hundred viewers of the simple stream cost one encoding a frame: the
    /// lock is held while encoding, so that the others wait for the result instead of repeating it.
    pub(crate) async fn jpeg(
        &self,
        picture: Arc<Composed>,
        layer: Layer,
    ) -> Result<Bytes, StillError> {
        let mut shelf = match layer {
            Layer::Painted => self.painted.lock().await,
            Layer::Clean => self.clean.lock().await,
        };
        if let Some((_, jpeg)) = shelf
            .newest
            .as_ref()
            .filter(|(at, _)| *at >= picture.captured_at)
        {
            return Ok(jpeg.clone());
        }
        let captured_at = picture.captured_at;
        let encoder = match shelf.encoder.take() {
            Some(encoder) => encoder,
            None => JpegEncoder::new()?,
        };
        let encoding = tokio::task::spawn_blocking(move || encode(encoder, &picture, layer));
        let (encoder, jpeg) = encoding.await.map_err(|_| StillError::Interrupted)?;
        shelf.encoder = Some(encoder);
        let jpeg = Bytes::from(jpeg?);
        shelf.newest = Some((captured_at, jpeg.clone()));
        Ok(jpeg)
    }
}

fn encode(
    mut encoder: JpegEncoder,
    picture: &Composed,
    layer: Layer,
) -> (JpegEncoder, Result<Vec<u8>, StillError>) {
    let jpeg = match (layer, &picture.clean) {
        (Layer::Painted, _) => encoder
            .encode(&picture.painted, QUALITY)
            .map_err(StillError::from),
        (Layer::Clean, Some(frame)) => encoder
            .encode(&frame.pixels, QUALITY)
            .map_err(StillError::from),
        (Layer::Clean, None) => Err(StillError::CardOnly),
    };
    (encoder, jpeg)
}
