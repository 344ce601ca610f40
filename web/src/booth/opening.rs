//! Opens the booth on a thread of its own and retries with exponential back-off, so that neither the
//! pages nor the feed wait for a locked database or a full disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use capture::Heartbeat;
use stylise::{Booth, BoothMetrics, BoothSettings, Stylist};

/// Opening usually takes less, so start-up waits for it this long.
const FIRST_WITHIN: Duration = Duration::from_millis(300);
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LONGEST: Duration = Duration::from_secs(8);
/// Deadline for opening, with many pictures on a slow disk.
const OPENING_MAX: Duration = Duration::from_secs(10 * 60);

/// Why the booth cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoothClosedError {
    /// The owner disabled it.
    Off,
    /// It is being opened for the first time.
    Opening,
    /// Its folder or its database cannot be used; opening is retried. The reason is only logged, because
    /// it contains paths.
    Broken,
}

pub(super) struct OpeningPlan {
    pub(super) settings: BoothSettings,
    pub(super) stylists: Vec<Arc<dyn Stylist>>,
    pub(super) metrics: BoothMetrics,
}

pub(super) struct BoothOpener {
    booth: OnceLock<Booth>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    closed: BoothClosedError,
    is_ending: bool,
}

impl BoothOpener {
    /// Returns when the booth is open, the first attempt has failed, or after [`FIRST_WITHIN`].
    pub(super) fn start(plan: OpeningPlan) -> Arc<Self> {
        let opening = Arc::new(Self {
            booth: OnceLock::new(),
            progress: Mutex::new(Progress {
                closed: BoothClosedError::Opening,
                is_ending: false,
            }),
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&opening);
        let threads = plan.settings.threads.clone();
        let run = move |heartbeat: &Heartbeat| ours.run(&plan, heartbeat);
        if let Err(error) = threads.spawn("booth-opening", run) {
            tracing::error!(%error, "the photo booth stays closed: no thread could be started for it");
            opening.lock().closed = BoothClosedError::Broken;
        }
        let is_first = |progress: &mut Progress| {
            progress.closed == BoothClosedError::Opening && opening.booth.get().is_none()
        };
        let changed = &opening.changed;
        drop(changed.wait_timeout_while(opening.lock(), FIRST_WITHIN, is_first));
        opening
    }

    fn run(&self, plan: &OpeningPlan, heartbeat: &Heartbeat) {
        let mut pause = PAUSE_FIRST;
        let mut last_error = String::new();
        loop {
            heartbeat.beat(OPENING_MAX);
            let metrics = plan.metrics.clone();
            match Booth::open(plan.settings.clone(), plan.stylists.clone(), metrics) {
                Ok(booth) => {
                    if !last_error.is_empty() {
                        tracing::info!("the photo booth is open");
                    }
                    self.opened(booth);
                    return;
                }
                Err(error) => {
                    let message = error.to_string();
                    if message != last_error {
                        tracing::error!(
                            %error,
                            "the photo booth cannot be opened; opening is retried, and the feed runs without it"
                        );
                        last_error = message;
                    }
                }
            }
            heartbeat.rest();
            if self.rest(pause) {
                return;
            }
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    fn opened(&self, booth: Booth) {
        let progress = self.lock();
        if progress.is_ending {
            drop(progress);
            booth.close();
            return;
        }
        // It is not set yet: only this thread opens the booth.
        let _ = self.booth.set(booth);
        drop(progress);
        self.changed.notify_all();
    }

    /// Waits before the next attempt. Returns whether the program ends.
    fn rest(&self, pause: Duration) -> bool {
        let mut progress = self.lock();
        progress.closed = BoothClosedError::Broken;
        self.changed.notify_all();
        let goes_on = |progress: &mut Progress| !progress.is_ending;
        let rested = self.changed.wait_timeout_while(progress, pause, goes_on);
        rested.unwrap_or_else(PoisonError::into_inner).0.is_ending
    }

    pub(super) fn booth(&self) -> Result<&Booth, BoothClosedError> {
        self.booth.get().ok_or_else(|| self.lock().closed)
    }

    /// Ends the threads. Unfinished jobs continue after the next start.
    pub(super) fn close(&self) {
        self.lock().is_ending = true;
        self.changed.notify_all();
        if let Some(booth) = self.booth.get() {
            booth.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn the_booth_opens_once_its_folder_can_be_used() {
        let home = crate::test_folder::TestFolder::new();
        let folder = home.join("booth");
        std::fs::write(&folder, "a file").expect("room");
        let opening = BoothOpener::start(OpeningPlan {
            settings: BoothSettings::in_folder(folder.clone()),
            stylists: Vec::new(),
            metrics: BoothMetrics::register(&mut Registry::default(), &[]),
        });
        let until = Instant::now() + Duration::from_secs(60);
        while opening.booth().err() != Some(BoothClosedError::Broken) {
            assert!(Instant::now() < until, "the first attempt never ends");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::remove_file(&folder).expect("the cause goes away");
        while let Err(closed) = opening.booth() {
            assert!(Instant::now() < until, "still {closed:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        opening.close();
    }
}
