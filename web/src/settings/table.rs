//! The settings that change while the station runs. Pure. A new one is a line in [`SETTINGS`] and a line in
//! [`super::Settings`] that puts it into effect.

use serde::Serialize;
use serde_json::Value;

use crate::config::Config;

/// How a setting is shown, and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Flag,
    Number { min: f64, max: f64, step: f64 },
    Choice { choices: &'static [&'static str] },
    List,
    Polygons,
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
const MODES: Kind = Kind::Choice {
    choices: &["open", "blur_faces", "blur_people", "silhouettes"],
};

pub(crate) const SETTINGS: &[Setting] = &[
    setting!("privacy.mode", MODES, privacy.mode),
    setting!("privacy.masks", Kind::Polygons, privacy.masks),
    setting!("classes", Kind::List, classes),
    setting!("min_score", SCORE, min_score),
    setting!("boxes", Kind::Flag, boxes),
    setting!("name", Kind::Text, name),
    setting!("booth.open", Kind::Flag, booth.open),
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
        (setting.set)(&mut changed, value.clone())
            .map_err(|error| refused(&key, error.to_string()))?;
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

/// The keys whose values differ.
pub(crate) fn differing(one: &Config, other: &Config) -> Vec<&'static Setting> {
    let differs = |setting: &&Setting| (setting.get)(one) != (setting.get)(other);
    SETTINGS.iter().filter(differs).collect()
}

#[cfg(test)]
mod tests {
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
            (json!({"source": "rtsp://x"}), "source"),
            (json!({"boxes": 1}), "boxes"),
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
