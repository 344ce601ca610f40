//! The progress of a command.

use std::io::{IsTerminal, Write, stderr};

/// Shown on a terminal only.
pub(crate) struct Meter<'a> {
    name: &'a str,
    percent: Option<u64>,
    shown: bool,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self {
            name,
            percent: None,
            shown: stderr().is_terminal(),
        }
    }

    pub(crate) fn show(&mut self, got: u64, all: u64) {
        let percent = got * 100 / all.max(1);
        if self.shown && self.percent != Some(percent) {
            self.percent = Some(percent);
            let _ = write!(stderr(), "\r{} {percent:>3} %", self.name);
        }
    }

    pub(crate) fn end(&self) {
        if self.percent.is_some() {
            let _ = writeln!(stderr());
        }
    }
}
