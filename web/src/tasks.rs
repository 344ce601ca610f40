//! Tasks that run as long as the program: restarted after a panic, as its threads are.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use capture::{Heartbeat, TURN_MAX, Threads};
use futures_util::FutureExt;

const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Runs the task that `make` makes, and a new one after each panic, until one ends. A task that blocks
/// its thread counts as hung.
pub(crate) async fn supervised<T, F: Future<Output = T>>(
    threads: &Threads,
    name: &str,
    make: impl Fn() -> F,
) -> T {
    let heartbeat = threads.enter(name);
    loop {
        heartbeat.started();
        let task = async {
            tokio::select! {
                ended = make() => ended,
                never = beat(&heartbeat) => match never {},
            }
        };
        match AssertUnwindSafe(task).catch_unwind().await {
            Ok(ended) => return ended,
            Err(_) => tokio::time::sleep(heartbeat.panicked()).await,
        }
    }
}

async fn beat(heartbeat: &Heartbeat) -> Infallible {
    loop {
        heartbeat.beat(TURN_MAX);
        tokio::time::sleep(BEAT_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_begins_again() {
        let (threads, runs) = (Threads::default(), Cell::new(0));
        let ended = supervised(&threads, "task", async || {
            runs.set(runs.get() + 1);
            assert!(runs.get() > 2, "the first two runs fail");
            runs.get()
        });
        assert_eq!(ended.await, 3);
        assert_eq!(format!("{threads:?}"), "[]");
    }
}
