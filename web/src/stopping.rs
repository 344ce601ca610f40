//! The stop of the station: who asks knows that it has begun, and streams end by themselves.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::Event;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::http::bodies::ApiError;

/// How long pages are answered after the stop has begun: they ask once more when their video ends, and are told.
pub(crate) const DRAIN_TIME: Duration = Duration::from_millis(1500);
/// An upload that is not complete by then is refused, within [`DRAIN_TIME`].
const UPLOADS_END: Duration = Duration::from_millis(1000);
/// When clients should come again: a restart takes about as long.
const AGAIN: Duration = Duration::from_secs(3);
/// Clients of event streams come again within this time, spread over it, so that they do not all come at once.
const RECONNECT_MS: std::ops::Range<u64> = 1500..4500;

/// When the stop of the station began; `None`: it runs.
#[derive(Debug)]
pub(crate) struct Stopping(watch::Sender<Option<Instant>>);

impl Default for Stopping {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Stopping {
    pub(crate) fn begin(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Resolves when the stop begins.
    pub(crate) fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut begun = self.0.subscribe();
        async move {
            // The sender lives as long as the station.
            let _ = begun.wait_for(Option::is_some).await;
        }
    }

    /// Ends a stream of events when the stop begins; its last line tells the client when to come again.
    pub(crate) fn until_stop<S, E>(
        &self,
        events: S,
    ) -> impl Stream<Item = Result<Event, E>> + use<S, E>
    where
        S: Stream<Item = Result<Event, E>>,
    {
        let begun = self.0.subscribe();
        let last = stream::once(async move { begun.borrow().is_some() })
            .filter(|begun| std::future::ready(*begun))
            .map(|_| Ok(Event::default().retry(reconnect_delay())));
        events.take_until(self.begun()).chain(last)
    }

    /// Resolves when uploads have to be complete.
    pub(crate) async fn uploads_end(&self) {
        self.begun().await;
        let begun_at = *self.0.borrow();
        if let Some(begun_at) = begun_at {
            sleep_until(begun_at + UPLOADS_END).await;
        }
    }

    /// Refuses what would not be finished before the end.
    pub(crate) fn refuse(&self) -> Result<(), ApiError> {
        if self.has_begun() {
            Err(restarting())
        } else {
            Ok(())
        }
    }
}

/// 503 with `Retry-After`.
pub(crate) fn restarting() -> ApiError {
    let message = "the station restarts: try again in a few seconds";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(AGAIN)
}

/// When one client should come again.
pub(crate) fn reconnect_delay() -> Duration {
    Duration::from_millis(rand::random_range(RECONNECT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_learns_of_the_stop_whether_it_has_begun_or_not() {
        let stopping = Stopping::default();
        assert_eq!((stopping.has_begun(), stopping.refuse()), (false, Ok(())));
        let waiting = tokio::spawn(stopping.begun());
        stopping.begin();
        waiting.await.expect("no panic");
        stopping.begun().await;
        let refused = stopping.refuse().expect_err("refused");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.retry_after.is_some());
    }

    #[tokio::test]
    async fn uploads_end_before_pages_are_no_longer_answered() {
        let stopping = Stopping::default();
        stopping.begin();
        let begun_at = Instant::now();
        stopping.uploads_end().await;
        assert!(begun_at.elapsed() + Duration::from_millis(10) >= UPLOADS_END);
        assert!(UPLOADS_END < DRAIN_TIME);
        let ended_at = Instant::now();
        stopping.uploads_end().await;
        assert!(
            ended_at.elapsed() < UPLOADS_END,
            "who asks later does not wait longer"
        );
    }

    #[test]
    fn clients_come_again_at_different_times() {
        let times: std::collections::HashSet<Duration> =
            (0..200).map(|_| reconnect_delay()).collect();
        assert!(times.len() > 100);
    }
}
