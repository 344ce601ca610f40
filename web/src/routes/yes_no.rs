//! Pure: what people write for yes and no in addresses and forms.

use serde::{Deserialize, Deserializer, de};

/// `None`: nothing was said. Else an error that names what was written.
pub(super) fn parse(text: &str) -> Result<Option<bool>, NotYesOrNoError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "1" | "true" | "yes" | "y" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "n" | "off" => Ok(Some(false)),
        _ => Err(NotYesOrNoError(text.chars().take(40).collect())),
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither true nor false")]
pub(super) struct NotYesOrNoError(String);

/// For a field of a query that may be absent: `#[serde(default, deserialize_with = "yes_no::field")]`.
pub(super) fn field<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    parse(&text.unwrap_or_default()).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_have_many_spellings() {
        for yes in ["1", "true", "True", "yes", "on", " ON "] {
            assert_eq!(parse(yes), Ok(Some(true)), "{yes}");
        }
        for no in ["0", "false", "no", "off", "FALSE"] {
            assert_eq!(parse(no), Ok(Some(false)), "{no}");
        }
        assert_eq!(parse(""), Ok(None));
        let error = parse("perhaps").expect_err("neither");
        assert_eq!(error.to_string(), "\"perhaps\" is neither true nor false");
    }
}
