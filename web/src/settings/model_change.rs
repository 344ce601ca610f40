//! How a change of the model ends: opening one takes seconds, so that the change is over before it is known whether
//! the model can be used. The setting goes back to the model in use when it cannot.

use detector::ModelChangeState;

use super::{Inner, Settings};

/// What the settings remember of the last change of the model.
#[derive(Debug, Default)]
pub(super) struct ModelMemory {
    /// The number of the last change whose end is known.
    settled: u64,
    /// The number of the last change by [`Settings::change`].
    live: u64,
    /// To be kept when it is in use.
    keep: bool,
    /// For the audit.
    untold: Vec<String>,
}

impl Settings {
    /// Takes note of the end of a change.
    pub(super) fn settle_model(&self, inner: &mut Inner) {
        let control = &self.followers.model;
        let change = control.last_change();
        if change.number == inner.model.settled {
            return;
        }
        match change.state {
            ModelChangeState::Opening => return,
            ModelChangeState::InUse if change.number == inner.model.live => {
                inner.live.insert("model");
            }
            ModelChangeState::InUse => {}
            ModelChangeState::Failed(error) => {
                let in_use = control.in_use().to_string();
                let model = &change.model;
                let why = format!("the model stays {in_use}: {model} cannot be opened: {error}");
                inner.model.untold.push(why);
                let mut present = (*inner.present).clone();
                present.model = in_use;
                inner.present = present.into();
            }
        }
        inner.model.settled = change.number;
        inner.version += 1;
    }

    /// Whether it is unknown yet whether the present model can be used.
    pub(super) fn is_model_uncertain(&self, inner: &Inner) -> bool {
        self.followers.model.last_change().number != inner.model.settled
    }

    /// Notes that [`Settings::change`] asked for another model.
    pub(super) fn note_live_model(&self, inner: &mut Inner) {
        inner.model.live = self.followers.model.last_change().number;
    }

    /// Keeps the present model when it is in use, and never one that fails.
    pub(super) fn keep_model_later(inner: &mut Inner) {
        inner.model.keep = true;
    }

    /// Does what waited for the end of a change of the model. Returns what the audit is to be told. Blocks while a
    /// file is written.
    pub(crate) fn finish_model_change(&self) -> Vec<String> {
        let mut inner = self.lock();
        if inner.model.keep && !self.is_model_uncertain(&inner) {
            inner.model.keep = false;
            if let Err(why) = self.keep(&mut inner, |key| key == "model") {
                let why = format!("the model cannot be kept over a restart: {why}");
                tracing::error!("{why}");
                inner.model.untold.push(why);
            }
        }
        std::mem::take(&mut inner.model.untold)
    }
}
