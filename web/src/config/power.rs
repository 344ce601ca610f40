//! `[power]`: what the station may use, by battery and mains.

use serde::Deserialize;

use super::ConfigError;
use crate::power::{PowerRules, ProfileChoice};

/// What a closed lid means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LidAction {
    Ignore,
    CloseShutter,
}

section! {
    #[derive(Debug)]
    PowerConfig {
        profile: ProfileChoice = ProfileChoice::Auto,
        /// On battery, `auto` takes the saving profile below this level.
        saver_below_percent: u8 = 25,
        /// On battery, the owner is told below this level.
        low_percent: u8 = 10,
        /// On mains, `auto` takes the balanced profile while a sensor is so hot.
        hot_celsius: u8 = 95,
        lid: LidAction = LidAction::Ignore,
    }
}

impl PowerConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: u8, why| Err(ConfigError::value(key, value.to_string(), why));
        if self.saver_below_percent > 95 {
            let why = "between 0, which means never, and 95";
            return wrong("power.saver_below_percent", self.saver_below_percent, why);
        }
        if self.low_percent > 95 {
            let why = "between 0, which means never, and 95";
            return wrong("power.low_percent", self.low_percent, why);
        }
        if !(50..=125).contains(&self.hot_celsius) {
            let why = "between 50 and 125";
            return wrong("power.hot_celsius", self.hot_celsius, why);
        }
        Ok(())
    }

    pub(crate) fn rules(&self) -> PowerRules {
        let ratio = |percent| f64::from(percent) / 100.0;
        PowerRules {
            choice: self.profile,
            saver_below: ratio(self.saver_below_percent),
            hot_celsius: f64::from(self.hot_celsius),
            low_below: ratio(self.low_percent),
        }
    }

    pub(crate) fn lid_closes_shutter(&self) -> bool {
        self.lid == LidAction::CloseShutter
    }
}
