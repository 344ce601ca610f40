//! The task that reads the machine's files, puts profiles into effect and notices suspensions.

use std::sync::Arc;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::time::MissedTickBehavior;

use super::PowerView;
use super::suspend::{MachineClocks, SuspendWatch};
use crate::app::App;

/// How soon a choice of the owner is in effect and a suspension is noticed.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

pub(crate) async fn follow_power(app: Arc<App>) {
    let mut tick = tokio::time::interval(FOLLOW_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut suspensions = SuspendWatch::new(clocks());
    loop {
        tick.tick().await;
        if let Some(for_so_long) = suspensions.check(clocks()) {
            tracing::info!(
                seconds = for_so_long.as_secs_f64().round(),
                "the machine was suspended; cameras and connections to sources are opened again"
            );
            app.power.note_suspension();
            app.power_effects.resume();
        }
        if app.power.is_due(Instant::now()) {
            let app = Arc::clone(&app);
            let read = tokio::task::spawn_blocking(move || {
                let was_low = app.power.view().is_low;
                let rules = app.settings.present().power.rules();
                app.power.read(Instant::now(), &rules);
                tell_low(was_low, &app.power.view());
            });
            if let Err(error) = read.await {
                tracing::error!(%error, "the state of battery and mains could not be read");
            }
        }
        let rules = app.settings.present().power.rules();
        if let Some(view) = app.power.select(Instant::now(), &rules) {
            app.power_effects.apply(&view.profile.settings());
            tracing::info!(
                profile = view.profile.name(),
                reason = view.reason.in_words(),
                percent = percent(&view),
                "the power profile changed"
            );
        }
    }
}

fn tell_low(was_low: bool, view: &PowerView) {
    if view.is_low && !was_low {
        let minutes = view.left.map(|(_, left)| left.as_secs() / 60);
        tracing::warn!(percent = percent(view), minutes, "the battery is low");
    }
}

fn percent(view: &PowerView) -> Option<u8> {
    view.state
        .level()
        .map(|level| (level * 100.0).round() as u8)
}

fn clocks() -> MachineClocks {
    let duration = |clock| {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
        let seconds = u64::try_from(tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or(0))
    };
    let boot = duration(ClockId::Boottime);
    #[cfg(debug_assertions)]
    let boot = boot + Duration::from_secs(INJECTED_S.load(Ordering::Relaxed));
    MachineClocks {
        boot,
        monotonic: duration(ClockId::Monotonic),
    }
}

#[cfg(debug_assertions)]
static INJECTED_S: AtomicU64 = AtomicU64::new(0);

/// For tests: as if the machine had been suspended.
#[cfg(debug_assertions)]
pub(crate) fn inject_suspension(seconds: u64) {
    INJECTED_S.fetch_add(seconds, Ordering::Relaxed);
}
