//! One line of the report of `carrier doctor`.

use std::fmt;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) topic: &'static str,
    pub(super) state: State,
    pub(super) words: String,
    /// What the owner can do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) fix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// Not configured or not needed, which is no error.
    Note,
    Bad,
}

impl Finding {
    pub(super) fn ok(topic: &'static str, words: impl Into<String>) -> Self {
        Self::bad(topic, words, "").with(State::Ok)
    }

    pub(super) fn note(
        topic: &'static str,
        words: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::bad(topic, words, fix).with(State::Note)
    }

    pub(super) fn bad(
        topic: &'static str,
        words: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            topic,
            state: State::Bad,
            words: words.into(),
            fix: fix.into(),
        }
    }

    fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "-",
            State::Bad => "BAD",
        };
        // Some errors have several lines.
        let words = self
            .words
            .trim_end()
            .replace('\n', "\n                    ");
        writeln!(f, "{state:<4} {:<14} {words}", self.topic)?;
        if !self.fix.is_empty() {
            writeln!(f, "                    {}", self.fix)?;
        }
        Ok(())
    }
}
