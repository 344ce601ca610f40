//! Opens the booth on a thread of its own, again and again until its folder can be used: neither the pages nor
//! the feed wait for a database that is locked or a disk that is full.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use capture::Heartbeat;
use stylise::{Booth, BoothMetrics, BoothSettings, Stylist};

use super::Closed;

/// A folder that is in order is open by then, and hardly anybody sees a booth that is not open yet.
const FIRST_WITHIN: Duration = Duration::from_millis(300);
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LONGEST: Duration = Duration::from_secs(8);
/// What opening may take, on a slow disk with many pictures.
const OPENING_MAX: Duration = Duration::from_secs(10 * 60);

/// What a booth is opened with.
pub(super) struct Plan {
    pub(super) settings: BoothSettings,
    pub(super) stylists: Vec<Arc<dyn Stylist>>,
    pub(super) metrics: BoothMetrics,
}

/// A booth that is open, or will be.
pub(super) struct Opening {
    booth: OnceLock<Booth>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    closed: Closed,
    is_ending: bool,
}

impl Opening {
    /// Returns once the booth is open, the first attempt has failed, or it takes too long.
    pub(super) fn start(plan: Plan) -> Arc<Self> {
        let opening = Arc::new(Self {
            booth: OnceLock::new(),
            progress: Mutex::new(Progress {
                closed: Closed::Opening,
                is_ending: false,
            }),
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&opening);
        let threads = plan.settings.threads.clone();
        let run = move |heartbeat: &Heartbeat| ours.run(&plan, heartbeat);
        if let Err(error) = threads.spawn("booth-opening", run) {
            tracing::error!(%error, "the photo booth stays closed: no thread could be started for it");
            opening.lock().closed = Closed::Broken;
        }
        opening.wait_for_first_attempt();
        opening
    }

    fn wait_for_first_attempt(&self) {
        let progress = self.lock();
        let is_first = |progress: &mut Progress| {
            progress.closed == Closed::Opening && self.booth.get().is_none()
        };
        let waited = self
            .changed
            .wait_timeout_while(progress, FIRST_WITHIN, is_first);
        drop(waited);
    }

    fn run(&self, plan: &Plan, heartbeat: &Heartbeat) {
        let mut pause = PAUSE_FIRST;
        let mut said = String::new();
        loop {
            heartbeat.beat(OPENING_MAX);
            let metrics = plan.metrics.clone();
            match Booth::open(plan.settings.clone(), plan.stylists.clone(), metrics) {
                Ok(booth) => {
                    if !said.is_empty() {
                        tracing::info!("the photo booth is open");
                    }
                    self.opened(booth);
                    return;
                }
                Err(error) => {
                    let words = error.to_string();
                    if words != said {
                        tracing::error!(
                            %error,
                            "the photo booth is closed; it is tried again, and the feed runs without it"
                        );
                        said = words;
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
        // The first one: there is one thread that opens.
        let _ = self.booth.set(booth);
        drop(progress);
        self.changed.notify_all();
    }

    /// Waits before the next attempt. Whether the program ends.
    fn rest(&self, pause: Duration) -> bool {
        let mut progress = self.lock();
        progress.closed = Closed::Broken;
        self.changed.notify_all();
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if progress.is_ending || left.is_zero() {
                return progress.is_ending;
            }
            let woken = self.changed.wait_timeout(progress, left);
            progress = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn booth(&self) -> Result<&Booth, Closed> {
        self.booth.get().ok_or_else(|| self.lock().closed)
    }

    /// The threads end; what is under way goes on after the next start.
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
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn a_booth_whose_folder_is_in_the_way_opens_when_it_is_gone() {
        let home =
            std::env::temp_dir().join(format!("carrier-open-{:016x}", rand::random::<u64>()));
        let folder = home.join("booth");
        std::fs::create_dir_all(&home).expect("a temporary folder");
        std::fs::write(&folder, "a file").expect("room");
        let opening = Opening::start(Plan {
            settings: BoothSettings::in_folder(folder.clone()),
            stylists: Vec::new(),
            metrics: BoothMetrics::register(&mut Registry::default(), &[]),
        });
        let until = Instant::now() + Duration::from_secs(60);
        while opening.booth().err() != Some(Closed::Broken) {
            assert!(Instant::now() < until, "the first attempt never ends");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::remove_file(&folder).expect("the cause goes away");
        while let Err(closed) = opening.booth() {
            assert!(Instant::now() < until, "still {closed:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        opening.close();
        std::fs::remove_dir_all(home).expect("cleaned");
    }
}
