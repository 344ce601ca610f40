//! The program's own threads: each is registered here by name, is restarted when it panics, and says
//! by when it shows itself again. What is dead or hung is what `/healthz` reports.
//!
//! A heartbeat is two atomic operations. A thread that hangs cannot be ended from outside; it is
//! reported, and whoever runs the process restarts it.

#[cfg(any(test, debug_assertions))]
mod inject;
mod restart;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io};

use prometheus_client::registry::Registry;

use restart::{ProcessClock, Restarts, ThreadMetrics};

#[cfg(any(test, debug_assertions))]
pub use self::inject::InjectedFault;

/// How long a loop may take for one turn, unless it knows better. Far above what a loaded machine
/// needs, and below what a liveness probe waits for.
pub const TURN_MAX: Duration = Duration::from_secs(30);

/// How often the threads are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The deadline of a thread that waits for something that may never come.
const NO_DEADLINE: u64 = u64::MAX;

/// The register of the program's own threads; clones are the same one.
#[derive(Clone, Default)]
pub struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    /// Milliseconds during which somebody looked at the threads.
    watched_ms: AtomicU64,
    clock: Mutex<ProcessClock>,
    entries: Mutex<Vec<Arc<Entry>>>,
    /// The program ends: nothing is restarted any more.
    ending: Mutex<bool>,
    ends: Condvar,
    metrics: ThreadMetrics,
    #[cfg(any(test, debug_assertions))]
    injected: inject::Injected,
}

struct Entry {
    name: String,
    /// On the clock of [`Shared::watched_ms`].
    due_ms: AtomicU64,
    restarts: Mutex<Restarts>,
}

/// What is wrong with a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadFault {
    /// Its name.
    pub thread: String,
    /// What.
    pub kind: ThreadFaultKind,
}

/// What can be wrong with a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadFaultKind {
    /// It panics again each time it is restarted.
    Dead,
    /// It has not finished a turn in the time it allowed itself.
    Hung,
}

impl fmt::Display for ThreadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = &self.thread;
        match self.kind {
            ThreadFaultKind::Dead => write!(f, "{thread} panics again after each restart"),
            ThreadFaultKind::Hung => write!(f, "{thread} hangs"),
        }
    }
}

/// A thread's own entry. Dropped, the thread is no longer expected to live.
pub struct Heartbeat {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            watched_ms: AtomicU64::new(0),
            clock: Mutex::new(ProcessClock::new(Instant::now())),
            entries: Mutex::default(),
            ending: Mutex::default(),
            ends: Condvar::new(),
            metrics: ThreadMetrics::default(),
            #[cfg(any(test, debug_assertions))]
            injected: inject::Injected::default(),
        }
    }
}

impl Threads {
    /// Starts a thread that runs `body`, and runs it again after a panic, with back-off. `body` brings
    /// what a panic may have left half done into order before it goes on. The thread ends when `body`
    /// returns.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn spawn(
        &self,
        name: impl Into<String>,
        mut body: impl FnMut(&Heartbeat) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let name = name.into();
        let heartbeat = self.enter(name.clone());
        let run = move || {
            while let Some(wait) = heartbeat.run_once(&mut body) {
                if !heartbeat.pause(wait) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name(name).spawn(run)
    }

    /// Registers what is no thread of its own, such as a task. It beats, and notes its panics, itself.
    #[must_use]
    pub fn enter(&self, name: impl Into<String>) -> Heartbeat {
        let entry = Arc::new(Entry {
            name: name.into(),
            due_ms: AtomicU64::new(NO_DEADLINE),
            restarts: Mutex::default(),
        });
        let heartbeat = Heartbeat {
            shared: Arc::clone(&self.shared),
            entry: Arc::clone(&entry),
        };
        heartbeat.store_deadline(TURN_MAX);
        lock(&self.shared.entries).push(entry);
        heartbeat
    }

    /// Starts the thread that looks at the others, so that a fault is in the log when it begins.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn watch(&self) -> io::Result<()> {
        let shared: Weak<Shared> = Arc::downgrade(&self.shared);
        let mut known: Vec<ThreadFault> = Vec::new();
        let look = move || {
            while let Some(shared) = shared.upgrade() {
                let faults = Self { shared }.faults(Instant::now());
                for fault in faults.iter().filter(|fault| !known.contains(fault)) {
                    tracing::error!("{fault}; /healthz fails until that is over");
                }
                for fault in known.iter().filter(|fault| !faults.contains(fault)) {
                    tracing::info!(thread = fault.thread, "a thread works again");
                }
                known = faults;
                std::thread::sleep(LOOK_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("thread-watch".to_owned());
        thread.spawn(look).map(drop)
    }

    /// The threads that are dead or hung at `now`.
    #[must_use]
    pub fn faults(&self, now: Instant) -> Vec<ThreadFault> {
        let watched_ms = self.shared.advance(now);
        let entries = lock(&self.shared.entries);
        let fault = |entry: &Arc<Entry>| {
            let kind = if lock(&entry.restarts).is_dead(now) {
                ThreadFaultKind::Dead
            } else if entry.due_ms.load(Ordering::Relaxed) < watched_ms {
                ThreadFaultKind::Hung
            } else {
                return None;
            };
            let thread = entry.name.clone();
            Some(ThreadFault { thread, kind })
        };
        entries.iter().filter_map(fault).collect()
    }

    /// The program ends: what panics from now on is not restarted.
    pub fn end(&self) {
        *lock(&self.shared.ending) = true;
        self.shared.ends.notify_all();
    }

    /// Counts a panic, wherever it was; for the panic hook.
    pub fn note_panic(&self, thread: &str) {
        self.shared.metrics.panicked(thread);
    }

    /// Names the metrics in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }

    /// Makes the thread of this name panic or hang at its next heartbeat. Not in a release build.
    #[cfg(any(test, debug_assertions))]
    pub fn inject(&self, thread: &str, fault: InjectedFault) {
        self.shared.injected.add(thread, fault);
    }

    /// Lets time pass on the clock of the heartbeats. Not in a release build.
    #[cfg(any(test, debug_assertions))]
    pub fn skip_time(&self, time: Duration) {
        let watched_ms = &self.shared.watched_ms;
        watched_ms.fetch_add(milliseconds(time), Ordering::Relaxed);
    }

    /// How often a thread was restarted. For tests; others read the metrics.
    #[cfg(any(test, debug_assertions))]
    #[must_use]
    pub fn restarts(&self, thread: &str) -> u64 {
        self.shared.metrics.restarts_of(thread)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = lock(&self.shared.entries);
        let names = entries.iter().map(|entry| &entry.name);
        f.debug_list().entries(names).finish()
    }
}

/// The same register.
impl PartialEq for Threads {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Threads {}

impl Shared {
    fn advance(&self, now: Instant) -> u64 {
        let passed = milliseconds(lock(&self.clock).advance(now));
        self.watched_ms.fetch_add(passed, Ordering::Relaxed) + passed
    }
}

impl Heartbeat {
    /// The thread works, and shows itself again within `limit`.
    pub fn beat(&self, limit: Duration) {
        self.store_deadline(limit);
        #[cfg(any(test, debug_assertions))]
        self.shared.injected.strike(&self.entry.name);
    }

    /// The thread waits for something that may never come.
    pub fn rest(&self) {
        self.entry.due_ms.store(NO_DEADLINE, Ordering::Relaxed);
    }

    /// Panics since the last run of some seconds; 0 in a sound thread.
    #[must_use]
    pub fn panics_in_a_row(&self) -> u32 {
        lock(&self.entry.restarts).in_a_row()
    }

    /// Notes that the body begins, for the first time or again.
    pub fn started(&self) {
        lock(&self.entry.restarts).started(Instant::now());
        self.store_deadline(TURN_MAX);
    }

    /// Notes and logs that the body panicked: how long to wait before it begins again.
    pub fn panicked(&self) -> Duration {
        let wait = lock(&self.entry.restarts).panicked(Instant::now());
        self.rest();
        let thread = &self.entry.name;
        self.shared.metrics.restarted(thread);
        tracing::error!(thread, ?wait, "a thread panicked; it is restarted");
        wait
    }

    /// Runs the body; how long to wait before the next run if it panicked.
    fn run_once(&self, body: &mut impl FnMut(&Self)) -> Option<Duration> {
        self.started();
        // What the panic left half done is the body's to mend when it begins again.
        match catch_unwind(AssertUnwindSafe(|| body(self))) {
            Ok(()) => None,
            Err(_) => Some(self.panicked()),
        }
    }

    /// Waits; `false`: the program ends.
    fn pause(&self, wait: Duration) -> bool {
        let ending = lock(&self.shared.ending);
        let waited = self
            .shared
            .ends
            .wait_timeout_while(ending, wait, |ending| !*ending);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn store_deadline(&self, limit: Duration) {
        let now_ms = self.shared.watched_ms.load(Ordering::Relaxed);
        // The clock stands still between two looks.
        let limit_ms = milliseconds(limit.saturating_add(LOOK_EVERY));
        let due_ms = now_ms.saturating_add(limit_ms);
        self.entry.due_ms.store(due_ms, Ordering::Relaxed);
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Heartbeat").field(&self.entry.name).finish()
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        lock(&self.shared.entries).retain(|entry| !Arc::ptr_eq(entry, &self.entry));
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
