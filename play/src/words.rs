//! The tables of texts, in the form of `web/pages/lang/`: a key, and a text with `{names}`. A text that depends on a count
//! has the keys `KEY.one` and `KEY.other`.

use std::collections::BTreeMap;

use crate::text::{GameText, TextValue};

/// The language's code, and its table as JSON.
pub const TEXTS: [(&str, &str); 3] = [
    ("en", include_str!("../lang/en.json")),
    ("de", include_str!("../lang/de.json")),
    ("es", include_str!("../lang/es.json")),
];

/// One language, with English for what it lacks.
#[derive(Debug, Clone)]
pub struct GameWords {
    language: String,
    texts: BTreeMap<String, String>,
}

impl GameWords {
    /// A language without a table is English.
    #[must_use]
    pub fn new(language: &str) -> Self {
        let mut texts = BTreeMap::new();
        for wanted in ["en", language] {
            if let Some((_, table)) = TEXTS.iter().find(|(code, _)| *code == wanted) {
                let table: BTreeMap<String, String> =
                    serde_json::from_str(table).unwrap_or_default();
                texts.extend(table);
            }
        }
        Self {
            language: language.to_owned(),
            texts,
        }
    }

    /// A key without a text is shown as it is.
    #[must_use]
    pub fn say(&self, text: &GameText) -> String {
        let (key, values) = match text {
            GameText::Own(own) => return own.in_language(&self.language).to_owned(),
            GameText::Key { key, values } => (key, values),
        };
        let mut said = self.form(key, values.get("count")).to_owned();
        for (name, value) in values {
            let value = match value {
                TextValue::Number(number) => number.to_string(),
                TextValue::Text(text) => self.say(text),
            };
            said = said.replace(&format!("{{{name}}}"), &value);
        }
        said
    }

    fn form<'a>(&'a self, key: &'a str, count: Option<&TextValue>) -> &'a str {
        let plural = match count {
            Some(TextValue::Number(1)) => self.texts.get(&format!("{key}.one")),
            Some(_) => self.texts.get(&format!("{key}.other")),
            None => None,
        };
        plural
            .or_else(|| self.texts.get(key))
            .map_or(key, String::as_str)
    }
}

#[cfg(test)]
mod tests;
