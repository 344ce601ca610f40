//! `[screen]`: the display of this machine.

use screen::{Orientation, OutputChoice, Rotation, Theme};

use super::ConfigError;

section! {
    #[derive(Debug)]
    ScreenConfig {
        /// auto, window, kms or off.
        output: String = "off".to_owned(),
        /// The monitor of the window; `None`: the first one.
        monitor: Option<String> = None,
        /// Degrees, clockwise.
        rotation: u32 = 0,
        mirror: bool = false,
        /// bright, dark, or auto: by the time of day.
        theme: String = "auto".to_owned(),
        /// Whether the codes are shown.
        codes: bool = true,
        /// What keys at the screen may do: tighten, or all.
        keys: String = "tighten".to_owned(),
    }
}

impl ScreenConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &str, why| Err(ConfigError::value(key, value, why));
        if OutputChoice::from_name(&self.output).is_none() {
            let why = "one of auto, window, kms, off";
            return wrong("screen.output", &self.output, why);
        }
        if Rotation::from_degrees(self.rotation).is_none() {
            let why = "one of 0, 90, 180, 270";
            return wrong("screen.rotation", &self.rotation.to_string(), why);
        }
        if !["auto", "bright", "dark"].contains(&self.theme.as_str()) {
            return wrong("screen.theme", &self.theme, "one of auto, bright, dark");
        }
        if !["tighten", "all"].contains(&self.keys.as_str()) {
            return wrong("screen.keys", &self.keys, "one of tighten, all");
        }
        Ok(())
    }

    pub(crate) fn output(&self) -> OutputChoice {
        OutputChoice::from_name(&self.output).unwrap_or_default()
    }

    pub(crate) fn orientation(&self) -> Orientation {
        Orientation {
            rotation: Rotation::from_degrees(self.rotation).unwrap_or_default(),
            is_mirrored: self.mirror,
        }
    }

    /// The theme at an hour of the local time.
    pub(crate) fn theme_at(&self, hour: u8) -> Theme {
        match self.theme.as_str() {
            "bright" => Theme::Bright,
            "dark" => Theme::Dark,
            _ => Theme::at_hour(hour),
        }
    }

    /// Whether keys may open the camera and take a less strict privacy mode.
    pub(crate) fn keys_may_open(&self) -> bool {
        self.keys == "all"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            rotation: 45,
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

    #[test]
    fn the_theme_follows_the_hour_unless_one_is_named() {
        let mut config = ScreenConfig::default();
        assert_eq!(config.theme_at(12), Theme::Bright);
        assert_eq!(config.theme_at(23), Theme::Dark);
        config.theme = "bright".to_owned();
        assert_eq!(config.theme_at(23), Theme::Bright);
    }
}
