//! Short keys of texts and classes: the only words that shared records hold.

use serde::{Deserialize, Serialize};

/// Bytes of a slug.
const SLUG_BYTES_MAX: usize = 32;

/// 1 to 32 of `a-z`, `0-9`, `-` and `.`: a key that each carrier looks up in its own tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key: 1 to 32 lower-case letters, digits, dots and hyphens")]
pub struct SlugError(String);

impl Slug {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        };
        let has_length = (1..=SLUG_BYTES_MAX).contains(&text.len());
        if has_length && text.bytes().all(is_allowed) {
            return Ok(Self(text));
        }
        Err(SlugError(text.chars().take(SLUG_BYTES_MAX).collect()))
    }
}

impl TryFrom<&str> for Slug {
    type Error = SlugError;

    fn try_from(text: &str) -> Result<Self, SlugError> {
        text.to_owned().try_into()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_and_plain() {
        for text in ["cup", "cell-phone", "play.object-hunt", "a1"] {
            assert_eq!(Slug::try_from(text).unwrap().as_str(), text);
        }
        let long = "a".repeat(SLUG_BYTES_MAX + 1);
        for text in ["", "Anna", "a b", "<b>", "ä", long.as_str()] {
            assert!(Slug::try_from(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_received_slug_is_checked() {
        let bytes = postcard::to_allocvec("Anna Schmidt").unwrap();
        assert!(postcard::from_bytes::<Slug>(&bytes).is_err());
    }
}
