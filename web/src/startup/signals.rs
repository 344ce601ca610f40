//! What signals do: SIGUSR1 closes the camera, SIGHUP reads the configuration again, SIGINT and SIGTERM end the program.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use capture::Threads;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::shutter::{Cause, ShutterState, now_unix_ms};

/// A stop takes about two seconds. What has not ended by then hangs.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// For the last line of the log.
const LOG_DELAY: Duration = Duration::from_millis(100);

/// SIGUSR1 closes the shutter and never opens it.
pub(super) async fn close_by_signal(app: Arc<App>) {
    let mut closes = match signal(SignalKind::user_defined1()) {
        Ok(closes) => closes,
        Err(error) => {
            tracing::error!(%error, "SIGUSR1 will not close the camera");
            return;
        }
    };
    while closes.recv().await.is_some() {
        let app = Arc::clone(&app);
        let close = move || {
            let state = ShutterState::new(true, Cause::Signal, now_unix_ms());
            app.shutter.decide(state)
        };
        if let Err(error) = tokio::task::spawn_blocking(close).await {
            tracing::error!(%error, "SIGUSR1 could not close the camera");
        }
    }
}

/// Whether SIGHUP means that the terminal is gone.
pub(super) fn has_controlling_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// SIGHUP reads the configuration again. With a controlling terminal it ends the program.
pub(super) async fn reload_by_signal(app: Arc<App>) {
    let mut reloads = match signal(SignalKind::hangup()) {
        Ok(reloads) => reloads,
        Err(error) => {
            tracing::error!(%error, "SIGHUP will not read the configuration again");
            return;
        }
    };
    while reloads.recv().await.is_some() {
        let app = Arc::clone(&app);
        let reload = move || drop(app.reload_configuration(Cause::Signal, None));
        if let Err(error) = tokio::task::spawn_blocking(reload).await {
            tracing::error!(%error, "SIGHUP could not read the configuration again");
        }
    }
}

/// Resolves at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(super) async fn end_requested() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}

/// Ends the process when the stop, which begins now, does not end because of a thread that hangs. What jobs and settings
/// need is on the disk already.
pub(super) fn limit_stop(threads: &Threads) -> std::io::Result<()> {
    let threads = threads.clone();
    let limit = move || {
        thread::sleep(STOP_LIMIT);
        let faults = threads.faults(Instant::now());
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        tracing::error!(
            ?faults,
            "a thread did not end in time: the process ends without it"
        );
        thread::sleep(LOG_DELAY);
        std::process::exit(1);
    };
    let thread = thread::Builder::new().name("stop-limit".to_owned());
    thread.spawn(limit).map(drop)
}
