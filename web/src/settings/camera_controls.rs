//! What the owner sets of each camera: of those with names, and of the source without.

use std::sync::Arc;

use capture::{CameraSettings, ControlError, NamedCamera};

use super::table::RefusedError;
use crate::config::{CameraConfig, CameraEntry, Config, ConfigError};

/// The settings that the sources follow. Clones share them.
#[derive(Clone)]
pub(crate) struct CameraControls {
    /// Of the source without a name.
    source: Arc<CameraSettings>,
    /// In the order of `[[cameras]]`, which needs a restart to change.
    named: Vec<Arc<CameraSettings>>,
}

fn settings(camera: &CameraConfig) -> Arc<CameraSettings> {
    let settings = CameraSettings::new(camera.mounting(), camera.controls.clone());
    Arc::new(settings)
}

impl CameraControls {
    pub(crate) fn new(config: &Config) -> Self {
        let named = config.cameras.iter();
        Self {
            source: settings(&config.camera),
            named: named
                .map(|entry| settings(&entry.camera(&config.camera)))
                .collect(),
        }
    }

    /// Of the source without a name.
    pub(crate) fn source(&self) -> Arc<CameraSettings> {
        Arc::clone(&self.source)
    }

    /// For the capture.
    pub(crate) fn cameras(&self, config: &Config) -> Result<Vec<NamedCamera>, ConfigError> {
        let camera = |(entry, settings): (&CameraEntry, &Arc<CameraSettings>)| {
            Ok(NamedCamera {
                name: entry.name.clone(),
                source: entry.source_spec()?,
                wanted: entry.camera(&config.camera).wanted(),
                settings: Arc::clone(settings),
                is_standby: entry.standby,
            })
        };
        config.cameras.iter().zip(&self.named).map(camera).collect()
    }

    /// Of what is selected.
    pub(crate) fn selected(&self, config: &Config) -> &CameraSettings {
        let selected = config.selected_camera();
        let is_it = |entry: &CameraEntry| Some(entry.name.as_str()) == selected.map(|it| &*it.name);
        let index = config.cameras.iter().position(is_it);
        let named = index.and_then(|index| self.named.get(index));
        named.unwrap_or(&self.source)
    }

    /// Each with what is configured for it.
    fn each<'a>(
        &'a self,
        config: &'a Config,
    ) -> impl Iterator<Item = (&'a CameraSettings, CameraConfig)> {
        let named = config.cameras.iter().zip(&self.named);
        let named = named.map(|(entry, settings)| (&**settings, entry.camera(&config.camera)));
        named.chain([(&*self.source, config.camera.clone())])
    }

    /// Refuses controls that an open camera does not take. Asks the drivers of those that change.
    pub(super) fn check(&self, before: &Config, now: &Config) -> Result<(), RefusedError> {
        let key = match before.camera.controls == now.camera.controls {
            true => "cameras",
            false => "camera.controls",
        };
        let refused = |error: ControlError| RefusedError {
            key: key.to_owned(),
            detail: error.to_string(),
        };
        for ((_, before), (settings, now)) in self.each(before).zip(self.each(now)) {
            if before.controls != now.controls {
                settings.check_controls(&now.controls).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// Puts them into effect on open cameras, and on those that are opened later.
    pub(super) fn follow(&self, now: &Config) {
        for (settings, camera) in self.each(now) {
            settings.set_mounting(camera.mounting());
            settings.set_controls(camera.controls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_camera_follows_its_own_values() {
        let text = "[[cameras]]\nname = \"front\"\nsource = \"webcam:0\"\n\
            [[cameras]]\nname = \"back\"\nsource = \"webcam:2\"\nstandby = true\nheight = 480\n";
        let config: Config = toml::from_str(text).expect("valid");
        let controls = CameraControls::new(&config);
        let cameras = controls.cameras(&config).expect("valid");
        let (front, back) = (&cameras[0], &cameras[1]);
        assert_eq!((front.name.as_str(), front.is_standby), ("front", false));
        assert_eq!((back.wanted.height, back.is_standby), (480, true));
        let selected = |source: &str| {
            let config = Config {
                source: source.to_owned(),
                ..config.clone()
            };
            let found = std::ptr::from_ref(controls.selected(&config));
            let named = [&front.settings, &back.settings];
            named.iter().position(|one| Arc::as_ptr(one) == found)
        };
        assert_eq!(selected("auto"), Some(0));
        assert_eq!(selected("back"), Some(1));
        assert_eq!(selected("scene"), None);
    }
}
