//! `[booth]`: the photo booth.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A week: whatever is kept longer was forgotten.
const KEEP_HOURS_MAX: u64 = 7 * 24;
/// Each one is a picture on disk of up to a megabyte or so.
const QUEUE_MAX: u64 = 10_000;

/// What visitors can do with their pictures, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BoothConfig {
    pub(crate) enabled: bool,
    /// After so long a picture is gone, agreed to or not.
    pub(crate) keep_hours: u64,
    /// At most so many wait, of all visitors.
    pub(crate) queue_max: usize,
    /// At most so many that are not finished, of one visitor.
    pub(crate) per_visitor_max: usize,
    /// The styles that are made on this laptop.
    pub(crate) builtin: bool,
    /// Folder of language files (`de.json`) that go before those of the program.
    pub(crate) languages: Option<PathBuf>,
}

impl Default for BoothConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            keep_hours: 24,
            queue_max: 50,
            per_visitor_max: 3,
            builtin: true,
            languages: None,
        }
    }
}

impl BoothConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let within = |key, value: u64, max: u64| {
            if (1..=max).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Value {
                key,
                value: value.to_string(),
                why: format!("between 1 and {max}, please"),
            })
        };
        within("booth.keep_hours", self.keep_hours, KEEP_HOURS_MAX)?;
        within("booth.queue_max", self.queue_max as u64, QUEUE_MAX)?;
        within(
            "booth.per_visitor_max",
            self.per_visitor_max as u64,
            QUEUE_MAX,
        )?;
        match &self.languages {
            Some(folder) if !folder.is_dir() => Err(ConfigError::Value {
                key: "booth.languages",
                value: folder.display().to_string(),
                why: "there is no such folder".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn keep(&self) -> Duration {
        Duration::from_hours(self.keep_hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booth_that_could_take_nothing_is_named() {
        let said = |text: &str| {
            let config: BoothConfig = toml::from_str(text).expect("valid TOML");
            config
                .check()
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(said(""), "");
        assert!(said("keep_hours = 0").starts_with("booth.keep_hours = 0"));
        assert!(said("keep_hours = 1000").starts_with("booth.keep_hours"));
        assert!(said("queue_max = 0").starts_with("booth.queue_max"));
        assert!(said("per_visitor_max = 0").starts_with("booth.per_visitor_max"));
        assert!(said("languages = '/nowhere'").starts_with("booth.languages"));
    }
}
