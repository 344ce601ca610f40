//! The tasks that keep the pipeline in step with what changes around it: viewers, the model, the shutter's rules.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::App;
use crate::shutter::{Cause, Surroundings, connected_networks, demands, now_unix_ms};
use crate::supervision::supervised;

/// Starts a task that is supervised under `name`.
pub(super) fn start<F: Future<Output = ()> + Send>(
    app: &Arc<App>,
    name: &'static str,
    make: impl Fn(Arc<App>) -> F + Send + Sync + 'static,
) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let threads = app.threads.clone();
        supervised(&threads, name, || make(Arc::clone(&app))).await;
    });
}

/// How often the demand is sampled. The first pictures of the first viewer may lack boxes for this long.
const WATCHERS_EVERY: Duration = Duration::from_millis(100);

/// Sets the detector's rate by the demand for pictures, and updates
/// [`Liveness`](crate::supervision::liveness::Liveness).
pub(crate) async fn follow_watchers(app: Arc<App>) {
    let mut tick = tokio::time::interval(WATCHERS_EVERY);
    loop {
        tick.tick().await;
        app.slots.pace.set_watched(app.somebody_watches());
        drop(app.update_liveness(Instant::now()));
    }
}

/// Ends what waits for the end of a change of the model, and records how it ended.
pub(crate) async fn follow_model_changes(app: Arc<App>) {
    let mut changes = app.settings.followers().model.changes();
    while changes.next().await.is_some() {
        let app = Arc::clone(&app);
        let finished = tokio::task::spawn_blocking(move || {
            for what in app.settings.finish_model_change() {
                app.shutter
                    .record(what, Cause::Person, Some("admin".to_owned()));
            }
        });
        if let Err(error) = finished.await {
            tracing::error!(%error, "the end of a change of the model could not be recorded");
        }
    }
}

/// How often the shutter's rules are applied: schedules have minutes, networks change in seconds.
const RULES_EVERY: Duration = Duration::from_secs(2);

/// Applies the rules of `[privacy]` and of `[power] lid` to the shutter.
pub(crate) async fn follow_shutter_rules(app: Arc<App>) {
    let mut watched_at = Instant::now();
    let mut tick = tokio::time::interval(RULES_EVERY);
    loop {
        tick.tick().await;
        if app.somebody_watches() {
            watched_at = Instant::now();
        }
        let app = Arc::clone(&app);
        let unwatched_for = watched_at.elapsed();
        let applied = tokio::task::spawn_blocking(move || {
            let privacy = &app.config.privacy;
            let networks = privacy.needs_network().then(connected_networks);
            let around = Surroundings {
                local_time: TimeZone::system().to_datetime(Timestamp::now()),
                networks: networks.unwrap_or_default(),
                unwatched_for,
                lid_closes: app.config.power.lid_closes_shutter()
                    && app.power.lid_is_closed() == Some(true),
            };
            app.shutter.follow(demands(privacy, &around), now_unix_ms());
        });
        if let Err(error) = applied.await {
            tracing::error!(%error, "the rules of the shutter could not be applied");
        }
    }
}
