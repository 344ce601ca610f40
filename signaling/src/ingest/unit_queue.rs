//! Bounded queue of access units for the decoder thread. After a drop only a keyframe is accepted.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use capture::lock;

use super::access_unit::AccessUnit;

/// A quarter of a second at 30 fps; a decoder further behind does not catch up by waiting.
const UNITS_MAX: usize = 8;

/// Result of adding a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits for the decoder.
    Queued,
    /// Number of dropped units, including this one; a keyframe is needed.
    Dropped(usize),
}

/// Result of waiting for a unit.
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
    /// The decoder has lost its reference pictures.
    needs_keyframe: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The engine's end. Dropping it ends the decoder thread.
#[derive(Debug)]
pub(crate) struct UnitSender(Arc<Shared>);

/// The decoder thread's end.
#[derive(Debug)]
pub(crate) struct UnitReceiver(Arc<Shared>);

/// Creates a queue.
pub(crate) fn unit_queue() -> (UnitSender, UnitReceiver) {
    let shared = Arc::new(Shared::default());
    (UnitSender(Arc::clone(&shared)), UnitReceiver(shared))
}

impl UnitSender {
    /// Adds a unit without waiting.
    pub(crate) fn push(&self, unit: AccessUnit) -> Pushed {
        let mut state = lock(&self.0.state);
        if unit.keyframe {
            state.needs_keyframe = false;
        }
        if state.units.len() >= UNITS_MAX {
            // overflow: drops-to-keyframe
            let mut dropped = state.units.len();
            state.units.clear();
            if !unit.keyframe {
                dropped += 1;
                state.needs_keyframe = true;
                return Pushed::Dropped(dropped);
            }
            tracing::debug!(dropped, "a slow decoder skips to a published keyframe");
        }
        if state.needs_keyframe && unit.picture {
            return Pushed::Dropped(1);
        }
        state.units.push_back(unit);
        self.0.changed.notify_one();
        Pushed::Queued
    }

    /// Whether decoding can only continue at a keyframe.
    pub(crate) fn needs_keyframe(&self) -> bool {
        lock(&self.0.state).needs_keyframe
    }
}

impl Drop for UnitSender {
    fn drop(&mut self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_one();
    }
}

impl UnitReceiver {
    /// Waits up to `limit` for the next unit.
    pub(crate) fn take(&self, limit: Duration) -> Taken {
        let state = lock(&self.0.state);
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

    /// Call after a decoder failure: drops units up to the next keyframe and returns their number.
    pub(crate) fn discard_to_keyframe(&self) -> usize {
        let mut state = lock(&self.0.state);
        let keyframe = state.units.iter().position(|unit| unit.keyframe);
        state.needs_keyframe = keyframe.is_none();
        // overflow: drops-to-keyframe
        let useless = keyframe.unwrap_or(state.units.len());
        state.units.drain(..useless).count()
    }
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
    fn a_slow_decoder_continues_at_the_next_keyframe() {
        let (sender, receiver) = unit_queue();
        for _ in 0..UNITS_MAX {
            assert_eq!(sender.push(unit(false)), Pushed::Queued);
        }
        assert_eq!(sender.push(unit(false)), Pushed::Dropped(UNITS_MAX + 1));
        assert!(sender.needs_keyframe());
        assert_eq!(sender.push(unit(false)), Pushed::Dropped(1));
        assert_eq!(sender.push(unit(true)), Pushed::Queued);
        assert_eq!(sender.push(unit(false)), Pushed::Queued);
        assert!(!sender.needs_keyframe());
        assert_eq!(keyframes(&receiver), [true, false]);
    }

    #[test]
    fn a_failed_decoder_skips_to_a_queued_keyframe() {
        let (sender, receiver) = unit_queue();
        for keyframe in [false, false, true, false] {
            sender.push(unit(keyframe));
        }
        assert_eq!(receiver.discard_to_keyframe(), 2);
        assert!(!sender.needs_keyframe());
        assert_eq!(keyframes(&receiver), [true, false]);
        assert_eq!(receiver.discard_to_keyframe(), 0);
        assert!(sender.needs_keyframe());
    }

    #[test]
    fn dropping_the_sender_ends_the_wait() {
        let (sender, receiver) = unit_queue();
        assert_eq!(receiver.take(Duration::ZERO), Taken::TimedOut);
        sender.push(unit(true));
        drop(sender);
        assert_eq!(receiver.take(Duration::from_secs(5)), Taken::Closed);
    }
}
