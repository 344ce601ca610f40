//! `[screen]`: the display of this machine.

use std::fmt;
use std::time::Duration;

use screen::{OutputChoice, Rotation, Theme};
use serde::Deserialize;

use super::ConfigError;

section! {
    ScreenConfig {
        /// auto, window, kms or off.
        output: String = "off".to_owned(),
        /// The monitor of the window; `None`: the first one.
        monitor: Option<String> = None,
        /// Degrees, clockwise; `None`: as the panel is mounted.
        rotation: Option<u32> = None,
        mirror: bool = false,
        /// bright, dark, or auto: by the light around or the time of day.
        theme: String = "auto".to_owned(),
        /// Whether the codes are shown.
        codes: bool = true,
        /// Whether pictures of visitors are shown that they agreed to show.
        pictures: bool = true,
        /// What keys at the screen may do: tighten, or all.
        keys: String = "tighten".to_owned(),
        /// Digits with which keys may do everything; `None`: no PIN does.
        pin: Option<String> = None,
        /// Percent, or auto: by the power profile.
        brightness: BrightnessSetting = BrightnessSetting::default(),
        /// Minutes without anybody there after which the screen is black; 0: never.
        blank_after: u32 = 0,
    }
}

/// A number, or the word auto.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum BrightnessSetting {
    Percent(u8),
    Word(String),
}

impl Default for BrightnessSetting {
    fn default() -> Self {
        Self::Word("auto".to_owned())
    }
}

/// Fewer are guessed in an afternoon in spite of the growing waits, and more do not fit on the screen.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
const BRIGHTNESS: std::ops::RangeInclusive<u8> = 5..=100;
const BLANK_AFTER_MAX_MIN: u32 = 24 * 60;

impl ScreenConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &str, why| Err(ConfigError::value(key, value, why));
        if OutputChoice::from_name(&self.output).is_none() {
            let why = "one of auto, window, kms, off";
            return wrong("screen.output", &self.output, why);
        }
        if let Some(degrees) = self.rotation
            && Rotation::from_degrees(degrees).is_none()
        {
            let why = "one of 0, 90, 180, 270";
            return wrong("screen.rotation", &degrees.to_string(), why);
        }
        if !["auto", "bright", "dark"].contains(&self.theme.as_str()) {
            return wrong("screen.theme", &self.theme, "one of auto, bright, dark");
        }
        if !["tighten", "all"].contains(&self.keys.as_str()) {
            return wrong("screen.keys", &self.keys, "one of tighten, all");
        }
        let is_pin = |pin: &String| {
            PIN_DIGITS.contains(&pin.len()) && pin.bytes().all(|sign| sign.is_ascii_digit())
        };
        if !self.pin.as_ref().is_none_or(is_pin) {
            return Err(ConfigError::hidden(
                "screen.pin",
                "4 to 12 digits, in quotes",
            ));
        }
        let why = "\"auto\", or between 5 and 100 percent";
        match &self.brightness {
            BrightnessSetting::Percent(percent) if !BRIGHTNESS.contains(percent) => {
                return wrong("screen.brightness", &percent.to_string(), why);
            }
            BrightnessSetting::Word(word) if word != "auto" => {
                return wrong("screen.brightness", word, why);
            }
            _ => {}
        }
        if self.blank_after > BLANK_AFTER_MAX_MIN {
            let value = self.blank_after.to_string();
            return wrong(
                "screen.blank_after",
                &value,
                "at most 1440 minutes, or 0 for never",
            );
        }
        Ok(())
    }

    pub(crate) fn output(&self) -> OutputChoice {
        OutputChoice::from_name(&self.output).unwrap_or_default()
    }

    /// `None`: as the panel is mounted.
    pub(crate) fn rotation(&self) -> Option<Rotation> {
        Rotation::from_degrees(self.rotation?)
    }

    /// `None`: auto.
    pub(crate) fn theme(&self) -> Option<Theme> {
        match self.theme.as_str() {
            "bright" => Some(Theme::Bright),
            "dark" => Some(Theme::Dark),
            _ => None,
        }
    }

    /// In percent; `None`: auto.
    pub(crate) fn brightness(&self) -> Option<u8> {
        match self.brightness {
            BrightnessSetting::Percent(percent) => Some(percent),
            BrightnessSetting::Word(_) => None,
        }
    }

    pub(crate) fn blank_after(&self) -> Option<Duration> {
        let minutes = u64::from(self.blank_after);
        (minutes > 0).then(|| Duration::from_secs(60 * minutes))
    }

    /// Whether keys may open the camera and take a less strict privacy mode.
    pub(crate) fn keys_may_open(&self) -> bool {
        self.keys == "all"
    }
}

/// Leaves out the secret.
impl fmt::Debug for ScreenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScreenConfig")
            .field("output", &self.output)
            .field("theme", &self.theme)
            .field("keys", &self.keys)
            .field("pin", &self.pin.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ScreenConfig, String> {
        let config: ScreenConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn a_pin_has_digits_and_is_never_repeated() {
        for wrong in ["'123'", "'12345a'", "'1234567890123'", "''"] {
            let said = parsed(&format!("pin = {wrong}")).expect_err("no PIN");
            assert!(said.contains("screen.pin = (hidden)"), "{said}");
            assert!(
                wrong.len() < 4 || !said.contains(wrong.trim_matches('\'')),
                "{said}"
            );
        }
        let config = parsed("pin = '0457'").expect("a PIN");
        assert!(!format!("{config:?}").contains("0457"));
    }

    #[test]
    fn a_brightness_is_a_percentage_or_auto() {
        let brightness = |text: &str| parsed(text).map(|config| config.brightness());
        assert_eq!(brightness(""), Ok(None));
        assert_eq!(brightness("brightness = 'auto'"), Ok(None));
        assert_eq!(brightness("brightness = 40"), Ok(Some(40)));
        for wrong in ["0", "101", "'bright'", "true"] {
            assert!(
                brightness(&format!("brightness = {wrong}")).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn zero_minutes_mean_that_the_screen_is_never_black() {
        let after = |text: &str| parsed(text).map(|config| config.blank_after());
        assert_eq!(after("blank_after = 0"), Ok(None));
        assert_eq!(after("blank_after = 5"), Ok(Some(Duration::from_secs(300))));
        assert!(after("blank_after = 2000").is_err());
    }

    #[test]
    fn wrong_values_are_named_with_the_right_ones() {
        let refused = |config: ScreenConfig| config.check().expect_err("wrong").to_string();
        let default = ScreenConfig::default;
        let output = refused(ScreenConfig {
            output: "hdmi".to_owned(),
            ..default()
        });
        assert!(output.contains("screen.output") && output.contains("kms"));
        let rotation = refused(ScreenConfig {
            rotation: Some(45),
            ..default()
        });
        assert!(rotation.contains("45") && rotation.contains("270"));
        let (theme, keys) = (Some("pink"), Some("none"));
        for (theme, keys) in [(theme, None), (None, keys)] {
            let config = ScreenConfig {
                theme: theme.unwrap_or("auto").to_owned(),
                keys: keys.unwrap_or("all").to_owned(),
                ..default()
            };
            assert!(config.check().is_err(), "{config:?}");
        }
        assert!(default().check().is_ok());
    }
}
