//! Errors as one line for people.

/// The error and its causes, each said once: many libraries' errors already quote their cause.
pub(crate) fn plainly(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_was_quoted_is_not_repeated() {
        let cause = std::io::Error::other("disk on fire");
        let quoting = anyhow!("disk on fire").context("x.jpg cannot be read: disk on fire");
        assert_eq!(plainly(&quoting), "x.jpg cannot be read: disk on fire");
        let plain = anyhow::Error::from(cause).context("cannot write");
        assert_eq!(plainly(&plain), "cannot write: disk on fire");
    }
}
