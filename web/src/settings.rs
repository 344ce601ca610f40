//! Settings that change while the station runs, without a restart and without viewers reconnecting.
//!
//! In: JSON merge patches, validated and applied as a whole ([`table`], pure). Out: the present configuration,
//! and the controls of the stages that follow it. Kept, if the owner says so, in the configuration file, or in an
//! overlay in the state folder where that file cannot be written ([`storage`]).

pub(crate) mod storage;
pub(crate) mod table;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use detector::privacy::{PrivacyControl, PrivacySettings};
use detector::{Tuning, TuningControl};
use serde_json::Value;

use self::storage::{Storage, read_overlay};
use self::table::{RefusedError, SETTINGS, Setting, differing, patched};
use crate::config::{Config, ConfigError};

/// The stages that follow the settings.
pub(crate) struct Followers {
    pub(crate) tuning: Arc<TuningControl>,
    pub(crate) privacy: Arc<PrivacyControl>,
    pub(crate) paints_boxes: Arc<AtomicBool>,
    /// Takes back pictures that show more than is allowed now.
    pub(crate) discard_pictures: Box<dyn Fn() + Send + Sync>,
}

impl Followers {
    /// Everything as configured, before the stages start.
    pub(crate) fn new(
        config: &Config,
        privacy: Arc<PrivacyControl>,
        discard_pictures: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            tuning: Arc::new(TuningControl::new(tuning(config))),
            privacy,
            paints_boxes: Arc::new(AtomicBool::new(config.boxes)),
            discard_pictures,
        }
    }

    fn follow(&self, before: &Config, now: &Config) {
        let (hidden, hid) = (privacy(now), privacy(before));
        if hidden != hid {
            // Checked with the configuration.
            if let Err(error) = self.privacy.set(hidden.clone()) {
                tracing::error!(%error, "the privacy settings were not applied");
            }
            if hidden.hides_more_than(&hid) {
                (self.discard_pictures)();
            }
        }
        if tuning(before) != tuning(now) {
            self.tuning.set(tuning(now));
        }
        self.paints_boxes.store(now.boxes, Ordering::Relaxed);
    }
}

pub(crate) fn privacy(config: &Config) -> PrivacySettings {
    PrivacySettings {
        mode: config.privacy.mode,
        masks: config.privacy.masks.clone(),
    }
}

fn tuning(config: &Config) -> Tuning {
    Tuning {
        min_score: config.min_score,
        classes: config.classes.clone(),
    }
}

/// The configuration with what the owner changed while the program ran and kept in the state folder.
pub(crate) fn with_overlay(config: Config, path: Option<&Path>) -> Result<Config, ConfigError> {
    let Some(path) = path else {
        return Ok(config);
    };
    let wrong = |why: String| ConfigError::Overlay {
        path: path.to_owned(),
        why,
    };
    match read_overlay(path).map_err(|error| wrong(error.to_string()))? {
        Some(patch) => patched(&config, &patch).map_err(|error| wrong(error.to_string())),
        None => Ok(config),
    }
}

/// The present configuration.
pub(crate) struct Settings {
    inner: Mutex<Inner>,
    followers: Followers,
    storage: Storage,
}

struct Inner {
    present: Arc<Config>,
    version: u64,
    /// Keys that were changed and not kept.
    live: BTreeSet<&'static str>,
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// Somebody else changed the settings since.
    Outdated,
    Refused(RefusedError),
    /// Neither the configuration file nor the state folder can be written. The change is in effect.
    NotKept(String),
}

/// One setting, for the answer.
pub(crate) struct Shown {
    pub(crate) setting: &'static Setting,
    pub(crate) value: Value,
    pub(crate) default: Value,
    pub(crate) origin: &'static str,
}

impl Settings {
    pub(crate) fn new(config: Config, followers: Followers, storage: Storage) -> Self {
        let inner = Inner {
            present: Arc::new(config),
            version: 1,
            live: BTreeSet::new(),
        };
        Self {
            inner: Mutex::new(inner),
            followers,
            storage,
        }
    }

    pub(crate) fn followers(&self) -> &Followers {
        &self.followers
    }

    pub(crate) fn present(&self) -> Arc<Config> {
        Arc::clone(&self.lock().present)
    }

    /// An entity tag: it changes with every change.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}\"", self.lock().version)
    }

    /// Where changes were kept last.
    pub(crate) fn kept_in(&self) -> Option<String> {
        self.storage.kept_in()
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        let inner = self.lock();
        let default = Config::default();
        let shown = |setting: &'static Setting| Shown {
            setting,
            value: (setting.get)(&inner.present),
            default: (setting.get)(&default),
            origin: match inner.live.contains(setting.key) {
                true => "live",
                false => self.storage.origin(setting.key),
            },
        };
        SETTINGS.iter().map(shown).collect()
    }

    /// Applies a merge patch as a whole; `tag`: only if the settings have not changed since. Returns the keys that
    /// changed. Blocks while a file is written.
    pub(crate) fn change(
        &self,
        patch: &Value,
        tag: Option<&str>,
        keep: bool,
    ) -> Result<Vec<&'static str>, ChangeError> {
        let mut inner = self.lock();
        if tag.is_some_and(|tag| tag != format!("\"{}\"", inner.version)) {
            return Err(ChangeError::Outdated);
        }
        let now = patched(&inner.present, patch).map_err(ChangeError::Refused)?;
        let changed: Vec<&'static str> = differing(&inner.present, &now)
            .iter()
            .map(|setting| setting.key)
            .collect();
        if !changed.is_empty() {
            self.followers.follow(&inner.present, &now);
            inner.present = Arc::new(now);
            inner.version += 1;
            inner.live.extend(&changed);
        }
        if keep {
            let values: Vec<(&'static str, Value)> = SETTINGS
                .iter()
                .filter(|setting| inner.live.contains(setting.key))
                .map(|setting| (setting.key, (setting.get)(&inner.present)))
                .collect();
            self.storage.keep(&values).map_err(ChangeError::NotKept)?;
            inner.live.clear();
        }
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
