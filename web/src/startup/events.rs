//! Starts what takes the station's events and passes them on.

use std::sync::Arc;

use crate::app::App;
use crate::config::ConfigError;
use crate::events::{mqtt, sampling, webhook};
use crate::supervision::supervised;

/// Starts one task for sampling, and one for each destination that is configured.
pub(super) fn start(app: &Arc<App>) -> Result<(), ConfigError> {
    let events = &app.config.events;
    let (target, broker) = (events.webhook_target()?, events.broker()?);
    spawn(app, "events", sampling::sample_while_followed);
    if let Some(target) = target {
        spawn(app, "webhook", move |app| {
            webhook::deliver_events(app, target.clone())
        });
    }
    if let Some(broker) = broker {
        spawn(app, "mqtt", move |app| {
            mqtt::publish_state(app, broker.clone())
        });
    }
    Ok(())
}

fn spawn<F: Future<Output = ()> + Send>(
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
