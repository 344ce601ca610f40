//! The bytes of an upload, bounded in number and in time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// How long an upload may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without a byte. A phone in a crowd loses its network for many seconds, and finds it again.
    pub(super) silence: Duration,
    /// In all: 12 MB at 20 kB/s.
    pub(super) whole: Duration,
    /// What has to come in each second, on average since the upload began, once it has had `silence` to begin
    /// with: who sends a byte now and then holds no place.
    pub(super) least_bytes_per_s: u32,
    /// For what is thrown away, after which the answer is sent.
    pub(super) rest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            whole: Duration::from_mins(10),
            // A photo that the page has made smaller takes a minute then.
            least_bytes_per_s: 4000,
            rest: Duration::from_mins(1),
        }
    }
}

/// Why an upload ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Stop {
    #[error("the picture is larger than 12 MB")]
    TooLarge,
    #[error("nothing more came for too long")]
    Silent,
    #[error("the connection broke")]
    Broken,
}

/// A request's body. Whoever answers before all of it came should [`drain`](Upload::drain) it: a client
/// that still sends to a closed connection never reads the answer.
pub(super) struct Upload(Arc<Mutex<Metered>>);

struct Metered {
    body: BodyDataStream,
    left_bytes: usize,
    limit_bytes: usize,
    came_bytes: usize,
    patience: Patience,
    began: Instant,
    until: Instant,
    stopped: Option<Stop>,
}

impl Upload {
    pub(super) fn new(body: Body, limit_bytes: usize, patience: Patience) -> Self {
        Self(Arc::new(Mutex::new(Metered {
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

    /// What comes, until all of it is there or it is stopped.
    pub(super) fn stream(&self) -> impl Stream<Item = Result<Bytes, Stop>> + Send + use<> {
        stream::unfold(Arc::clone(&self.0), |metered| async move {
            let item = metered.lock().await.next().await?;
            Some((item, metered))
        })
    }

    /// Why it ended, if that was too early.
    pub(super) async fn stopped(&self) -> Option<Stop> {
        self.0.lock().await.stopped
    }

    /// Throws away what still comes, within bounds.
    pub(super) async fn drain(&self) {
        let mut metered = self.0.lock().await;
        if matches!(metered.stopped, Some(Stop::Silent | Stop::Broken)) {
            return;
        }
        metered.stopped = None;
        // Two more of the largest pictures that are taken: a phone's largest ones are no larger.
        metered.left_bytes = metered.limit_bytes.saturating_mul(2);
        metered.until = Instant::now() + metered.patience.rest;
        while let Some(Ok(_thrown_away)) = metered.next().await {}
    }
}

impl Metered {
    async fn next(&mut self) -> Option<Result<Bytes, Stop>> {
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
            Ok(Some(Ok(_))) => Stop::TooLarge,
            Ok(Some(Err(_))) => Stop::Broken,
            Err(_) => Stop::Silent,
        };
        self.stopped = Some(stop);
        Some(Err(stop))
    }
}

impl Metered {
    /// When more must have come than came so far.
    fn too_slow_at(&self) -> Instant {
        let rate = f64::from(self.patience.least_bytes_per_s.max(1));
        let paid_for = Duration::from_secs_f64(self.came_bytes as f64 / rate);
        self.began + self.patience.silence + paid_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Patience = Patience {
        silence: Duration::from_millis(300),
        whole: Duration::from_millis(1000),
        least_bytes_per_s: 1,
        rest: Duration::from_millis(200),
    };

    /// `count` pieces of ten bytes, one each `every`.
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
        let upload = Upload::new(pieces(5, Duration::ZERO), 50, QUICK);
        assert_eq!((read(&upload).await, upload.stopped().await), (5, None));
    }

    #[tokio::test]
    async fn more_than_fits_is_thrown_away_before_the_answer_and_not_for_ever() {
        let upload = Upload::new(pieces(9, Duration::ZERO), 50, QUICK);
        assert_eq!(read(&upload).await, 5);
        assert_eq!(upload.stopped().await, Some(Stop::TooLarge));
        upload.drain().await;
        assert_eq!(upload.stopped().await, None, "it ended by itself");
        let endless = Upload::new(pieces(usize::MAX, Duration::ZERO), 50, QUICK);
        endless.drain().await;
        assert_eq!(endless.stopped().await, Some(Stop::TooLarge));
    }

    #[tokio::test]
    async fn drops_that_never_become_a_picture_end_early_and_a_slow_network_goes_on() {
        let least = |least_bytes_per_s| Patience {
            whole: Duration::from_hours(1),
            least_bytes_per_s,
            ..QUICK
        };
        // 200 bytes a second at most.
        let drops = pieces(usize::MAX, Duration::from_millis(50));
        let upload = Upload::new(drops, usize::MAX, least(1000));
        assert!(read(&upload).await < 100);
        assert_eq!(upload.stopped().await, Some(Stop::Silent));
        let slow = pieces(40, Duration::from_millis(20));
        let slow = Upload::new(slow, usize::MAX, least(20));
        assert_eq!((read(&slow).await, slow.stopped().await), (40, None));
    }

    #[tokio::test]
    async fn silence_and_dawdling_end() {
        let silent = Upload::new(
            Body::from_stream(stream::pending::<Result<Bytes, Stop>>()),
            50,
            QUICK,
        );
        assert_eq!(read(&silent).await, 0);
        assert_eq!(silent.stopped().await, Some(Stop::Silent));
        silent.drain().await;
        let dawdling = Upload::new(
            pieces(usize::MAX, Duration::from_millis(50)),
            usize::MAX,
            QUICK,
        );
        let came = read(&dawdling).await;
        assert!((1..40).contains(&came), "{came}");
        assert_eq!(dawdling.stopped().await, Some(Stop::Silent));
    }
}
