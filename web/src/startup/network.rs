//! Follows the networks of this machine.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

/// A code on the screen has to be right three seconds after a change: it and the pages ask about every second too.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Reads the interfaces. Never ends.
pub(super) async fn follow(app: Arc<App>) {
    let mut told = app.visitors_address();
    tracing::info!(
        address = told.public.best,
        why = told.reason.in_words(),
        "visitors are told this address"
    );
    let mut tick = tokio::time::interval(READ_EVERY);
    loop {
        tick.tick().await;
        let reading = Arc::clone(&app);
        let read = tokio::task::spawn_blocking(move || follow_once(&reading)).await;
        if let Err(error) = read {
            tracing::error!(%error, "the networks of this machine could not be read");
        }
        let now = app.visitors_address();
        if now != told {
            tracing::info!(
                address = now.public.best,
                why = now.reason.in_words(),
                "visitors are told another address"
            );
            told = now;
        }
    }
}

fn follow_once(app: &App) {
    app.network.read_again();
    app.network
        .announce(&app.settings.present(), app.served.http);
    app.network.note_viewers(&app.engine.viewers());
}
