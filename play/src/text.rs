//! Texts that are shown: keys of the tables in `play/lang/`, and what the owner wrote in a file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text to be shown, in whatever language its reader has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum GameText {
    /// A text of the tables, with the values of its `{names}`. With a value `count`, the plural form for it.
    Key {
        key: Cow<'static, str>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<&'static str, TextValue>,
    },
    Own(OwnText),
}

impl GameText {
    pub(crate) fn key(key: impl Into<Cow<'static, str>>) -> Self {
        Self::Key {
            key: key.into(),
            values: BTreeMap::new(),
        }
    }

    /// With one more value. A text of the owner has no values.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<TextValue>) -> Self {
        if let Self::Key { values, .. } = &mut self {
            values.insert(name, value.into());
        }
        self
    }
}

/// What stands for a `{name}` in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TextValue {
    Number(u32),
    Text(GameText),
}

impl From<u32> for TextValue {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<GameText> for TextValue {
    fn from(text: GameText) -> Self {
        Self::Text(text)
    }
}

/// A text that the owner wrote: one for everybody, or one for each language (`en`, `de`, `es`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OwnText {
    ForAll(String),
    ByLanguage(BTreeMap<String, String>),
}

impl OwnText {
    /// In `language`, else in English, else in any language.
    #[must_use]
    pub fn in_language(&self, language: &str) -> &str {
        match self {
            Self::ForAll(text) => text,
            Self::ByLanguage(texts) => {
                let text = texts.get(language).or_else(|| texts.get("en"));
                text.or_else(|| texts.values().next())
                    .map_or("", String::as_str)
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<&str> {
        match self {
            Self::ForAll(text) => vec![text],
            Self::ByLanguage(texts) => texts.values().map(String::as_str).collect(),
        }
    }
}
