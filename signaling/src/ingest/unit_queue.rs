//! Access units on their way to the decoder's thread: a few at most, and after a break nothing but a
//! keyframe.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::access_unit::AccessUnit;

/// A quarter of a second at 30 a second: a decoder this far behind does not catch up by waiting.
const UNITS_MAX: usize = 8;

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits for the decoder.
    Queued,
    /// So many were thrown away, it among them; a keyframe is needed.
    Dropped(usize),
}

/// What the decoder's thread got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Unit(AccessUnit),
    TimedOut,
    /// The publisher is gone.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    units: VecDeque<AccessUnit>,
    /// The decoder lost its reference pictures.
    broken: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The engine's end. Dropped, the decoder's thread ends.
#[derive(Debug)]
pub(crate) struct UnitSender(Arc<Shared>);

/// The decoder's end.
#[derive(Debug)]
pub(crate) struct UnitReceiver(Arc<Shared>);

/// A queue of access units.
pub(crate) fn unit_queue() -> (UnitSender, UnitReceiver) {
    let shared = Arc::new(Shared::default());
    (UnitSender(Arc::clone(&shared)), UnitReceiver(shared))
}

impl UnitSender {
    /// Queues a unit. Never waits.
    pub(crate) fn push(&self, unit: AccessUnit) -> Pushed {
        let mut state = lock(&self.0);
        if unit.keyframe {
            state.broken = false;
        }
        if state.units.len() >= UNITS_MAX {
            // overflow: drops-to-keyframe
            let mut dropped = state.units.len();
            state.units.clear();
            if !unit.keyframe {
                dropped += 1;
                state.broken = true;
                return Pushed::Dropped(dropped);
            }
            tracing::debug!(dropped, "a published keyframe overtakes a slow decoder");
        }
        if state.broken && unit.picture {
            return Pushed::Dropped(1);
        }
        state.units.push_back(unit);
        self.0.changed.notify_one();
        Pushed::Queued
    }

    /// Whether a keyframe is needed before the decoder can go on.
    pub(crate) fn is_broken(&self) -> bool {
        lock(&self.0).broken
    }
}

impl Drop for UnitSender {
    fn drop(&mut self) {
        lock(&self.0).closed = true;
        self.0.changed.notify_one();
    }
}

impl UnitReceiver {
    /// Waits for the next unit, at most `limit`.
    pub(crate) fn take(&self, limit: Duration) -> Taken {
        let state = lock(&self.0);
        let waited = self.0.changed.wait_timeout_while(state, limit, |state| {
            state.units.is_empty() && !state.closed
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        match state.units.pop_front() {
            _ if state.closed => Taken::Closed,
            Some(unit) => Taken::Unit(unit),
            None => Taken::TimedOut,
        }
    }

    /// The decoder failed: what builds upon its last picture is worth nothing. The number of units
    /// thrown away.
    pub(crate) fn broke(&self) -> usize {
        let mut state = lock(&self.0);
        let keyframe = state.units.iter().position(|unit| unit.keyframe);
        state.broken = keyframe.is_none();
        // overflow: drops-to-keyframe
        let useless = keyframe.unwrap_or(state.units.len());
        state.units.drain(..useless).count()
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn unit(keyframe: bool) -> AccessUnit {
        AccessUnit {
            bytes: Vec::new(),
            keyframe,
            picture: true,
            full_range: None,
            arrived_at: Instant::now(),
        }
    }

    fn keyframes(receiver: &UnitReceiver) -> Vec<bool> {
        std::iter::from_fn(|| match receiver.take(Duration::ZERO) {
            Taken::Unit(unit) => Some(unit.keyframe),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_decoder_that_falls_behind_goes_on_with_the_next_keyframe() {
        let (sender, receiver) = unit_queue();
        for _ in 0..UNITS_MAX {
            assert_eq!(sender.push(unit(false)), Pushed::Queued);
        }
        assert_eq!(sender.push(unit(false)), Pushed::Dropped(UNITS_MAX + 1));
        assert!(sender.is_broken());
        assert_eq!(sender.push(unit(false)), Pushed::Dropped(1));
        assert_eq!(sender.push(unit(true)), Pushed::Queued);
        assert_eq!(sender.push(unit(false)), Pushed::Queued);
        assert!(!sender.is_broken());
        assert_eq!(keyframes(&receiver), [true, false]);
    }

    #[test]
    fn a_decoder_that_fails_skips_to_a_keyframe_that_waits_already() {
        let (sender, receiver) = unit_queue();
        for keyframe in [false, false, true, false] {
            sender.push(unit(keyframe));
        }
        assert_eq!(receiver.broke(), 2);
        assert!(!sender.is_broken());
        assert_eq!(keyframes(&receiver), [true, false]);
        assert_eq!(receiver.broke(), 0);
        assert!(sender.is_broken());
    }

    #[test]
    fn the_publishers_end_ends_the_wait() {
        let (sender, receiver) = unit_queue();
        assert_eq!(receiver.take(Duration::ZERO), Taken::TimedOut);
        sender.push(unit(true));
        drop(sender);
        assert_eq!(receiver.take(Duration::from_secs(5)), Taken::Closed);
    }
}
