//! Output of commands: results on standard output, errors as one line.

use std::error::Error;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

#[derive(Debug, Error)]
#[error("standard output cannot be written: {0}")]
pub(crate) struct OutputError(io::Error);

impl OutputError {
    /// The reader closed the pipe, as in `carrier detect *.jpg | head`: no error.
    pub(crate) fn is_reader_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

pub(crate) fn print(text: &str) -> Result<(), OutputError> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(OutputError)
}

pub(crate) fn exit_code(is_success: bool) -> ExitCode {
    if is_success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// As [`error_chain`], after the path of the file that it is about, unless it begins with that.
pub(crate) fn error_about(path: &Path, error: &(dyn Error + 'static)) -> String {
    let (path, why) = (path.display().to_string(), error_chain(error));
    match why.starts_with(&path) {
        true => why,
        false => format!("{path}: {why}"),
    }
}

/// The error and its causes in one line, without repetition: many errors quote their cause already.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    enum Failed {
        #[error("x.jpg cannot be read: {source}")]
        Quoting { source: io::Error },
        #[error("cannot write")]
        Plain { source: io::Error },
    }

    #[test]
    fn a_cause_that_an_error_quotes_is_not_repeated() {
        let source = || io::Error::other("disk on fire");
        let quoting = Failed::Quoting { source: source() };
        assert_eq!(error_chain(&quoting), "x.jpg cannot be read: disk on fire");
        let plain = Failed::Plain { source: source() };
        assert_eq!(error_chain(&plain), "cannot write: disk on fire");
    }
}
