//! `[viewers]`: how many may watch, and who.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The shortest token that is taken: shorter ones are guessed.
const TOKEN_CHARACTERS_MIN: usize = 8;

/// Limits and the token. Everything is off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ViewersConfig {
    /// At most so many at a time, those of the simple stream included.
    pub(crate) max: Option<usize>,
    /// At most so many from one address.
    pub(crate) per_address: Option<usize>,
    /// What a viewer has to know.
    pub(crate) token: Option<String>,
}

impl ViewersConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &str, why: &str| {
            Err(ConfigError::Value {
                key,
                value: value.to_owned(),
                why: why.to_owned(),
            })
        };
        let nobody = "nobody could watch; at least 1, or leave it out";
        if self.max == Some(0) {
            return wrong("viewers.max", "0", nobody);
        }
        if self.per_address == Some(0) {
            return wrong("viewers.per_address", "0", nobody);
        }
        // It stands in an address and in a header: only what needs no escape in either (RFC 3986
        // 2.3, RFC 6750 2.1).
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if let Some(token) = &self.token
            && (token.len() < TOKEN_CHARACTERS_MIN || !token.chars().all(plain))
        {
            let why = "at least 8 letters, digits or - . _ ~, or leave it out";
            return wrong("viewers.token", "(hidden)", why);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_nobody_and_a_token_that_needs_escapes_are_refused() {
        let said = |text: &str| {
            let config: ViewersConfig = toml::from_str(text).expect("valid TOML");
            config
                .check()
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(said(""), "");
        assert_eq!(said("max = 1\nper_address = 2\ntoken = 'Abc-._~9'"), "");
        assert!(said("max = 0").starts_with("viewers.max"));
        assert!(said("per_address = 0").starts_with("viewers.per_address"));
        for token in [
            "short",
            "two words",
            "quote\\\"quote",
            "grün-grün-grün",
            "a&b=cdefg",
        ] {
            let said = said(&format!("token = \"{token}\""));
            assert!(said.starts_with("viewers.token"), "{token}: {said}");
            assert!(!said.contains(token), "a secret is not repeated: {said}");
        }
    }
}
