//! How a change of the model ends. Pure.
//!
//! Opening a model takes seconds, so that a change is made before it is known whether the model can be used. When it
//! cannot, the setting goes back to the model in use.

use detector::{ModelChange, ModelChangeState};

/// What the settings remember of changes of the model.
#[derive(Debug, Default)]
pub(super) struct ModelMemory {
    /// The last change whose end is known.
    settled: u64,
    /// The last change that was made live, as opposed to by reading the configuration again.
    live: u64,
    /// The model is to be kept when it is in use.
    is_to_be_kept: bool,
    /// For the audit.
    untold: Vec<String>,
}

/// What the end of a change means for the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ModelEnd {
    /// The model is in use, by a live change or not.
    InUse { is_live: bool },
    /// The model in use stays.
    Back { in_use: String },
}

impl ModelMemory {
    /// Takes note of the end of the last change; `None`: it is known already, or not yet.
    pub(super) fn settle(&mut self, change: ModelChange, in_use: String) -> Option<ModelEnd> {
        if !self.is_uncertain(&change) {
            return None;
        }
        let end = match change.state {
            ModelChangeState::Opening => return None,
            ModelChangeState::InUse => ModelEnd::InUse {
                is_live: change.number == self.live,
            },
            ModelChangeState::Failed(error) => {
                let model = change.model;
                self.tell(format!(
                    "the model stays {in_use}: {model} cannot be opened: {error}"
                ));
                ModelEnd::Back { in_use }
            }
        };
        self.settled = change.number;
        Some(end)
    }

    /// Whether the end of the last change is not known.
    pub(super) fn is_uncertain(&self, last: &ModelChange) -> bool {
        last.number != self.settled
    }

    pub(super) fn note_live(&mut self, change: &ModelChange) {
        self.live = change.number;
    }

    pub(super) fn keep_later(&mut self) {
        self.is_to_be_kept = true;
    }

    /// Whether the model is to be kept now.
    pub(super) fn take_to_be_kept(&mut self, last: &ModelChange) -> bool {
        !self.is_uncertain(last) && std::mem::take(&mut self.is_to_be_kept)
    }

    pub(super) fn tell(&mut self, what: String) {
        self.untold.push(what);
    }

    pub(super) fn take_untold(&mut self) -> Vec<String> {
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use detector::OpenError;

    use super::*;

    fn change(number: u64, state: ModelChangeState) -> ModelChange {
        ModelChange {
            number,
            state,
            ..ModelChange::default()
        }
    }

    fn failed() -> ModelChangeState {
        ModelChangeState::Failed(OpenError {
            is_missing: false,
            message: "it is damaged".to_owned(),
            fix: None,
        })
    }

    #[test]
    fn a_change_is_settled_once() {
        let mut memory = ModelMemory::default();
        assert_eq!(memory.settle(ModelChange::default(), String::new()), None);
        let opening = change(1, ModelChangeState::Opening);
        memory.note_live(&opening);
        assert_eq!(memory.settle(opening.clone(), String::new()), None);
        assert!(memory.is_uncertain(&opening));
        let in_use = change(1, ModelChangeState::InUse);
        let end = memory.settle(in_use.clone(), "a".to_owned());
        assert_eq!(end, Some(ModelEnd::InUse { is_live: true }));
        assert_eq!(memory.settle(in_use, "a".to_owned()), None);
        let read_again = change(2, ModelChangeState::InUse);
        let end = memory.settle(read_again, "b".to_owned());
        assert_eq!(end, Some(ModelEnd::InUse { is_live: false }));
    }

    #[test]
    fn a_model_that_fails_is_told_and_the_one_in_use_stays() {
        let mut memory = ModelMemory::default();
        let end = memory.settle(change(1, failed()), "a".to_owned());
        let in_use = "a".to_owned();
        assert_eq!(end, Some(ModelEnd::Back { in_use }));
        let told = memory.take_untold();
        assert!(told[0].contains("stays a") && told[0].contains("damaged"));
        assert!(memory.take_untold().is_empty());
    }

    #[test]
    fn a_model_is_kept_when_its_end_is_known() {
        let mut memory = ModelMemory::default();
        memory.keep_later();
        let opening = change(1, ModelChangeState::Opening);
        assert!(!memory.take_to_be_kept(&opening));
        let in_use = change(1, ModelChangeState::InUse);
        memory.settle(in_use.clone(), String::new());
        assert!(memory.take_to_be_kept(&in_use));
        assert!(!memory.take_to_be_kept(&in_use), "once");
    }
}
