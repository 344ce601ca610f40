//! Starts and stops the booth's threads; one of them publishes changed views to followers.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::api::BoothError;
use crate::booth::shared::Shared;
use crate::booth::{erasing, worker};

/// A stage of a built-in style cannot be interrupted. What takes longer is begun again at the next start.
const STOP_WAIT: Duration = Duration::from_millis(2500);

const POLL: Duration = Duration::from_millis(5);

pub(super) struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Handle {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self, BoothError> {
        let handle = Self {
            shared,
            threads: Mutex::default(),
        };
        for stylist in &handle.shared.stylists {
            let (shared, stylist) = (Arc::clone(&handle.shared), Arc::clone(stylist));
            let name = format!("stylise-{}", stylist.made_by().name());
            handle.spawn(name, move |heartbeat| {
                worker::run(&shared, stylist.as_ref(), heartbeat);
            })?;
        }
        let shared = Arc::clone(&handle.shared);
        handle.spawn("stylise-updates".to_owned(), move |heartbeat| {
            publish_updates(&shared, heartbeat);
        })?;
        let shared = Arc::clone(&handle.shared);
        handle.spawn("stylise-janitor".to_owned(), move |heartbeat| {
            erasing::run(&shared, heartbeat);
        })?;
        Ok(handle)
    }

    fn spawn(
        &self,
        name: String,
        body: impl FnMut(&Heartbeat) + Send + 'static,
    ) -> Result<(), BoothError> {
        let spawned = self.shared.settings.threads.spawn(name, body);
        let thread = spawned.map_err(BoothError::Thread)?;
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        Ok(())
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Waits for the threads up to a limit. A thread that is left behind is safe to kill.
    pub(super) fn close(&self) {
        self.shared.stop();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let give_up_at = Instant::now() + STOP_WAIT;
        for thread in threads.drain(..) {
            while !thread.is_finished() && Instant::now() < give_up_at {
                thread::sleep(POLL);
            }
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if !thread.is_finished() {
                tracing::warn!(name, "thread does not end; left behind");
            } else if thread.join().is_err() {
                tracing::error!(name, "thread panicked");
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Rate limit: faster changes are merged into one view.
const PAUSE: Duration = Duration::from_millis(100);
/// Jobs viewed per hold of the lock.
const AT_ONCE: usize = 16;

/// Publishes the views of changed jobs, once per change for all followers. Returns when the booth closes.
fn publish_updates(shared: &Shared, heartbeat: &Heartbeat) {
    let changed_signal = shared.lock().followers.changed_signal();
    let mut state = shared.lock();
    loop {
        while !state.followers.has_changed() {
            if shared.is_stopping() {
                return;
            }
            heartbeat.rest();
            state = changed_signal
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        heartbeat.beat(TURN_MAX);
        let changed = state.followers.take_changed();
        drop(state);
        for jobs in changed.chunks(AT_ONCE) {
            let state = shared.lock();
            let now = Instant::now();
            for job in jobs {
                match state.job(*job) {
                    Ok(Some(row)) => state.followers.publish(state.view(&row, now)),
                    // Erased meanwhile; its followers saw the channel close.
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, ?job, "cannot read a followed job"),
                }
            }
        }
        state = shared.lock();
        let rested = changed_signal.wait_timeout_while(state, PAUSE, |_| !shared.is_stopping());
        state = rested.unwrap_or_else(PoisonError::into_inner).0;
    }
}
