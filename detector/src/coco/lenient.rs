//! Lenient parsing of JSON as labelling tools write it: numbers as text, integers with a decimal point,
//! NaN, a byte order mark. pycocotools accepts most of it. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A JSON value, as far as a COCO file needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum LooseValue {
    Whole(i64),
    Number(f64),
    Text(String),
    Bool(bool),
    List(Vec<Self>),
    /// `null`, an object, or a number that JSON cannot express.
    #[default]
    Nothing,
}

impl LooseValue {
    /// The number, also when it is written as text.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Whole(number) => *number as f64,
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Bool(_) | Self::List(_) | Self::Nothing => return None,
        };
        number.is_finite().then_some(number)
    }

    /// The length in whole pixels; `None` when it is not a positive integer.
    pub(super) fn pixels(&self) -> Option<u32> {
        let number = self.number()?;
        let whole = number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
        whole.then_some(number as u32)
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Text(text) if text.trim().eq_ignore_ascii_case("true") => true,
            other => other.number().is_some_and(|number| number != 0.0),
        }
    }

    /// The four numbers of a box, or what is wrong with them.
    pub(super) fn rect(&self) -> Result<[f64; 4], String> {
        let Self::List(sides) = self else {
            return Err("has no `bbox`".to_owned());
        };
        let numbers: Option<Vec<f64>> = sides.iter().map(Self::number).collect();
        let four = numbers
            .as_deref()
            .and_then(|all| <[f64; 4]>::try_from(all).ok());
        match four {
            None => Err("has a `bbox` that is not [left, top, width, height]".to_owned()),
            Some(rect @ [.., width, height]) if width > 0.0 && height > 0.0 => Ok(rect),
            Some([.., width, height]) => {
                Err(format!("has a `bbox` of the size {width} x {height}"))
            }
        }
    }
}

/// An id, which tools write as 1, 1.0, "1" or any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// An integer, in any notation.
    Number(i64),
    Text(String),
}

impl Id {
    pub(super) fn of(value: &LooseValue) -> Option<Self> {
        /// The largest integer up to which `f64` is exact.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match value {
            LooseValue::Whole(number) => Some(Self::Number(*number)),
            LooseValue::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
                Some(Self::Number(*number as i64))
            }
            LooseValue::Number(number) => Some(Self::Text(number.to_string())),
            LooseValue::Text(text) => Some(match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => Self::Number(number),
                _ => Self::Text(text.clone()),
            }),
            LooseValue::Bool(_) | LooseValue::List(_) | LooseValue::Nothing => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for LooseValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = LooseValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<LooseValue, E> {
        Ok(LooseValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<LooseValue, E> {
        Ok(LooseValue::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<LooseValue, E> {
        let whole = i64::try_from(value).map(LooseValue::Whole);
        Ok(whole.unwrap_or_else(|_| LooseValue::Text(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<LooseValue, E> {
        Ok(LooseValue::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<LooseValue, E> {
        Ok(LooseValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<LooseValue, E> {
        Ok(LooseValue::Text(value))
    }

    fn visit_unit<E>(self) -> Result<LooseValue, E> {
        Ok(LooseValue::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<LooseValue, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element()? {
            all.push(value);
        }
        Ok(LooseValue::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LooseValue, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LooseValue::Nothing)
    }
}

/// Numbers that Python writes and JSON does not allow, the longest first.
const FOREIGN_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The text without a byte order mark, and with `null` for numbers that JSON does not allow. Copied only
/// when there is such a number.
pub(super) fn plain_json(json: &[u8]) -> Cow<'_, [u8]> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut plain = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while at < json.len() {
        match json[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'I' | b'N' if !in_text => {
                let starts = |word: &&&[u8]| json[at..].starts_with(word);
                if let Some(word) = FOREIGN_NUMBERS.iter().find(starts) {
                    plain.extend_from_slice(&json[copied..at]);
                    plain.extend_from_slice(b"null");
                    copied = at + word.len();
                    at = copied - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    plain.extend_from_slice(&json[copied..]);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(json: &str) -> LooseValue {
        serde_json::from_slice(&plain_json(json.as_bytes())).expect("JSON")
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        for json in ["7", "7.0", "\"7\"", "\" 7.0 \"", "7e0"] {
            assert_eq!(loose(json).number(), Some(7.0), "{json}");
            assert_eq!(loose(json).pixels(), Some(7), "{json}");
        }
        for json in [
            "null",
            "[7]",
            "{\"a\": [7]}",
            "true",
            "NaN",
            "-Infinity",
            "\"x\"",
            "\"inf\"",
        ] {
            assert_eq!(loose(json).number(), None, "{json}");
        }
        for json in ["0", "-1", "7.5", "1e99"] {
            assert_eq!(loose(json).pixels(), None, "{json}");
        }
    }

    #[test]
    fn ids_are_the_same_in_every_form() {
        for json in ["7", "7.0", "\"7\""] {
            assert_eq!(Id::of(&loose(json)), Some(Id::Number(7)), "{json}");
        }
        for json in ["\"007\"", "\"a7\"", "18446744073709551615", "7.5"] {
            let id = Id::of(&loose(json));
            assert!(matches!(id, Some(Id::Text(_))), "{json}: {id:?}");
        }
        assert_eq!(Id::of(&loose("null")), None);
    }

    #[test]
    fn crowds_are_read_in_every_form() {
        for json in ["1", "1.0", "true", "\"1\"", "\"True\""] {
            assert!(loose(json).is_true(), "{json}");
        }
        for json in ["0", "0.0", "false", "null", "\"0\"", "\"false\"", "[]"] {
            assert!(!loose(json).is_true(), "{json}");
        }
    }

    #[test]
    fn only_numbers_outside_of_texts_are_replaced() {
        let plain = |json: &str| String::from_utf8(plain_json(json.as_bytes()).into_owned());
        let same = r#"{"NaN": "a \" NaN, -Infinity", "b": -1}"#;
        assert!(matches!(plain_json(same.as_bytes()), Cow::Borrowed(_)));
        assert_eq!(
            plain("\u{feff}[NaN,-Infinity, Infinity,\"NaN\\\\\",NaN]").expect("UTF-8"),
            "[null,null, null,\"NaN\\\\\",null]"
        );
        assert_eq!(plain("\"cut \\").expect("UTF-8"), "\"cut \\");
    }
}
