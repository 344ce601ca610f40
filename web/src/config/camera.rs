//! `[camera]`: what a webcam is asked for, and how pictures of the source become upright.

use capture::{ControlValues, Mounting, Wanted, check_control_keys};

use super::ConfigError;

section! {
    /// A webcam gives the nearest mode that it has.
    #[derive(Debug)]
    CameraConfig {
        width: u32 = 1280,
        height: u32 = 720,
        fps: u32 = 30,
        /// Left and right of each picture are swapped.
        mirror: bool = false,
        /// Clockwise: 0, 90, 180 or 270.
        rotation: u32 = 0,
        /// Controls of the webcam; the others stay as they are.
        controls: ControlValues = ControlValues::new(),
    }
}

impl CameraConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self {
            width, height, fps, ..
        } = *self;
        if width == 0 || height == 0 || !(1..=240).contains(&fps) {
            let value = format!("{width}x{height} at {fps}");
            let why = "width and height above 0, fps from 1 to 240";
            return Err(ConfigError::value("camera", value, why));
        }
        if Mounting::new(self.rotation, self.mirror).is_none() {
            let why = "one of 0, 90, 180, 270";
            return Err(ConfigError::value(
                "camera.rotation",
                self.rotation.to_string(),
                why,
            ));
        }
        check_control_keys(&self.controls).map_err(|error| {
            let keys: Vec<&str> = self.controls.keys().map(String::as_str).collect();
            ConfigError::value("camera.controls", keys.join(", "), error.to_string())
        })
    }

    /// What a webcam is asked for.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            width: self.width,
            height: self.height,
            fps: self.fps,
            format: None,
        }
    }

    /// What makes the pictures upright.
    pub(crate) fn mounting(&self) -> Mounting {
        // Checked with the configuration.
        Mounting::new(self.rotation, self.mirror).unwrap_or_default()
    }
}
