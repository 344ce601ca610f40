//! Errors as one line for people.

use std::error::Error;

/// The error and its causes, each said once: many libraries' errors already quote their cause.
pub(crate) fn plainly(error: &(dyn Error + 'static)) -> String {
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
    fn a_cause_that_was_quoted_is_not_repeated() {
        let source = || io::Error::other("disk on fire");
        let quoting = Failed::Quoting { source: source() };
        assert_eq!(plainly(&quoting), "x.jpg cannot be read: disk on fire");
        let plain = Failed::Plain { source: source() };
        assert_eq!(plainly(&plain), "cannot write: disk on fire");
    }
}
