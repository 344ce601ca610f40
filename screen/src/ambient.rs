//! The theme by the light around, where a sensor of the kernel (iio) measures it, else by the hour.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::state::Theme;

/// Where the kernel lists sensors.
const DEVICES: &str = "/sys/bus/iio/devices";
/// How often the sensor is read.
const READ_EVERY: Duration = Duration::from_secs(2);
/// Above, a room is as bright as a lit shop or the day; below, as a living room in the evening. Between them nothing
/// changes, so that a passing shadow does not.
const BRIGHT_LUX: f64 = 400.0;
const DARK_LUX: f64 = 150.0;

/// Chooses between the themes.
#[derive(Debug)]
pub struct AutoTheme {
    /// The folder of the sensor.
    sensor: Option<PathBuf>,
    read_at: Option<Instant>,
    theme: Option<Theme>,
}

impl Default for AutoTheme {
    fn default() -> Self {
        Self::with_sensor_below(Path::new(DEVICES))
    }
}

impl AutoTheme {
    /// Takes the first sensor of light in `devices`.
    #[must_use]
    pub fn with_sensor_below(devices: &Path) -> Self {
        let entries = fs::read_dir(devices).into_iter().flatten();
        let mut folders: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        folders.sort();
        Self {
            sensor: folders.into_iter().find(|folder| lux(folder).is_some()),
            read_at: None,
            theme: None,
        }
    }

    /// The theme now; `hour` of the local time is for machines without a sensor.
    pub fn theme(&mut self, now: Instant, hour: u8) -> Theme {
        let by_hour = Theme::at_hour(hour);
        let Some(sensor) = &self.sensor else {
            return by_hour;
        };
        if self.read_at.is_none_or(|at| now >= at + READ_EVERY) {
            self.read_at = Some(now);
            self.theme = match lux(sensor) {
                Some(lux) if lux >= BRIGHT_LUX => Some(Theme::Bright),
                Some(lux) if lux <= DARK_LUX => Some(Theme::Dark),
                Some(_) => self.theme,
                None => None,
            };
        }
        self.theme.unwrap_or(by_hour)
    }
}

/// What the sensor measures.
fn lux(folder: &Path) -> Option<f64> {
    let number = |name: &str| -> Option<f64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    if let Some(lux) = number("in_illuminance_input") {
        return Some(lux);
    }
    let raw = number("in_illuminance_raw")?;
    let offset = number("in_illuminance_offset").unwrap_or(0.0);
    Some((raw + offset) * number("in_illuminance_scale").unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_follows_the_light_and_ignores_a_shadow() {
        let root = std::env::temp_dir().join(format!("screen-light-{}", std::process::id()));
        let sensor = root.join("iio:device1");
        fs::create_dir_all(root.join("iio:device0")).expect("a folder");
        fs::create_dir_all(&sensor).expect("a folder");
        let shine = |raw: u32| fs::write(sensor.join("in_illuminance_raw"), format!("{raw}\n"));
        fs::write(sensor.join("in_illuminance_scale"), "0.5\n").expect("a file");
        shine(2000).expect("a file");
        let mut auto = AutoTheme::with_sensor_below(&root);
        let mut now = Instant::now();
        let (noon, night) = (12, 23);
        for (raw, expected) in [
            (2000, Theme::Bright),
            (500, Theme::Bright),
            (200, Theme::Dark),
            (500, Theme::Dark),
            (900, Theme::Bright),
        ] {
            shine(raw).expect("a file");
            assert_eq!(auto.theme(now, night), expected, "{raw}");
            now += READ_EVERY;
        }
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(auto.theme(now, noon), Theme::Bright, "the sensor is gone");
        assert_eq!(auto.theme(now, night), Theme::Dark);
    }

    #[test]
    fn without_a_sensor_the_hour_decides() {
        let mut auto = AutoTheme::with_sensor_below(Path::new("/nowhere"));
        let now = Instant::now();
        assert_eq!(auto.theme(now, 12), Theme::Bright);
        assert_eq!(auto.theme(now, 23), Theme::Dark);
    }
}
