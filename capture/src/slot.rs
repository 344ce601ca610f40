//! The latest-value slot between two stages: a new value replaces the old one, so that a writer never
//! waits for a slow reader.

use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// Holds the newest value only. Writers never block. Each reader gets the newest value once and counts
/// the values it missed.
///
/// overflow: newest-wins
///
/// ```
/// use std::time::Duration;
/// use capture::{Next, Slot};
///
/// let slot = Slot::new();
/// let mut reader = slot.reader();
/// slot.publish(1);
/// slot.publish(2);
/// slot.publish(3);
/// let Next::Newer(value) = reader.wait(Duration::from_secs(1)) else { panic!() };
/// assert_eq!(*value, 3);
/// // The first value that a reader gets counts as none missed; from then on all are counted.
/// assert_eq!(reader.skipped(), 0);
/// slot.publish(4);
/// slot.publish(5);
/// assert_eq!(reader.try_next().as_deref(), Some(&5));
/// assert_eq!(reader.skipped(), 1);
/// ```
#[derive(Debug)]
pub struct Slot<T> {
    state: Mutex<State<T>>,
    newer: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// The number of publications so far.
    version: u64,
    value: Option<Arc<T>>,
    closed: bool,
    wakers: Vec<Waker>,
}

/// What a reader got.
#[derive(Debug)]
pub enum Next<T> {
    /// A value this reader had not seen.
    Newer(Arc<T>),
    /// Nothing new within the time given.
    TimedOut,
    /// The slot was closed; no value will come.
    Closed,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        let state = State {
            version: 0,
            value: None,
            closed: false,
            wakers: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            newer: Condvar::new(),
        }
    }
}

impl<T> Slot<T> {
    /// An empty slot, shared between its writer and its readers.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Replaces the value and wakes every reader.
    pub fn publish(&self, value: T) {
        self.publish_arc(Arc::new(value));
    }

    /// Like [`Slot::publish`], for a value that is shared already.
    pub fn publish_arc(&self, value: Arc<T>) {
        let (old, wakers) = {
            let mut state = lock(&self.state);
            state.version += 1;
            (
                state.value.replace(value),
                std::mem::take(&mut state.wakers),
            )
        };
        self.newer.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        // Dropped outside the lock, because the last reference may return a picture to its pool.
        drop(old);
    }

    /// Removes the value; whoever has not taken it does not get it.
    pub fn clear(&self) {
        let old = lock(&self.state).value.take();
        drop(old);
    }

    /// The newest value, seen or not.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<T>> {
        lock(&self.state).value.clone()
    }

    /// Ends all present and future waits. The last value stays available from [`Slot::latest`].
    pub fn close(&self) {
        let wakers = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.wakers)
        };
        self.newer.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A new reader, which gets the present value first.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> SlotReader<T> {
        SlotReader {
            slot: Arc::clone(self),
            seen: 0,
            skipped: 0,
        }
    }
}

/// A reader of a [`Slot`]. Readers do not influence each other.
#[derive(Debug)]
pub struct SlotReader<T> {
    slot: Arc<Slot<T>>,
    seen: u64,
    skipped: u64,
}

impl<T> SlotReader<T> {
    /// Waits on the calling thread until there is a newer value, at most `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Next<T> {
        let deadline = Instant::now() + timeout;
        let slot = Arc::clone(&self.slot);
        let mut state = lock(&slot.state);
        loop {
            if let Some(next) = self.take(&state) {
                return next;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::TimedOut;
            }
            state = slot
                .newer
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The newer value if there is one now.
    pub fn try_next(&mut self) -> Option<Arc<T>> {
        let slot = Arc::clone(&self.slot);
        let state = lock(&slot.state);
        match self.take(&state) {
            Some(Next::Newer(value)) => Some(value),
            _ => None,
        }
    }

    /// The newest value, seen or not.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<T>> {
        self.slot.latest()
    }

    /// Waits asynchronously for a newer value. `None` after the slot was closed.
    pub async fn next(&mut self) -> Option<Arc<T>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Poll form of [`SlotReader::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<T>>> {
        let slot = Arc::clone(&self.slot);
        let mut state = lock(&slot.state);
        match self.take(&state) {
            Some(Next::Newer(value)) => Poll::Ready(Some(value)),
            Some(_) => Poll::Ready(None),
            None => {
                if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    state.wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// How many values were replaced before this reader saw them.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn take(&mut self, state: &State<T>) -> Option<Next<T>> {
        if state.version > self.seen {
            if self.seen > 0 {
                self.skipped += state.version - self.seen - 1;
            }
            self.seen = state.version;
            return state.value.clone().map(Next::Newer);
        }
        state.closed.then_some(Next::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn the_newest_wins_and_the_missed_are_counted() {
        let slot = Slot::new();
        let mut reader = slot.reader();
        slot.publish(1);
        assert!(matches!(reader.wait(NOW), Next::Newer(value) if *value == 1));
        (2..=5).for_each(|value| slot.publish(value));
        assert!(matches!(reader.wait(NOW), Next::Newer(value) if *value == 5));
        assert_eq!(reader.skipped(), 3);
        assert!(matches!(reader.wait(NOW), Next::TimedOut));
    }

    #[test]
    fn two_readers_do_not_disturb_each_other() {
        let slot = Slot::new();
        let (mut fast, mut slow) = (slot.reader(), slot.reader());
        slot.publish('a');
        assert!(fast.try_next().is_some());
        slot.publish('b');
        assert_eq!(fast.try_next().as_deref(), Some(&'b'));
        assert_eq!(slow.try_next().as_deref(), Some(&'b'));
        assert_eq!((fast.skipped(), slow.skipped()), (0, 0));
    }

    #[test]
    fn closing_ends_a_wait_on_another_thread_after_the_last_value() {
        let slot = Slot::new();
        let mut reader = slot.reader();
        slot.publish(7);
        slot.close();
        assert!(matches!(
            reader.wait(Duration::from_secs(5)),
            Next::Newer(_)
        ));
        assert!(matches!(reader.wait(Duration::from_secs(5)), Next::Closed));
        let waiting = std::thread::spawn({
            let mut reader = Slot::<u8>::new().reader();
            move || reader.wait(Duration::from_millis(1))
        });
        assert!(matches!(waiting.join().expect("no panic"), Next::TimedOut));
    }

    #[test]
    fn a_task_is_woken_by_publication() {
        let slot = Slot::new();
        let mut reader = slot.reader();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(reader.poll_next(&mut cx).is_pending());
        slot.publish(3);
        assert!(matches!(reader.poll_next(&mut cx), Poll::Ready(Some(value)) if *value == 3));
        slot.close();
        assert!(matches!(reader.poll_next(&mut cx), Poll::Ready(None)));
    }
}
