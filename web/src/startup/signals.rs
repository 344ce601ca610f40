//! What signals do: SIGUSR1 closes the camera, SIGHUP reads the configuration again, SIGINT and SIGTERM end the program.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Threads;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::app::App;
use crate::shutter::{Cause, ShutterState, now_unix_ms};

/// A stop takes about two seconds. What has not ended by then hangs.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// For the last line of the log.
const LOG_DELAY: Duration = Duration::from_millis(100);

/// From here on the signals that change the running station do not end it.
pub(super) fn follow(app: &Arc<App>) {
    match signal(SignalKind::user_defined1()) {
        Ok(closes) => drop(tokio::spawn(close_by_signal(Arc::clone(app), closes))),
        Err(error) => tracing::error!(%error, "SIGUSR1 will not close the camera"),
    }
    if has_controlling_terminal() {
        return;
    }
    match signal(SignalKind::hangup()) {
        Ok(reloads) => drop(tokio::spawn(reload_by_signal(Arc::clone(app), reloads))),
        Err(error) => tracing::error!(%error, "SIGHUP will not read the configuration again"),
    }
}

/// SIGUSR1 closes the shutter and never opens it.
async fn close_by_signal(app: Arc<App>, mut closes: Signal) {
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
fn has_controlling_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// SIGHUP reads the configuration again. With a controlling terminal it ends the program.
async fn reload_by_signal(app: Arc<App>, mut reloads: Signal) {
    while reloads.recv().await.is_some() {
        let app = Arc::clone(&app);
        let reload = move || drop(app.reload_configuration(Cause::Signal, None));
        if let Err(error) = tokio::task::spawn_blocking(reload).await {
            tracing::error!(%error, "SIGHUP could not read the configuration again");
        }
    }
}

/// Resolves at the first SIGINT or SIGTERM, when the stop has to begin. A second one, or a thread that hangs at the stop,
/// ends the process: what jobs and settings need is on the disk already. A thread of its own sees to it, since what hangs
/// may be the threads of the runtime.
pub(super) fn end_requested(threads: Threads) -> std::io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let context = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    drop(context);
    let (begin, requested) = oneshot::channel();
    let wait = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // The station has ended by itself if nobody waits.
        let _ = begin.send(());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = tokio::time::sleep(STOP_LIMIT) => {
                let faults = threads.faults(Instant::now());
                let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                tracing::error!(?faults, "a thread did not end in time: the process ends without it");
                tokio::time::sleep(LOG_DELAY).await;
                std::process::exit(1);
            }
        }
        std::process::exit(130);
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || runtime.block_on(wait))?;
    Ok(requested)
}
