//! Tells systemd that the station has started, that it works, and that it stops (sd_notify(3)). Without systemd nothing
//! is sent.

use std::sync::Arc;
use std::time::Instant;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

use crate::app::App;

pub(crate) fn notify_ready() {
    notify(NotifyState::Ready);
}

pub(crate) fn notify_stopping() {
    notify(NotifyState::Stopping);
}

/// Blocks, in a thread of its own, as long as systemd does not read.
fn notify(state: NotifyState<'static>) -> JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::warn!(%error, "systemd could not be told the state of the station");
        }
    })
}

/// Twice in each interval that systemd's watchdog allows, unless a thread is dead or hangs: then systemd starts the
/// station again. Never ends.
pub(crate) async fn feed_watchdog(app: Arc<App>) {
    let Some(longest) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut tick = tokio::time::interval(longest / 2);
    loop {
        tick.tick().await;
        if app.threads.faults(Instant::now()).is_empty() {
            // One at a time. A panic is logged.
            let _ = notify(NotifyState::Watchdog).await;
        }
    }
}
