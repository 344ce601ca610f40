//! Lenient parsing of JSON as labelling tools write it: numbers as text, integers with a decimal point,
//! NaN, a byte order mark. pycocotools accepts most of it. Pure.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// The number, also when it is written as text.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// The length in whole pixels; `None` when it is not a positive integer.
pub(super) fn pixels(value: &Value) -> Option<u32> {
    let number = number(value)?;
    let whole = number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
    whole.then_some(number as u32)
}

pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => true,
        other => number(other).is_some_and(|number| number != 0.0),
    }
}

/// The four numbers of a box, or what is wrong with them.
pub(super) fn rect(value: &Value) -> Result<[f64; 4], String> {
    let Value::Array(sides) = value else {
        return Err("has no `bbox`".to_owned());
    };
    let numbers: Option<Vec<f64>> = sides.iter().map(number).collect();
    match numbers.and_then(|all| <[f64; 4]>::try_from(all).ok()) {
        None => Err("has a `bbox` that is not [left, top, width, height]".to_owned()),
        Some(rect @ [.., width, height]) if width > 0.0 && height > 0.0 => Ok(rect),
        Some([.., width, height]) => Err(format!("has a `bbox` of the size {width} x {height}")),
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
    pub(super) fn of(value: &Value) -> Option<Self> {
        /// The largest integer up to which `f64` is exact.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        Some(match value {
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Number(whole),
                (None, Some(float)) if float.fract() == 0.0 && float.abs() <= EXACT => {
                    Self::Number(float as i64)
                }
                _ => Self::Text(number.to_string()),
            },
            Value::String(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => Self::Number(number),
                _ => Self::Text(text.clone()),
            },
            _ => return None,
        })
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

    fn loose(json: &str) -> Value {
        serde_json::from_slice(&plain_json(json.as_bytes())).expect("JSON")
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        for json in ["7", "7.0", "\"7\"", "\" 7.0 \"", "7e0"] {
            assert_eq!(number(&loose(json)), Some(7.0), "{json}");
            assert_eq!(pixels(&loose(json)), Some(7), "{json}");
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
            assert_eq!(number(&loose(json)), None, "{json}");
        }
        for json in ["0", "-1", "7.5", "1e99"] {
            assert_eq!(pixels(&loose(json)), None, "{json}");
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
            assert!(is_true(&loose(json)), "{json}");
        }
        for json in ["0", "0.0", "false", "null", "\"0\"", "\"false\"", "[]"] {
            assert!(!is_true(&loose(json)), "{json}");
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
