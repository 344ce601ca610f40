//! The settings that change while the station runs. Pure. A new one is a line in [`SETTINGS`] and a line in
//! `super::Followers` that puts it into effect.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::camera_overrides;
use crate::config::{BITRATES_BPS, Config, DETECT_FPS_MAX};

/// How a setting is shown, and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Flag,
    Number {
        min: f64,
        max: f64,
        step: f64,
    },
    Choice {
        choices: &'static [&'static str],
    },
    List,
    Polygons,
    /// Polygons with more fields; see `zones` of the configuration.
    Zones,
    /// A number for each of some names.
    Scores {
        min: f64,
        max: f64,
        step: f64,
    },
    /// Values of camera controls; `/api/camera` has those of the open one.
    Controls,
    /// Mounting and controls of each camera of `[[cameras]]`, by name; `/api/camera` has those of the open one.
    Cameras,
    /// What viewers can get. Only bitrates change while the station runs.
    Renditions {
        min: u32,
        max: u32,
    },
    /// A text that is set and never shown.
    Secret,
    /// A choice of what this machine has: see [`super::offers`].
    #[serde(rename = "choice")]
    #[schemars(skip)] // in JSON it is a choice
    Offered,
}

/// One key of the configuration file.
pub(crate) struct Setting {
    /// With dots, as in the file.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) get: fn(&Config) -> Value,
    /// Sets what the JSON says; `null`: the default.
    set: fn(&mut Config, Value) -> Result<(), serde_json::Error>,
}

macro_rules! setting {
    ($key:literal, $kind:expr, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: $kind,
            get: |config| serde_json::to_value(&config.$($field).+).unwrap_or_default(),
            set: |config, value| {
                config.$($field).+ = match value {
                    Value::Null => Config::default().$($field).+,
                    value => serde_json::from_value(value)?,
                };
                Ok(())
            },
        }
    };
}

const SCORE: Kind = Kind::Number {
    min: 0.0,
    max: 1.0,
    step: 0.01,
};
const SCORES: Kind = Kind::Scores {
    min: 0.0,
    max: 1.0,
    step: 0.01,
};
const PART_OF_PICTURE: Kind = Kind::Number {
    min: 0.0,
    max: 1.0,
    step: 0.01,
};
const DETECT_FPS: Kind = Kind::Number {
    min: 0.0,
    max: DETECT_FPS_MAX as f64,
    step: 1.0,
};
const DETECT_WHEN: Kind = Kind::Choice {
    choices: &["always", "motion"],
};
const BITRATES: Kind = Kind::Renditions {
    min: *BITRATES_BPS.start(),
    max: *BITRATES_BPS.end(),
};
const LABELS: Kind = Kind::Choice {
    choices: &["none", "name", "name_score", "name_score_id"],
};
const WIFI_SECURITY: Kind = Kind::Choice {
    choices: &["WPA", "WEP", "nopass"],
};
const ROTATION: Kind = Kind::Number {
    min: 0.0,
    max: 270.0,
    step: 90.0,
};
const MINUTES: Kind = Kind::Number {
    min: 0.0,
    max: 1440.0,
    step: 1.0,
};
const PROFILES: Kind = Kind::Choice {
    choices: &["auto", "full", "balanced", "saver"],
};
const MODES: Kind = Kind::Choice {
    choices: &["open", "blur_faces", "blur_people", "silhouettes"],
};

pub(crate) const SETTINGS: &[Setting] = &[
    setting!("privacy.mode", MODES, privacy.mode),
    setting!("privacy.masks", Kind::Polygons, privacy.masks),
    setting!("classes", Kind::List, classes),
    setting!("min_score", SCORE, min_score),
    setting!("class_scores", SCORES, class_scores),
    setting!("min_size", PART_OF_PICTURE, min_size),
    setting!("zones", Kind::Zones, zones),
    setting!("zone_outlines", Kind::Flag, zone_outlines),
    setting!("counting.enabled", Kind::Flag, counting.enabled),
    setting!("detect_fps", DETECT_FPS, detect_fps),
    setting!("detect_when", DETECT_WHEN, detect_when),
    setting!("boxes", Kind::Flag, boxes),
    setting!("labels", LABELS, labels),
    setting!("camera_names", Kind::Flag, camera_names),
    setting!("renditions", BITRATES, renditions),
    setting!("name", Kind::Text, name),
    setting!("public_url", Kind::Text, public_url),
    setting!("booth.open", Kind::Flag, booth.open),
    setting!("booth.gallery", Kind::Flag, booth.gallery),
    setting!("booth.approve_first", Kind::Flag, booth.approve_first),
    setting!("booth.pause_sharing", Kind::Flag, booth.pause_sharing),
    setting!("wifi.ssid", Kind::Text, wifi.ssid),
    setting!("wifi.password", Kind::Secret, wifi.password),
    setting!("wifi.security", WIFI_SECURITY, wifi.security),
    setting!("wifi.hidden", Kind::Flag, wifi.hidden),
    setting!("network.prefer", Kind::Text, network.prefer),
    setting!("network.mdns", Kind::Flag, network.mdns),
    setting!("network.captive_portal", Kind::Flag, network.captive_portal),
    setting!("source", Kind::Offered, source),
    setting!("model", Kind::Offered, model),
    setting!("camera.mirror", Kind::Flag, camera.mirror),
    setting!("camera.rotation", ROTATION, camera.rotation),
    setting!("camera.controls", Kind::Controls, camera.controls),
    setting!("power.profile", PROFILES, power.profile),
    setting!("play.games", Kind::List, play.games),
    setting!(
        "play.visitors_may_start",
        Kind::Flag,
        play.visitors_may_start
    ),
    setting!(
        "play.attraction_after_minutes",
        MINUTES,
        play.attraction_after_minutes
    ),
    Setting {
        key: "cameras",
        kind: Kind::Cameras,
        get: camera_overrides::get,
        set: camera_overrides::set,
    },
];

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedError {
    /// The key, as the change names it.
    pub(crate) key: String,
    pub(crate) detail: String,
}

impl std::fmt::Display for RefusedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.detail)
    }
}

/// `config` with a JSON merge patch (RFC 7396) of nested keys applied, or nothing applied and the reason.
pub(crate) fn patched(config: &Config, patch: &Value) -> Result<Config, RefusedError> {
    let refused = |key: &str, detail: String| RefusedError {
        key: key.to_owned(),
        detail,
    };
    let mut changed = config.clone();
    for (key, value) in leaves(patch) {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
            let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
            let detail = format!(
                "it cannot be changed while the station runs; these can: {}",
                known.join(", ")
            );
            return Err(refused(&key, detail));
        };
        let mut value = value.clone();
        if let (Kind::Scores { .. } | Kind::Controls | Kind::Cameras, Value::Object(names)) =
            (setting.kind, &value)
        {
            value = merged((setting.get)(config), names);
        }
        if setting.kind == Kind::Cameras
            && let Some(name) = camera_overrides::unknown_name(config, &value)
        {
            return Err(refused(&key, format!("there is no camera \"{name}\"")));
        }
        (setting.set)(&mut changed, value).map_err(|error| refused(&key, error.to_string()))?;
    }
    match changed.check() {
        Ok(()) => Ok(changed),
        Err(error) => Err(refused(error.key().unwrap_or_default(), error.to_string())),
    }
}

/// The keys that a patch names, with dots, and their values.
fn leaves(patch: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(String::new(), patch, &mut found);
    found
}

fn collect<'a>(key: String, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    let is_setting = SETTINGS.iter().any(|setting| setting.key == key);
    match value {
        Value::Object(fields) if !is_setting && (key.is_empty() || !fields.is_empty()) => {
            for (name, value) in fields {
                let key = match key.as_str() {
                    "" => name.clone(),
                    above => format!("{above}.{name}"),
                };
                collect(key, value, found);
            }
        }
        value => found.push((key, value)),
    }
}

/// An object with what the patch names replaced, or removed if it is `null` there.
fn merged(object: Value, patch: &Map<String, Value>) -> Value {
    let mut fields = match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, value) in patch {
        match value {
            Value::Null => drop(fields.remove(name)),
            Value::Object(inner) => {
                let before = fields.remove(name).unwrap_or_default();
                fields.insert(name.clone(), merged(before, inner));
            }
            value => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(fields)
}

/// `config` with these settings of `from`.
pub(crate) fn with_settings_of<'a>(
    config: &Config,
    from: &Config,
    settings: impl IntoIterator<Item = &'a Setting>,
) -> Config {
    let mut changed = config.clone();
    for setting in settings {
        // A value that was read from a configuration is valid in another.
        let set = (setting.set)(&mut changed, (setting.get)(from));
        debug_assert!(set.is_ok(), "{}: {set:?}", setting.key);
    }
    changed
}

/// Whether both offer the same sizes and frame rates, for which the encoders were made.
pub(crate) fn have_same_sizes(one: &Config, other: &Config) -> bool {
    let sizes = |config: &Config| -> Vec<_> {
        let renditions = config.renditions.iter();
        renditions
            .map(|one| (one.width, one.height, one.fps))
            .collect()
    };
    sizes(one) == sizes(other)
}

/// The keys whose values differ.
pub(crate) fn differing(one: &Config, other: &Config) -> Vec<&'static Setting> {
    let differs = |setting: &&Setting| (setting.get)(one) != (setting.get)(other);
    SETTINGS.iter().filter(differs).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let config = Config::default();
        let patch = json!({"name": "hall 3", "privacy": {"mode": "blur_faces"}, "min_score": 0.5});
        let changed = patched(&config, &patch).expect("valid");
        let keys: Vec<&str> = differing(&config, &changed)
            .iter()
            .map(|setting| setting.key)
            .collect();
        assert_eq!(keys, ["privacy.mode", "min_score", "name"]);
        assert_eq!(
            (changed.name.as_str(), changed.min_score),
            ("hall 3", Some(0.5))
        );
        let restored = patched(&changed, &json!({"name": null, "min_score": null})).expect("valid");
        assert_eq!(
            (restored.name.as_str(), restored.min_score),
            ("carrier", None)
        );
        assert_eq!(restored.privacy.mode, changed.privacy.mode);
        assert!(patched(&config, &json!({})).is_ok_and(|same| same == config));
    }

    #[test]
    fn scores_of_classes_are_merged() {
        let with = |config: &Config, scores: Value| {
            patched(config, &json!({"class_scores": scores})).expect("valid")
        };
        let two = with(&Config::default(), json!({"person": 0.5, "cup": 0.25}));
        let one = with(&two, json!({"person": null, "cup": 0.75}));
        assert_eq!(one.class_scores, BTreeMap::from([("cup".to_owned(), 0.75)]));
        let none = patched(&one, &json!({"class_scores": null})).expect("valid");
        assert!(none.class_scores.is_empty());
    }

    #[test]
    fn settings_of_another_configuration_are_taken_over() {
        let file: Config = toml::from_str(
            "name = \"b\"\nmin_score = 0.5\n[wifi]\nssid = \"x\"\nsecurity = \"nopass\"\n[class_scores]\ncup = 0.1",
        )
        .expect("valid");
        let live = Config {
            name: "a".to_owned(),
            ..Config::default()
        };
        let but_name = SETTINGS.iter().filter(|setting| setting.key != "name");
        let both = with_settings_of(&live, &file, but_name);
        assert_eq!((both.name.as_str(), both.min_score), ("a", Some(0.5)));
        assert_eq!(
            (&both.wifi, &both.class_scores),
            (&file.wifi, &file.class_scores)
        );
        assert_eq!(
            with_settings_of(&both, &Config::default(), SETTINGS),
            Config::default()
        );
    }

    #[test]
    fn a_camera_control_is_changed_beside_the_others_or_removed() {
        let config = Config::default();
        let set = |config: &Config, controls: Value| {
            let changed = patched(config, &json!({"camera": {"controls": controls}}));
            changed.expect("valid")
        };
        let both = set(&config, json!({"exposure": 120, "power_line_hz": "50"}));
        let changed = set(&both, json!({"exposure": null, "focus_auto": true}));
        let value = serde_json::to_value(&changed.camera.controls).expect("JSON");
        assert_eq!(value, json!({"focus_auto": true, "power_line_hz": "50"}));
        let none = patched(&both, &json!({"camera": {"controls": null}})).expect("valid");
        assert!(none.camera.controls.is_empty());
    }

    #[test]
    fn a_wrong_value_or_key_is_named_and_nothing_is_changed() {
        let config = Config::default();
        let mask = json!([{"name": "x", "points": [[0.0, 0.0], [1.0, 2.0], [0.5, 0.5]]}]);
        for (patch, key) in [
            (json!({"min_score": 2}), "min_score"),
            (json!({"min_score": "high"}), "min_score"),
            (json!({"privacy": {"mode": "hidden"}}), "privacy.mode"),
            (json!({"privacy": {"masks": mask}}), "privacy.masks"),
            (json!({"privacy": {"masks": {}}}), "privacy.masks"),
            (json!({"publish": {"url": "http://x"}}), "publish.url"),
            (json!({"privacy": {}}), "privacy"),
            (json!({"source": "nothing known"}), "source"),
            (json!({"source": 1}), "source"),
            (json!({"model": ["yolox_nano"]}), "model"),
            (json!({"boxes": 1}), "boxes"),
            (json!({"camera": {"rotation": 45}}), "camera.rotation"),
            (json!({"camera": {"rotation": "up"}}), "camera.rotation"),
            (
                json!({"camera": {"controls": {"gian": 1}}}),
                "camera.controls",
            ),
            (
                json!({"camera": {"controls": {"gain": 1.5}}}),
                "camera.controls",
            ),
            (json!({"camera": {"width": 640}}), "camera.width"),
            (json!({"power": {"profile": "turbo"}}), "power.profile"),
            (json!({"power": {"lid": "ignore"}}), "power.lid"),
            (json!({"class_scores": {"person": 2}}), "class_scores"),
            (json!({"class_scores": ["person"]}), "class_scores"),
            (json!({"min_size": 1.1}), "min_size"),
            (json!({"zones": mask}), "zones"),
            (
                json!({"zones": [{"name": "x", "kind": "round", "points": []}]}),
                "zones",
            ),
            (
                json!({"counting": {"keep_hours": 5}}),
                "counting.keep_hours",
            ),
            (json!({"detect_fps": -1}), "detect_fps"),
            (json!({"detect_when": "never"}), "detect_when"),
            (json!({"labels": "everything"}), "labels"),
            (json!({"renditions": []}), "renditions"),
            (json!({"wifi": {"ssid": "booth"}}), "wifi.password"),
            (json!({"public_url": "booth.example"}), "public_url"),
            (json!([1]), ""),
            (json!("x"), ""),
        ] {
            let refused = patched(&config, &patch).expect_err("refused");
            assert_eq!(refused.key, key, "{patch}: {}", refused.detail);
        }
        let both = json!({"name": "fine", "min_score": 7});
        assert!(patched(&config, &both).is_err(), "as a whole or not at all");
    }
}
