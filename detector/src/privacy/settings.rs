//! What the owner wants hidden, and its live change from other threads.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The fewest corners of a mask.
const FEWEST_POINTS: usize = 3;
const MOST_POINTS: usize = 64;
const LONGEST_NAME: usize = 60;
const MOST_MASKS: usize = 16;

/// What is hidden, from the least to the most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyMode {
    /// Only the masks.
    #[default]
    Open,
    /// Faces, and the upper part of persons whose face was not found.
    BlurFaces,
    /// Whole persons.
    BlurPeople,
    /// Everything: outlines of persons on a plain ground, without one pixel of the camera.
    Silhouettes,
}

impl PrivacyMode {
    pub const ALL: [Self; 4] = [
        Self::Open,
        Self::BlurFaces,
        Self::BlurPeople,
        Self::Silhouettes,
    ];

    /// Its name in configuration and API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::BlurFaces => "blur_faces",
            Self::BlurPeople => "blur_people",
            Self::Silhouettes => "silhouettes",
        }
    }

    /// Whether the mode depends on detections, so that the detector must not be slowed down.
    #[must_use]
    pub fn needs_detections(self) -> bool {
        self != Self::Open
    }
}

impl fmt::Display for PrivacyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PrivacyMode {
    type Err = PrivacyError;

    fn from_str(text: &str) -> Result<Self, PrivacyError> {
        let named = Self::ALL.into_iter().find(|mode| mode.name() == text);
        named.ok_or_else(|| PrivacyError::UnknownMode(text.to_owned()))
    }
}

/// Settings that cannot be used. The message names the field and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrivacyError {
    #[error("`{0}` is no privacy mode; there are open, blur_faces, blur_people and silhouettes")]
    UnknownMode(String),
    #[error("there are {0} masks, at most {MOST_MASKS} are allowed")]
    TooManyMasks(usize),
    #[error("the name of mask {number} has {length} characters, 1 to {LONGEST_NAME} are allowed")]
    MaskName {
        /// Counts from 1.
        number: usize,
        length: usize,
    },
    #[error("the mask `{name}` has {found} points, {FEWEST_POINTS} to {MOST_POINTS} are allowed")]
    PointCount { name: String, found: usize },
    #[error("point {number} of the mask `{name}` lies outside the picture: both must be in 0..=1")]
    PointOutside {
        name: String,
        /// Counts from 1.
        number: usize,
    },
}

/// A part of the picture that is always filled: a screen, a badge scanner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// For the owner, 1 to 60 characters.
    pub name: String,
    /// The corners of a polygon: x and y in 0..=1 of the picture, from the upper left.
    pub points: Vec<[f32; 2]>,
}

impl Mask {
    /// Checks the mask that is the `number`th of its list, counted from 1.
    fn check(&self, number: usize) -> Result<(), PrivacyError> {
        let length = self.name.chars().count();
        if !(1..=LONGEST_NAME).contains(&length) {
            return Err(PrivacyError::MaskName { number, length });
        }
        let (name, found) = (self.name.clone(), self.points.len());
        if !(FEWEST_POINTS..=MOST_POINTS).contains(&found) {
            return Err(PrivacyError::PointCount { name, found });
        }
        // NaN is in no range.
        let is_outside = |point: &[f32; 2]| !point.iter().all(|side| (0.0..=1.0).contains(side));
        match self.points.iter().position(is_outside) {
            Some(index) => Err(PrivacyError::PointOutside {
                name,
                number: index + 1,
            }),
            None => Ok(()),
        }
    }
}

/// All that the owner sets about privacy in the picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySettings {
    pub mode: PrivacyMode,
    pub masks: Vec<Mask>,
}

impl PrivacySettings {
    pub fn check(&self) -> Result<(), PrivacyError> {
        if self.masks.len() > MOST_MASKS {
            return Err(PrivacyError::TooManyMasks(self.masks.len()));
        }
        let mut numbered = (1..).zip(&self.masks);
        numbered.try_for_each(|(number, mask)| mask.check(number))
    }

    /// Whether these settings hide anything that `other` shows, so that what was sent to viewers under
    /// `other` must not be sent again.
    #[must_use]
    pub fn hides_more_than(&self, other: &Self) -> bool {
        let is_new = |mask: &Mask| !other.masks.iter().any(|old| old.points == mask.points);
        self.mode > other.mode || self.masks.iter().any(is_new)
    }
}

/// The settings in use and what came of them, shared by those who change them, the detect thread and the filter.
#[derive(Debug)]
pub struct PrivacyControl {
    /// Held only to copy or to replace the pointer.
    settings: Mutex<Arc<PrivacySettings>>,
    /// Counts the changes, so that a reader takes the lock only after one.
    generation: AtomicU64,
    pictures: AtomicU64,
    blurred_whole: AtomicU64,
}

/// How many pictures passed the filter in a mode that needs detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PrivacyStats {
    pub pictures: u64,
    /// Of these, the ones that were blurred as a whole because no detection was near in time or too
    /// much had moved. A large share means that the machine or the model is too slow for the mode.
    pub blurred_whole: u64,
}

impl PrivacyControl {
    pub fn new(settings: PrivacySettings) -> Result<Self, PrivacyError> {
        settings.check()?;
        Ok(Self {
            settings: Mutex::new(Arc::new(settings)),
            ..Self::default()
        })
    }

    /// Replaces the settings as a whole, or changes nothing. They hold from the next picture on.
    pub fn set(&self, settings: PrivacySettings) -> Result<(), PrivacyError> {
        settings.check()?;
        let settings = Arc::new(settings);
        *self.lock() = settings;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Changes the mode and keeps the masks.
    pub fn set_mode(&self, mode: PrivacyMode) {
        {
            let mut settings = self.lock();
            let masks = settings.masks.clone();
            *settings = Arc::new(PrivacySettings { mode, masks });
        }
        self.generation.fetch_add(1, Ordering::Release);
    }

    #[must_use]
    pub fn settings(&self) -> Arc<PrivacySettings> {
        Arc::clone(&self.lock())
    }

    #[must_use]
    pub fn mode(&self) -> PrivacyMode {
        self.lock().mode
    }

    #[must_use]
    pub fn stats(&self) -> PrivacyStats {
        PrivacyStats {
            pictures: self.pictures.load(Ordering::Relaxed),
            blurred_whole: self.blurred_whole.load(Ordering::Relaxed),
        }
    }

    /// Counts the changes; another number means that [`PrivacyControl::settings`] has to be read again.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn count(&self, is_whole: bool) {
        self.pictures.fetch_add(1, Ordering::Relaxed);
        self.blurred_whole
            .fetch_add(u64::from(is_whole), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<PrivacySettings>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for PrivacyControl {
    /// The mode `open` without masks.
    fn default() -> Self {
        Self {
            settings: Mutex::default(),
            generation: AtomicU64::new(1),
            pictures: AtomicU64::new(0),
            blurred_whole: AtomicU64::new(0),
        }
    }
}
