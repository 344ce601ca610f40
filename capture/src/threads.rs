//! The program's threads: each is registered by name, is restarted when it panics, and states with each
//! heartbeat when the next is due. `/healthz` reports the threads that are dead or hung.
//!
//! A heartbeat costs two atomic operations. A thread that hangs cannot be ended from outside; it is
//! reported, and the process has to be restarted.

#[cfg(any(test, debug_assertions))]
mod inject;
mod restart;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io};

use prometheus_client::registry::Registry;

use crate::lock::lock;
use restart::{ProcessClock, Restarts, ThreadMetrics};

#[cfg(any(test, debug_assertions))]
pub use self::inject::InjectedFault;

/// The default deadline for one turn of a loop. Far above what a loaded machine needs, and below the
/// time that a liveness probe waits.
pub const TURN_MAX: Duration = Duration::from_secs(30);

/// How often the deadlines are checked.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The deadline of a thread that waits for an event that may never happen.
const NO_DEADLINE: u64 = u64::MAX;

/// The registry of the program's threads. Clones share the same registry.
#[derive(Clone, Default)]
pub struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    /// Milliseconds on the [`ProcessClock`].
    watched_ms: AtomicU64,
    clock: Mutex<ProcessClock>,
    entries: Mutex<Vec<Arc<Entry>>>,
    /// The program ends: threads are not restarted any more.
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
    pub thread: String,
    pub kind: ThreadFaultKind,
}

/// What can be wrong with a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadFaultKind {
    /// It panics again after each restart.
    Dead,
    /// It has missed its deadline.
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

/// The entry of a thread, owned by it. Dropping it removes the thread from the registry.
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
    /// Starts a thread that runs `body`, and runs it again after a panic, with exponential back-off.
    /// `body` has to discard at its start what a panic may have left inconsistent. The thread ends when
    /// `body` returns.
    ///
    /// # Errors
    /// When the system refuses a thread.
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

    /// Registers something that is not a thread of its own, such as a task. The caller reports its
    /// heartbeats and panics.
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

    /// Starts the thread that checks the others, so that a fault is logged when it begins.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn watch(&self) -> io::Result<()> {
        let shared: Weak<Shared> = Arc::downgrade(&self.shared);
        let mut known: Vec<ThreadFault> = Vec::new();
        let look = move || {
            while let Some(shared) = shared.upgrade() {
                let faults = Self { shared }.faults(Instant::now());
                for fault in faults.iter().filter(|fault| !known.contains(fault)) {
                    tracing::error!("{fault}; /healthz fails until it recovers");
                }
                for fault in known.iter().filter(|fault| !faults.contains(fault)) {
                    tracing::info!(thread = fault.thread, "thread recovered");
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

    /// Ends the program's restarts: a thread that panics from now on stays ended.
    pub fn end(&self) {
        *lock(&self.shared.ending) = true;
        self.shared.ends.notify_all();
    }

    /// Counts a panic of any thread; for the panic hook.
    pub fn note_panic(&self, thread: &str) {
        self.shared.metrics.panicked(thread);
    }

    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }

    /// Makes the thread panic or hang at its next heartbeat. Not in release builds.
    #[cfg(any(test, debug_assertions))]
    pub fn inject(&self, thread: &str, fault: InjectedFault) {
        self.shared.injected.add(thread, fault);
    }

    /// Advances the clock of the heartbeats. Not in release builds.
    #[cfg(any(test, debug_assertions))]
    pub fn skip_time(&self, time: Duration) {
        let watched_ms = &self.shared.watched_ms;
        watched_ms.fetch_add(milliseconds(time), Ordering::Relaxed);
    }

    /// How often a thread was restarted. For tests.
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
    /// Reports that the thread works, and will beat again within `limit`.
    pub fn beat(&self, limit: Duration) {
        self.store_deadline(limit);
        #[cfg(any(test, debug_assertions))]
        self.shared.injected.strike(&self.entry.name);
    }

    /// Reports that the thread waits for an event that may never happen: no deadline until the next beat.
    pub fn rest(&self) {
        self.entry.due_ms.store(NO_DEADLINE, Ordering::Relaxed);
    }

    /// Panics since the last run of at least five seconds.
    #[must_use]
    pub fn panics_in_a_row(&self) -> u32 {
        lock(&self.entry.restarts).in_a_row()
    }

    /// Reports that the body begins, for the first time or again.
    pub fn started(&self) {
        lock(&self.entry.restarts).started(Instant::now());
        self.store_deadline(TURN_MAX);
    }

    /// Reports a panic of the body. Returns how long to wait before it begins again.
    pub fn panicked(&self) -> Duration {
        let wait = lock(&self.entry.restarts).panicked(Instant::now());
        self.rest();
        let thread = &self.entry.name;
        self.shared.metrics.restarted(thread);
        tracing::error!(thread, ?wait, "a thread panicked; it is restarted");
        wait
    }

    /// Runs the body. Returns how long to wait before the next run if it panicked.
    fn run_once(&self, body: &mut impl FnMut(&Self)) -> Option<Duration> {
        self.started();
        // `body` discards inconsistent state when it begins again: see `Threads::spawn`.
        match catch_unwind(AssertUnwindSafe(|| body(self))) {
            Ok(()) => None,
            Err(_) => Some(self.panicked()),
        }
    }

    /// Waits. Returns `false` when the program ends.
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
        // The clock advances only at checks, so a check interval is added.
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
