//! `[counting]`: how often objects were seen, for the event.

use std::time::Duration;

use super::ConfigError;

const KEEP_HOURS_MAX: u32 = 24 * 31;

section! {
    #[derive(Debug)]
    CountingConfig {
        /// Whether objects are counted.
        enabled: bool = true,
        /// After this time counts are erased.
        keep_hours: u32 = 72,
    }
}

impl CountingConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=KEEP_HOURS_MAX).contains(&self.keep_hours) {
            let why = format!("between 1 and {KEEP_HOURS_MAX}");
            let value = self.keep_hours.to_string();
            return Err(ConfigError::value("counting.keep_hours", value, why));
        }
        Ok(())
    }

    pub(crate) fn keep(&self) -> Duration {
        Duration::from_hours(self.keep_hours.into())
    }
}
