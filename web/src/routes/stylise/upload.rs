//! Limits an upload in size, duration and rate.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

#[derive(Debug, Clone, Copy)]
pub(super) struct UploadLimits {
    /// Without a byte. Phones on crowded networks may lose the connection for many seconds.
    pub(super) silence: Duration,
    /// In all: 12 MB at 20 kB/s.
    pub(super) whole: Duration,
    /// Minimum average rate since the upload began, after a grace period of `silence`: slow senders must
    /// not occupy places.
    pub(super) least_bytes_per_s: u32,
    /// For discarding the rest of the body before the answer is sent.
    pub(super) rest: Duration,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            whole: Duration::from_mins(10),
            // At this rate a photo that the page has scaled down takes a minute.
            least_bytes_per_s: 4000,
            rest: Duration::from_mins(1),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum UploadError {
    #[error("the picture is larger than 12 MB")]
    TooLarge,
    #[error("nothing more came for too long")]
    Silent,
    #[error("the connection broke")]
    Broken,
}

/// A request's body. [`drain`](Upload::drain) it before answering early: a client that is still sending
/// to a closed connection never reads the answer.
pub(super) struct Upload(Arc<Mutex<BoundedBody>>);

struct BoundedBody {
    body: BodyDataStream,
    left_bytes: usize,
    limit_bytes: usize,
    came_bytes: usize,
    patience: UploadLimits,
    began: Instant,
    until: Instant,
    stopped: Option<UploadError>,
}

impl Upload {
    pub(super) fn new(body: Body, limit_bytes: usize, patience: UploadLimits) -> Self {
        Self(Arc::new(Mutex::new(BoundedBody {
            body: body.into_data_stream(),
            left_bytes: limit_bytes,
            limit_bytes,
            came_bytes: 0,
            patience,
            began: Instant::now(),
            until: Instant::now() + patience.whole,
            stopped: None,
        })))
    }

    /// The body's chunks, until its end or an error.
    pub(super) fn stream(&self) -> impl Stream<Item = Result<Bytes, UploadError>> + Send + use<> {
        stream::unfold(Arc::clone(&self.0), |body| async move {
            let item = body.lock().await.next().await?;
            Some((item, body))
        })
    }

    pub(super) async fn stopped(&self) -> Option<UploadError> {
        self.0.lock().await.stopped
    }

    /// Discards the rest of the body, within limits.
    pub(super) async fn drain(&self) {
        let mut body = self.0.lock().await;
        if matches!(
            body.stopped,
            Some(UploadError::Silent | UploadError::Broken)
        ) {
            return;
        }
        body.stopped = None;
        // Enough for the largest photo of a phone.
        body.left_bytes = body.limit_bytes.saturating_mul(2);
        body.until = Instant::now() + body.patience.rest;
        while let Some(Ok(_thrown_away)) = body.next().await {}
    }
}

impl BoundedBody {
    async fn next(&mut self) -> Option<Result<Bytes, UploadError>> {
        if let Some(stop) = self.stopped {
            return Some(Err(stop));
        }
        let silent = Instant::now() + self.patience.silence;
        let until = self.until.min(silent).min(self.too_slow_at());
        let stop = match timeout_at(until, self.body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(bytes))) if bytes.len() <= self.left_bytes => {
                self.left_bytes -= bytes.len();
                self.came_bytes += bytes.len();
                return Some(Ok(bytes));
            }
            Ok(Some(Ok(_))) => UploadError::TooLarge,
            Ok(Some(Err(_))) => UploadError::Broken,
            Err(_) => UploadError::Silent,
        };
        self.stopped = Some(stop);
        Some(Err(stop))
    }
}

impl BoundedBody {
    /// When the upload falls below the minimum rate, unless more bytes arrive.
    fn too_slow_at(&self) -> Instant {
        let rate = f64::from(self.patience.least_bytes_per_s.max(1));
        let paid_for = Duration::from_secs_f64(self.came_bytes as f64 / rate);
        self.began + self.patience.silence + paid_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: UploadLimits = UploadLimits {
        silence: Duration::from_millis(300),
        whole: Duration::from_secs(60),
        least_bytes_per_s: 1,
        rest: Duration::from_millis(200),
    };
    /// For what comes in time, however busy the machine is.
    const PATIENT: UploadLimits = UploadLimits {
        silence: Duration::from_secs(60),
        rest: Duration::from_secs(60),
        ..QUICK
    };

    /// `count` chunks of ten bytes, one every `every`.
    fn pieces(count: usize, every: Duration) -> Body {
        let pieces = stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))
        });
        Body::from_stream(pieces)
    }

    async fn read(upload: &Upload) -> usize {
        let pieces = upload.stream().take_while(|item| {
            let fine = item.is_ok();
            async move { fine }
        });
        pieces.count().await
    }

    #[tokio::test]
    async fn all_of_a_picture_that_fits_comes_through() {
        let upload = Upload::new(pieces(5, Duration::ZERO), 50, PATIENT);
        assert_eq!((read(&upload).await, upload.stopped().await), (5, None));
    }

    #[tokio::test]
    async fn an_oversized_body_is_drained_within_limits() {
        let upload = Upload::new(pieces(9, Duration::ZERO), 50, PATIENT);
        assert_eq!(read(&upload).await, 5);
        assert_eq!(upload.stopped().await, Some(UploadError::TooLarge));
        upload.drain().await;
        assert_eq!(upload.stopped().await, None, "it ended by itself");
        let endless = Upload::new(pieces(usize::MAX, Duration::ZERO), 50, QUICK);
        endless.drain().await;
        assert_eq!(endless.stopped().await, Some(UploadError::TooLarge));
    }

    #[tokio::test]
    async fn uploads_below_the_minimum_rate_end_and_slow_ones_above_it_continue() {
        let least = |least_bytes_per_s| UploadLimits {
            whole: Duration::from_hours(1),
            least_bytes_per_s,
            ..QUICK
        };
        // At most 200 bytes per second.
        let drops = pieces(usize::MAX, Duration::from_millis(50));
        let upload = Upload::new(drops, usize::MAX, least(1000));
        assert!(read(&upload).await < 100);
        assert_eq!(upload.stopped().await, Some(UploadError::Silent));
        // Longer in all than the silence that is allowed.
        let slow = pieces(60, Duration::from_millis(50));
        let limits = UploadLimits {
            silence: Duration::from_secs(2),
            ..least(20)
        };
        let slow = Upload::new(slow, usize::MAX, limits);
        assert_eq!((read(&slow).await, slow.stopped().await), (60, None));
    }

    #[tokio::test]
    async fn silence_and_dawdling_end() {
        let silent = Upload::new(
            Body::from_stream(stream::pending::<Result<Bytes, UploadError>>()),
            50,
            QUICK,
        );
        assert_eq!(read(&silent).await, 0);
        assert_eq!(silent.stopped().await, Some(UploadError::Silent));
        silent.drain().await;
        let patience = UploadLimits {
            whole: Duration::from_secs(1),
            ..PATIENT
        };
        let pieces = pieces(usize::MAX, Duration::from_millis(50));
        let dawdling = Upload::new(pieces, usize::MAX, patience);
        let came = read(&dawdling).await;
        assert!((1..40).contains(&came), "{came}");
        assert_eq!(dawdling.stopped().await, Some(UploadError::Silent));
    }
}
