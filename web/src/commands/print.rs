//! Results on standard output.

use std::io::{self, Write, stdout};

use thiserror::Error;

/// Standard output takes nothing more: a command ends at once.
#[derive(Debug, Error)]
#[error("standard output cannot be written: {0}")]
pub(crate) struct OutputError(io::Error);

impl OutputError {
    /// Whoever read it has seen enough, as in `carrier detect *.jpg | head`: nothing is wrong.
    pub(crate) fn is_reader_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes all of the text, now.
pub(crate) fn print(text: &str) -> Result<(), OutputError> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(OutputError)
}
