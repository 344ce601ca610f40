//! `[privacy]`: what may be seen of the camera, and when.

use detector::privacy::{Mask, PrivacyMode, PrivacySettings};

use super::ConfigError;
use super::schedule::ScheduleEntry;

section! {
    /// Open at all times by default.
    #[derive(Debug)]
    PrivacyConfig {
        /// What is hidden in each picture.
        mode: PrivacyMode = PrivacyMode::Open,
        /// What finds faces for `blur_faces` where the model of the feed finds none.
        face_model: String = "auto".to_owned(),
        /// Parts of the picture that are always filled.
        masks: Vec<Mask> = Vec::new(),
        /// Each start begins with a closed shutter.
        start_closed: bool = false,
        /// SSIDs of Wi-Fi networks on which the shutter is closed.
        close_on_networks: Vec<String> = Vec::new(),
        /// If not empty, the shutter is closed on every network but these.
        open_on_networks: Vec<String> = Vec::new(),
        /// Times at which the shutter is closed, or open, in local time.
        schedule: Vec<ScheduleEntry> = Vec::new(),
        /// After this time without a viewer the shutter closes; 0: never.
        close_after_idle_min: u32 = 0,
    }
}

impl PrivacyConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for entry in &self.schedule {
            let wrong = |why: String| ConfigError::value("privacy.schedule", &entry.from, why);
            entry.check().map_err(wrong)?;
        }
        let in_picture = PrivacySettings {
            mode: self.mode,
            masks: self.masks.clone(),
        };
        in_picture
            .check()
            .map_err(|why| ConfigError::value("privacy.masks", "(these)", why.to_string()))?;
        let names = self.close_on_networks.iter().chain(&self.open_on_networks);
        for name in names {
            // IEEE 802.11: at most 32 bytes.
            if name.is_empty() || name.len() > 32 {
                let why = "the name of a Wi-Fi network has 1 to 32 bytes";
                return Err(ConfigError::value("privacy.close_on_networks", name, why));
            }
        }
        Ok(())
    }

    /// Whether a rule needs to know the Wi-Fi network.
    pub(crate) fn needs_network(&self) -> bool {
        !self.close_on_networks.is_empty() || !self.open_on_networks.is_empty()
    }
}
