//! The change of the model while the detector runs, as its owner and the detect thread share it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capture::{Slot, SlotReader, lock};

use crate::models::store::ModelChoice;
use crate::opening::OpenError;

/// The last change of the model that somebody asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChange {
    /// Counts up; 0: none yet, and `model` is that of the start.
    pub number: u64,
    pub model: ModelChoice,
    pub state: ModelChangeState,
}

/// How far a [`ModelChange`] is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelChangeState {
    /// The model is being opened. The one in use goes on meanwhile.
    Opening,
    #[default]
    InUse,
    /// It cannot be opened. The one that was in use goes on.
    Failed(OpenError),
}

/// Changes the model from any thread, and tells how that went.
#[derive(Debug, Default)]
pub struct ModelControl {
    state: Mutex<State>,
    /// Each new state of the last change.
    changes: Arc<Slot<ModelChange>>,
}

#[derive(Debug, Default)]
struct State {
    in_use: ModelChoice,
    last: ModelChange,
    /// Inference times of the models that were in use before, by the model's name.
    inference: BTreeMap<String, Duration>,
}

impl ModelControl {
    /// Asks for another model. It is opened beside the one in use and then takes its place. Of several calls the last
    /// one wins. Returns the number of the change.
    pub fn replace(&self, model: ModelChoice) -> u64 {
        let mut state = lock(&self.state);
        state.last = ModelChange {
            number: state.last.number + 1,
            model,
            state: ModelChangeState::Opening,
        };
        self.changes.publish(state.last.clone());
        state.last.number
    }

    #[must_use]
    pub fn last_change(&self) -> ModelChange {
        lock(&self.state).last.clone()
    }

    /// Gets each new state of the last change.
    #[must_use]
    pub fn changes(&self) -> SlotReader<ModelChange> {
        self.changes.reader()
    }

    /// What detects, or is opened again and again until it does.
    #[must_use]
    pub fn in_use(&self) -> ModelChoice {
        lock(&self.state).in_use.clone()
    }

    /// The smoothed time of one run of the network when the model of this name was last in use.
    #[must_use]
    pub fn inference_of(&self, name: &str) -> Option<Duration> {
        lock(&self.state).inference.get(name).copied()
    }

    /// Sets the model of the start.
    pub(super) fn start(&self, model: ModelChoice) {
        let mut state = lock(&self.state);
        state.in_use = model.clone();
        state.last = ModelChange {
            model,
            ..ModelChange::default()
        };
    }

    /// The change that is to be made; `None`: there is none.
    pub(super) fn requested(&self) -> Option<(u64, ModelChoice)> {
        let state = lock(&self.state);
        let ModelChange { number, model, .. } = &state.last;
        let is_open = state.last.state == ModelChangeState::Opening;
        is_open.then(|| (*number, model.clone()))
    }

    /// Ends a change. Returns `false`, and changes nothing, when another one was asked for since.
    pub(super) fn settle(&self, number: u64, result: Result<(), OpenError>) -> bool {
        let mut state = lock(&self.state);
        if state.last.number != number {
            return false;
        }
        state.last.state = match result {
            Ok(()) => {
                state.in_use = state.last.model.clone();
                ModelChangeState::InUse
            }
            Err(error) => ModelChangeState::Failed(error),
        };
        self.changes.publish(state.last.clone());
        true
    }

    pub(super) fn note_inference(&self, name: &str, seconds: f64) {
        if let Ok(took) = Duration::try_from_secs_f64(seconds)
            && !took.is_zero()
        {
            lock(&self.state).inference.insert(name.to_owned(), took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ModelChoice {
        ModelChoice::Named(name.to_owned())
    }

    fn failure() -> OpenError {
        OpenError {
            is_missing: true,
            message: "not here".to_owned(),
            fix: None,
        }
    }

    #[test]
    fn a_change_is_requested_until_it_is_settled() {
        let control = ModelControl::default();
        control.start(named("a"));
        assert_eq!(control.requested(), None);
        let number = control.replace(named("b"));
        assert_eq!(control.requested(), Some((number, named("b"))));
        assert_eq!(control.in_use(), named("a"));
        assert!(control.settle(number, Ok(())));
        assert_eq!((control.requested(), control.in_use()), (None, named("b")));
        let number = control.replace(named("c"));
        assert!(control.settle(number, Err(failure())));
        assert_eq!((control.requested(), control.in_use()), (None, named("b")));
        let last = control.last_change();
        assert_eq!(last.state, ModelChangeState::Failed(failure()));
    }

    #[test]
    fn a_change_that_another_followed_settles_nothing() {
        let control = ModelControl::default();
        let first = control.replace(named("a"));
        let second = control.replace(named("b"));
        assert!(!control.settle(first, Ok(())));
        assert_eq!(control.requested(), Some((second, named("b"))));
        assert_eq!(control.in_use(), ModelChoice::Auto);
        let seen = control.changes().try_next().expect("published");
        assert_eq!((seen.number, &seen.model), (second, &named("b")));
    }

    #[test]
    fn times_are_kept_by_model() {
        let control = ModelControl::default();
        control.note_inference("a", 0.012);
        control.note_inference("b", 0.0);
        assert_eq!(control.inference_of("a"), Some(Duration::from_millis(12)));
        assert_eq!(control.inference_of("b"), None);
    }
}
