//! Settings that change while the station runs, without a restart and without viewers reconnecting.
//!
//! In: JSON merge patches, validated and applied as a whole ([`table`], pure). Out: the present configuration,
//! and the controls of the stages that follow it. Kept, if the owner says so, in the configuration file, or in an
//! overlay in the state folder where that file cannot be written ([`storage`]).

pub(crate) mod camera_controls;
mod camera_overrides;
pub(crate) mod cameras;
mod model_change;
pub(crate) mod offers;
pub(crate) mod storage;
pub(crate) mod table;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use capture::SelectedSource;
use detector::privacy::{PrivacyControl, PrivacySettings};
use detector::{DetectWhen, ModelControl, Pace, Tuning, TuningControl};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use signaling::Demand;
use stylise::SharingRules;

use self::camera_controls::CameraControls;
use self::model_change::{ModelEnd, ModelMemory};
use self::offers::shown_source;
use self::storage::{Storage, read_overlay};
use self::table::{
    Kind, RefusedError, SETTINGS, Setting, differing, have_same_sizes, patched, with_settings_of,
};
use crate::config::{Config, ConfigError};
use crate::startup::painter::OverlayControl;

/// The stages that follow the settings.
pub(crate) struct Followers {
    pub(crate) tuning: Arc<TuningControl>,
    pub(crate) privacy: Arc<PrivacyControl>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) overlay: Arc<OverlayControl>,
    pub(crate) model: Arc<ModelControl>,
    pub(crate) cameras: CameraControls,
    /// For pictures that are made of the gallery's.
    pub(crate) is_gallery_open: Arc<AtomicBool>,
    pub(crate) sharing: Arc<SharingRules>,
    pub(crate) effects: Effects,
}

/// What changes act on at once, beside the controls of [`Followers`].
pub(crate) struct Effects {
    /// Takes back pictures that show more than is allowed now.
    pub(crate) discard_pictures: Box<dyn Fn() + Send + Sync>,
    /// Selects another source.
    pub(crate) select_source: Box<dyn Fn(SelectedSource) + Send + Sync>,
}

impl Followers {
    /// Everything as configured, before the stages start.
    pub(crate) fn new(
        config: &Config,
        pace: Arc<Pace>,
        demand: Arc<Demand>,
        privacy: Arc<PrivacyControl>,
        cameras: CameraControls,
        effects: Effects,
    ) -> Self {
        let followers = Self {
            tuning: Arc::new(TuningControl::new(tuning(config))),
            privacy,
            pace,
            demand,
            overlay: Arc::default(),
            model: Arc::default(),
            cameras,
            is_gallery_open: Arc::new(AtomicBool::new(config.booth.gallery)),
            sharing: Arc::new(SharingRules::new(
                config.booth.approve_first,
                config.booth.pause_sharing,
            )),
            effects,
        };
        followers.set_overlay_and_rate(config);
        followers
    }

    fn follow(&self, before: &Config, now: &Config) {
        let (hidden, hid) = (privacy(now), privacy(before));
        if hidden != hid {
            // Checked with the configuration.
            if let Err(error) = self.privacy.set(hidden.clone()) {
                tracing::error!(%error, "the privacy settings were not applied");
            }
            if hidden.hides_more_than(&hid) {
                (self.effects.discard_pictures)();
            }
        }
        if tuning(before) != tuning(now) {
            self.tuning.set(tuning(now));
        }
        if before.source != now.source {
            // Checked with the configuration.
            match now.selected() {
                Ok(selected) => (self.effects.select_source)(selected),
                Err(error) => tracing::error!(%error, "the source was not replaced"),
            }
        }
        if before.model != now.model {
            let Ok(model) = now.model.parse();
            self.model.replace(model);
        }
        self.is_gallery_open
            .store(now.booth.gallery, Ordering::Relaxed);
        self.sharing
            .set(now.booth.approve_first, now.booth.pause_sharing);
        self.set_overlay_and_rate(now);
        self.cameras.follow(now);
        for rendition in now.renditions() {
            let bps = rendition.bitrate_bps;
            self.demand.set_nominal_bitrate(rendition.id, bps);
        }
    }

    /// Boxes, labels, and how often frames are detected.
    fn set_overlay_and_rate(&self, now: &Config) {
        self.overlay.set(now.boxes, now.labels, now.camera_names);
        let zones = Some(&now.zones).filter(|_| now.zone_outlines);
        self.overlay.set_zones(zones.cloned().unwrap_or_default());
        let most_fps = Some(now.detect_fps).filter(|fps| *fps > 0.0);
        self.pace.set_most_fps(most_fps);
        self.pace
            .set_motion_gate(now.detect_when == DetectWhen::Motion);
    }
}

/// A secret is not shown.
fn shown_value(setting: &Setting, config: &Config) -> Value {
    match setting.kind {
        Kind::Secret => Value::Null,
        // Its address may contain a password.
        Kind::Offered if setting.key == "source" => shown_source(&config.source).into(),
        _ => (setting.get)(config),
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
        class_scores: config.class_scores.clone(),
        classes: config.classes.clone(),
        min_size: config.min_size,
        zones: config.zones.clone(),
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
    read_again: ReadConfiguration,
}

/// Reads the configuration as at the start: options, variables and file.
pub(crate) type ReadConfiguration = Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

struct Inner {
    present: Arc<Config>,
    version: u64,
    /// Keys that were changed and not kept.
    live: BTreeSet<&'static str>,
    model: ModelMemory,
    /// Sources and models of the start and of each time the configuration was read again.
    configured: Configured,
}

/// What the configuration names, and may therefore be chosen again over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) sources: Vec<String>,
    pub(crate) models: Vec<String>,
}

impl Configured {
    pub(crate) fn add(&mut self, config: &Config) {
        for (known, new) in [
            (&mut self.sources, &config.source),
            (&mut self.models, &config.model),
        ] {
            if !known.contains(new) {
                known.push(new.clone());
            }
        }
    }
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
    /// Whether a secret is set; `None` for other settings.
    pub(crate) is_set: Option<bool>,
}

/// What reading the configuration again has done.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Reloaded {
    /// Keys that are in effect with their new values.
    pub(crate) changed: Vec<&'static str>,
    /// Keys that were changed live and not kept: they stay as they are.
    pub(crate) kept_live: Vec<&'static str>,
    /// Keys and sections whose new values are in effect after a restart.
    pub(crate) needs_restart: Vec<&'static str>,
}

impl Settings {
    pub(crate) fn new(
        config: Config,
        followers: Followers,
        storage: Storage,
        read_again: ReadConfiguration,
        mut configured: Configured,
    ) -> Self {
        configured.add(&config);
        let inner = Inner {
            present: Arc::new(config),
            version: 1,
            live: BTreeSet::new(),
            model: ModelMemory::default(),
            configured,
        };
        Self {
            inner: Mutex::new(inner),
            followers,
            storage,
            read_again,
        }
    }

    pub(crate) fn followers(&self) -> &Followers {
        &self.followers
    }

    pub(crate) fn present(&self) -> Arc<Config> {
        Arc::clone(&self.lock().present)
    }

    /// What the configuration names.
    pub(crate) fn configured(&self) -> Configured {
        self.lock().configured.clone()
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
            value: shown_value(setting, &inner.present),
            default: shown_value(setting, &default),
            is_set: (setting.kind == Kind::Secret)
                .then(|| !(setting.get)(&inner.present).is_null()),
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
        if !have_same_sizes(&inner.present, &now) {
            let detail = "only bitrates change while the station runs; sizes and frame rates stand in the file";
            return Err(ChangeError::Refused(RefusedError {
                key: "renditions".to_owned(),
                detail: detail.to_owned(),
            }));
        }
        let checked = self.followers.cameras.check(&inner.present, &now);
        checked.map_err(ChangeError::Refused)?;
        let changed: Vec<&'static str> = differing(&inner.present, &now)
            .iter()
            .map(|setting| setting.key)
            .collect();
        if !changed.is_empty() {
            self.followers.follow(&inner.present, &now);
            inner.present = Arc::new(now);
            inner.version += 1;
            let certain = changed.iter().filter(|key| **key != "model");
            inner.live.extend(certain);
            if changed.contains(&"model") {
                inner.model.note_live(&self.followers.model.last_change());
            }
        }
        if keep {
            let last = self.followers.model.last_change();
            let is_uncertain = inner.model.is_uncertain(&last);
            if is_uncertain {
                // A model that fails must not be kept.
                inner.model.keep_later();
            }
            self.keep(&mut inner, |key| !(is_uncertain && key == "model"))
                .map_err(ChangeError::NotKept)?;
        }
        Ok(changed)
    }

    /// Does what waited for the end of a change of the model. Returns what the audit is to be told. Blocks while a
    /// file is written.
    pub(crate) fn finish_model_change(&self) -> Vec<String> {
        let mut inner = self.lock();
        let last = self.followers.model.last_change();
        if inner.model.take_to_be_kept(&last)
            && let Err(why) = self.keep(&mut inner, |key| key == "model")
        {
            let why = format!("the model cannot be kept over a restart: {why}");
            tracing::error!("{why}");
            inner.model.tell(why);
        }
        inner.model.take_untold()
    }

    /// Keeps the changed settings with these keys. An error says why neither place can be written.
    fn keep(&self, inner: &mut Inner, is_kept: impl Fn(&str) -> bool) -> Result<(), String> {
        let values: Vec<(&'static str, Value)> = SETTINGS
            .iter()
            .filter(|setting| inner.live.contains(setting.key) && is_kept(setting.key))
            .map(|setting| (setting.key, (setting.get)(&inner.present)))
            .collect();
        self.storage.keep(&values)?;
        inner.live.retain(|key| !is_kept(key));
        Ok(())
    }

    /// Selects the next camera of `[[cameras]]`. Returns its name; `None`: there is no other.
    pub(crate) fn next_camera(&self) -> Option<String> {
        let name = self.present().next_camera()?.name.clone();
        match self.change(&json!({ "source": name }), None, false) {
            Ok(_) => Some(name),
            Err(error) => {
                tracing::warn!(?error, "the next camera was not selected");
                None
            }
        }
    }

    /// Reads the configuration again and takes it over. What was changed live and not kept stays; what needs a
    /// restart is named. Blocks while files are read. After an error nothing has changed.
    pub(crate) fn reload(&self) -> Result<Reloaded, ConfigError> {
        let file = &(self.read_again)()?;
        let mut inner = self.lock();
        let (stay, follow): (Vec<&Setting>, Vec<&Setting>) = SETTINGS.iter().partition(|setting| {
            let is_fixed = setting.key == "renditions" && !have_same_sizes(&inner.present, file);
            is_fixed || inner.live.contains(setting.key)
        });
        let now = with_settings_of(&inner.present, file, follow);
        now.check()?;
        let changed: Vec<&Setting> = differing(&inner.present, &now);
        let differing_stays = |setting: &&&Setting| (setting.get)(file) != (setting.get)(&now);
        let kept_live = stay.iter().filter(differing_stays);
        let kept_live = kept_live.filter(|setting| inner.live.contains(setting.key));
        let live_ones = SETTINGS
            .iter()
            .filter(|setting| inner.live.contains(setting.key));
        let needs_restart = with_settings_of(file, &now, live_ones).differing(&now);
        let reloaded = Reloaded {
            changed: changed.iter().map(|setting| setting.key).collect(),
            kept_live: kept_live.map(|setting| setting.key).collect(),
            needs_restart,
        };
        if !changed.is_empty() {
            self.followers.follow(&inner.present, &now);
            inner.present = Arc::new(now);
            inner.version += 1;
        }
        inner.configured.add(file);
        Ok(reloaded)
    }

    /// Locks the state, and brings it up to date with the model.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let model = &self.followers.model;
        match inner
            .model
            .settle(model.last_change(), model.in_use().to_string())
        {
            None => return inner,
            Some(ModelEnd::InUse { is_live: true }) => {
                inner.live.insert("model");
            }
            Some(ModelEnd::InUse { is_live: false }) => {}
            Some(ModelEnd::Back { in_use }) => {
                let mut present = (*inner.present).clone();
                present.model = in_use;
                inner.present = Arc::new(present);
            }
        }
        inner.version += 1;
        inner
    }
}
