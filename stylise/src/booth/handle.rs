//! The booth's threads, from start to end.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use capture::Heartbeat;

use crate::error::BoothError;
use crate::shared::Shared;
use crate::{janitor, updates, worker};

/// A style that is made on this laptop cannot be interrupted; it takes less.
const PATIENCE: Duration = Duration::from_secs(10);

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
            updates::run(&shared, heartbeat);
        })?;
        let shared = Arc::clone(&handle.shared);
        handle.spawn("stylise-janitor".to_owned(), move |heartbeat| {
            janitor::run(&shared, heartbeat);
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

    /// Waits for the threads, but not for ever: what they do is safe to be killed at.
    pub(super) fn close(&self) {
        self.shared.stop();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let give_up_at = Instant::now() + PATIENCE;
        for thread in threads.drain(..) {
            while !thread.is_finished() && Instant::now() < give_up_at {
                thread::sleep(POLL);
            }
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if !thread.is_finished() {
                tracing::warn!(name, "does not end; left behind");
            } else if thread.join().is_err() {
                tracing::error!(name, "panicked");
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
