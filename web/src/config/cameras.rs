//! `[[cameras]]`: cameras with names, of which one is shown.

use capture::{ControlValues, SourceSpec};

use super::ConfigError;
use super::camera::CameraConfig;

/// Each may be open all the time, and costs a thread.
const CAMERAS_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 40;
/// Words that `source` has for other things.
const RESERVED_NAMES: [&str; 3] = ["auto", "scene", "webcam"];

section! {
    /// What an entry leaves out is as in `[camera]`.
    #[derive(Debug)]
    CameraEntry {
        /// The value of `source` that selects it; painted on its pictures.
        name: String = String::new(),
        source: String = String::new(),
        /// Whether it stays open while another one is shown.
        standby: bool = false,
        width: Option<u32> = None,
        height: Option<u32> = None,
        fps: Option<u32> = None,
        mirror: Option<bool> = None,
        rotation: Option<u32> = None,
        /// Beside those of `[camera]`, and instead of those with the same name.
        controls: ControlValues = ControlValues::new(),
    }
}

impl CameraEntry {
    /// The whole of its settings.
    pub(crate) fn camera(&self, defaults: &CameraConfig) -> CameraConfig {
        let mut controls = defaults.controls.clone();
        controls.extend(self.controls.clone());
        CameraConfig {
            width: self.width.unwrap_or(defaults.width),
            height: self.height.unwrap_or(defaults.height),
            fps: self.fps.unwrap_or(defaults.fps),
            mirror: self.mirror.unwrap_or(defaults.mirror),
            rotation: self.rotation.unwrap_or(defaults.rotation),
            controls,
        }
    }

    pub(crate) fn source_spec(&self) -> Result<SourceSpec, ConfigError> {
        let wrong = |why: String| match self.source.contains("://") {
            // An address may contain a password.
            true => ConfigError::value("cameras", self.name.as_str(), why),
            false => self.wrong(&self.source, why),
        };
        match self.source.parse() {
            Ok(SourceSpec::Auto) => Err(wrong(
                "auto is no camera; `carrier devices` lists them".to_owned(),
            )),
            Ok(source) => Ok(source),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    fn wrong(&self, value: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::value("cameras", format!("{}: {value}", self.name), why)
    }

    fn check(&self, defaults: &CameraConfig) -> Result<(), ConfigError> {
        let fits = |one: char| one.is_alphanumeric() || [' ', '-', '_'].contains(&one);
        let is_name = !self.name.is_empty()
            && self.name.trim() == self.name
            && self.name.chars().count() <= NAME_CHARS_MAX
            && self.name.chars().all(fits);
        if !is_name {
            let why = format!(
                "each camera needs a name of at most {NAME_CHARS_MAX} letters, digits, spaces, - and _"
            );
            return Err(ConfigError::value("cameras", self.name.as_str(), why));
        }
        if RESERVED_NAMES.contains(&self.name.as_str()) {
            let why = "this word means another source; choose another name";
            return Err(ConfigError::value("cameras", self.name.as_str(), why));
        }
        self.source_spec()?;
        let checked = self.camera(defaults).check();
        checked.map_err(|error| self.wrong("", error.to_string()))
    }
}

pub(super) fn check(cameras: &[CameraEntry], defaults: &CameraConfig) -> Result<(), ConfigError> {
    if cameras.len() > CAMERAS_MAX {
        let value = format!("{} cameras", cameras.len());
        let why = format!("at most {CAMERAS_MAX}");
        return Err(ConfigError::value("cameras", value, why));
    }
    for (index, camera) in cameras.iter().enumerate() {
        camera.check(defaults)?;
        for other in &cameras[..index] {
            if other.name == camera.name {
                let why = "two cameras have this name";
                return Err(ConfigError::value("cameras", camera.name.as_str(), why));
            }
            if other.source_spec()? == camera.source_spec()? {
                let names = format!("{}, {}", other.name, camera.name);
                let why = "both have the same source; give each a source of its own";
                return Err(ConfigError::value("cameras", names, why));
            }
        }
    }
    Ok(())
}

/// The camera that a value of `source` names.
pub(crate) fn camera_of<'a>(cameras: &'a [CameraEntry], source: &str) -> Option<&'a CameraEntry> {
    match source.trim() {
        "auto" => cameras.first(),
        name => cameras.iter().find(|camera| camera.name == name),
    }
}

#[cfg(test)]
mod tests {
    use capture::SelectedSource;

    use super::*;
    use crate::config::Config;
    use crate::config::error::message;

    fn config(text: &str) -> Config {
        toml::from_str(text).expect("valid TOML")
    }

    const TWO: &str = "[camera]\nfps = 25\nmirror = true\ncontrols = { gain = 1, focus = 2 }\n\
        [[cameras]]\nname = \"front\"\nsource = \"webcam:0\"\n\
        [[cameras]]\nname = \"back\"\nsource = \"webcam:2\"\nstandby = true\nwidth = 640\nmirror = false\n\
        rotation = 180\ncontrols = { gain = 3 }\n";

    #[test]
    fn an_entry_takes_from_the_defaults_what_it_leaves_out() {
        let config = config(TWO);
        assert!(config.check().is_ok());
        let camera = |index: usize| config.cameras[index].camera(&config.camera);
        let (front, back) = (camera(0), camera(1));
        assert_eq!(front, config.camera);
        assert_eq!((back.width, back.height, back.fps), (640, 720, 25));
        assert_eq!((back.mirror, back.rotation), (false, 180));
        let controls = serde_json::to_value(&back.controls).expect("JSON");
        assert_eq!(controls, serde_json::json!({"focus": 2, "gain": 3}));
    }

    #[test]
    fn source_names_a_camera_or_another_source_and_auto_is_the_first_camera() {
        let selected = |source: &str| {
            let mut config = config(TWO);
            config.source = source.to_owned();
            config.selected().map_err(|error| error.to_string())
        };
        let camera = |name: &str| Ok(SelectedSource::Camera(name.to_owned()));
        assert_eq!(selected("auto"), camera("front"));
        assert_eq!(selected("back"), camera("back"));
        assert_eq!(
            selected("scene"),
            Ok(SelectedSource::Unnamed(SourceSpec::Scene))
        );
        assert!(
            selected("side")
                .expect_err("unknown")
                .contains("front, back")
        );
        assert_eq!(
            Config::default().selected().expect("valid"),
            SelectedSource::Unnamed(SourceSpec::Auto)
        );
    }

    #[test]
    fn the_next_camera_follows_in_turn() {
        let mut config = config(TWO);
        let next = |config: &Config| config.next_camera().map(|camera| camera.name.clone());
        for (source, expected) in [("auto", "back"), ("back", "front"), ("scene", "front")] {
            config.source = source.to_owned();
            assert_eq!(next(&config).as_deref(), Some(expected), "{source}");
        }
        config.cameras.pop();
        config.source = "front".to_owned();
        assert_eq!(next(&config), None, "there is no other");
        assert_eq!(next(&Config::default()), None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let entry = |name: &str, source: &str| {
            format!("[[cameras]]\nname = \"{name}\"\nsource = \"{source}\"\n")
        };
        let many: String = (0..9)
            .map(|n| entry(&format!("c{n}"), &format!("webcam:{n}")))
            .collect();
        for (text, why) in [
            (entry("", "scene"), "needs a name"),
            (entry("a/b", "scene"), "needs a name"),
            (entry(" a", "scene"), "needs a name"),
            (entry("scene", "webcam:0"), "another source"),
            (entry("front", "auto"), "no camera"),
            (entry("front", ""), "empty"),
            (entry("front", "nothing"), "unknown source"),
            (entry("a", "scene") + &entry("a", "webcam:0"), "this name"),
            (
                entry("a", "/dev/video0") + &entry("b", "webcam:/dev/video0"),
                "the same source",
            ),
            (entry("front", "scene") + "rotation = 45", "0, 90, 180, 270"),
            (entry("front", "scene") + "fps = 0", "fps from 1"),
            (entry("front", "scene") + "controls = { gian = 1 }", "gian"),
            (many, "at most 8"),
        ] {
            let told = message(config(&text).check());
            assert!(
                told.starts_with("cameras") && told.contains(why),
                "{text}: {told}"
            );
        }
        let secret = message(config(&entry("a", "rtsp://me:sec/ret@h/")).check());
        assert!(
            secret.contains("%2F") && !secret.contains("sec/"),
            "{secret}"
        );
    }
}
