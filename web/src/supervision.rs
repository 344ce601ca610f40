//! Watches over tasks and threads: restarts tasks after a panic, as `capture::Threads` does with
//! threads, and logs panics.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, set_hook};
use std::thread;
use std::time::Duration;

use capture::{Heartbeat, TURN_MAX, Threads};
use futures_util::FutureExt;

#[cfg(debug_assertions)]
pub(crate) mod inject;
pub(crate) mod liveness;
pub(crate) mod log;

const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Runs the task that `make` returns, and a new one after each panic, until one ends. A task that blocks
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

/// Logs each panic with its thread's name and counts it. The default hook would block on a slow reader
/// of standard error.
pub(crate) fn log_and_count_panics(threads: &Threads) {
    let threads = threads.clone();
    set_hook(Box::new(move |panic| {
        let current = thread::current();
        let thread = current.name().unwrap_or("unnamed");
        threads.note_panic(thread);
        let words = panic.payload_as_str().unwrap_or("(no message)");
        let at = panic.location().map(ToString::to_string);
        tracing::error!(thread, at, "panic: {words}");
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            tracing::error!(thread, "{trace}");
        }
    }));
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
