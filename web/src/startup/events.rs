//! Starts what takes the station's events and passes them on.

use std::sync::Arc;

use super::tasks;
use crate::app::App;
use crate::config::ConfigError;
use crate::events::{mqtt, sampling, webhook};

/// Starts one task for sampling, and one for each destination that is configured.
pub(super) fn start(app: &Arc<App>) -> Result<(), ConfigError> {
    let events = &app.config.events;
    let (target, broker) = (events.webhook_target()?, events.broker()?);
    tasks::start(app, "events", sampling::sample_while_followed);
    if let Some(target) = target {
        tasks::start(app, "webhook", move |app| {
            webhook::deliver_events(app, target.clone())
        });
    }
    if let Some(broker) = broker {
        tasks::start(app, "mqtt", move |app| {
            mqtt::publish_state(app, broker.clone())
        });
    }
    Ok(())
}
