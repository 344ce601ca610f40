//! The power profiles: what each of them allows. Pure.

use capture::CaptureLimit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much power the station may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PowerProfile {
    Saver,
    Balanced,
    Full,
}

/// `[power] profile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProfileChoice {
    /// By mains, the battery's level and heat.
    #[default]
    Auto,
    Full,
    Balanced,
    Saver,
}

impl ProfileChoice {
    /// The profile that the owner demands; `None`: it is chosen automatically.
    pub(crate) fn fixed(self) -> Option<PowerProfile> {
        match self {
            Self::Auto => None,
            Self::Full => Some(PowerProfile::Full),
            Self::Balanced => Some(PowerProfile::Balanced),
            Self::Saver => Some(PowerProfile::Saver),
        }
    }
}

/// What a profile allows. `None`: as configured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ProfileSettings {
    /// What is asked of a camera, and taken from any source.
    pub(crate) capture: CaptureLimit,
    /// The highest rate of detections. That of a privacy mode goes before.
    pub(crate) detect_fps_max: Option<f32>,
    /// Whether frames without motion need no detection.
    pub(crate) gates_detection_by_motion: bool,
    /// Renditions that are higher are not offered, except for the smallest.
    pub(crate) rendition_height_max_px: Option<u32>,
    pub(crate) screen_brightness_percent: Option<u8>,
    pub(crate) screen_fps_max: Option<u32>,
}

impl PowerProfile {
    pub(crate) const ALL: [Self; 3] = [Self::Full, Self::Balanced, Self::Saver];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Saver => "saver",
            Self::Balanced => "balanced",
            Self::Full => "full",
        }
    }

    pub(crate) const fn settings(self) -> ProfileSettings {
        match self {
            Self::Full => ProfileSettings {
                capture: CaptureLimit::NONE,
                detect_fps_max: None,
                gates_detection_by_motion: false,
                rendition_height_max_px: None,
                screen_brightness_percent: None,
                screen_fps_max: None,
            },
            Self::Balanced => ProfileSettings {
                capture: CaptureLimit {
                    size_px: Some((1280, 720)),
                    fps: Some(30),
                },
                detect_fps_max: Some(15.0),
                gates_detection_by_motion: true,
                rendition_height_max_px: None,
                screen_brightness_percent: Some(70),
                screen_fps_max: Some(30),
            },
            Self::Saver => ProfileSettings {
                capture: CaptureLimit {
                    size_px: Some((640, 360)),
                    fps: Some(15),
                },
                detect_fps_max: Some(5.0),
                gates_detection_by_motion: true,
                rendition_height_max_px: Some(360),
                screen_brightness_percent: Some(40),
                screen_fps_max: Some(10),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_allows_no_more_than_the_one_above() {
        let most = |limit: Option<f32>| limit.unwrap_or(f32::MAX);
        for pair in PowerProfile::ALL.windows(2) {
            let (above, below) = (pair[0].settings(), pair[1].settings());
            assert!(pair[0] > pair[1]);
            let fps = |limit: CaptureLimit| limit.fps.unwrap_or(u32::MAX);
            let size = |limit: CaptureLimit| limit.size_px.unwrap_or((u32::MAX, u32::MAX));
            assert!(fps(below.capture) <= fps(above.capture));
            assert!(size(below.capture) <= size(above.capture));
            assert!(most(below.detect_fps_max) < most(above.detect_fps_max));
            let height = |settings: ProfileSettings| settings.rendition_height_max_px;
            assert!(height(below).unwrap_or(u32::MAX) <= height(above).unwrap_or(u32::MAX));
        }
    }

    #[test]
    fn the_full_profile_limits_nothing() {
        let full = PowerProfile::Full.settings();
        assert_eq!(full.capture, CaptureLimit::NONE);
        assert_eq!((full.detect_fps_max, full.screen_fps_max), (None, None));
    }
}
