//! The setting `cameras`: what changes live of the entries of `[[cameras]]`, by their names. Pure.

use std::collections::BTreeMap;

use capture::ControlValues;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml_edit::{Item, TableLike};

use crate::config::Config;

/// What an entry has of its own; the rest is as in `[camera]`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<u32>,
    #[serde(skip_serializing_if = "ControlValues::is_empty")]
    controls: ControlValues,
}

/// The fields of [`Overrides`].
const FIELDS: [&str; 3] = ["mirror", "rotation", "controls"];

type ByName = BTreeMap<String, Overrides>;

pub(super) fn get(config: &Config) -> Value {
    let entries = config.cameras.iter().map(|camera| {
        let overrides = Overrides {
            mirror: camera.mirror,
            rotation: camera.rotation,
            controls: camera.controls.clone(),
        };
        (camera.name.clone(), overrides)
    });
    serde_json::to_value(entries.collect::<ByName>()).unwrap_or_default()
}

/// Sets the entries that are there; those of other configurations may have other names.
pub(super) fn set(config: &mut Config, value: Value) -> Result<(), serde_json::Error> {
    let mut by_name: ByName = match value {
        Value::Null => ByName::new(),
        value => serde_json::from_value(value)?,
    };
    for camera in &mut config.cameras {
        let overrides = by_name.remove(&camera.name).unwrap_or_default();
        camera.mirror = overrides.mirror;
        camera.rotation = overrides.rotation;
        camera.controls = overrides.controls;
    }
    Ok(())
}

/// A name in `value` that no camera has.
pub(super) fn unknown_name<'a>(config: &Config, value: &'a Value) -> Option<&'a str> {
    let is_known = |name: &&String| config.cameras.iter().any(|camera| camera.name == **name);
    let mut names = value.as_object()?.keys();
    names.find(|name| !is_known(name)).map(String::as_str)
}

/// Writes a value of the setting into the entries of a file. `value_of` makes values of TOML.
pub(super) fn write(
    cameras: Option<&mut Item>,
    value: &Value,
    value_of: impl Fn(&Value) -> Result<toml_edit::Value, String>,
) -> Result<(), String> {
    let entries: Vec<&mut dyn TableLike> = match cameras {
        Some(Item::ArrayOfTables(tables)) => tables
            .iter_mut()
            .map(|table| table as &mut dyn TableLike)
            .collect(),
        Some(Item::Value(toml_edit::Value::Array(array))) => array
            .iter_mut()
            .filter_map(toml_edit::Value::as_inline_table_mut)
            .map(|table| table as &mut dyn TableLike)
            .collect(),
        _ => return Err("cameras: there is no [[cameras]] in the file".to_owned()),
    };
    for entry in entries {
        let Some(name) = entry.get("name").and_then(Item::as_str) else {
            continue;
        };
        let Some(overrides) = value.get(name) else {
            continue;
        };
        for field in FIELDS {
            match overrides.get(field) {
                Some(value) => drop(entry.insert(field, Item::Value(value_of(value)?))),
                None => drop(entry.remove(field)),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::table::patched;

    const FILE: &str = "[[cameras]] # at the desk\nname = \"front\"\nsource = \"webcam:0\"\nmirror = true # as in a mirror\n\
        \n[[cameras]]\nname = \"back\"\nsource = \"webcam:2\"\ncontrols = { gain = 3 }\n";

    fn config() -> Config {
        toml::from_str(FILE).expect("valid")
    }

    #[test]
    fn a_patch_changes_one_camera_and_null_takes_the_default() {
        let patch = json!({"cameras": {
            "back": {"rotation": 180, "controls": {"gain": null, "focus": 4}},
            "front": {"mirror": null},
        }});
        let changed = patched(&config(), &patch).expect("valid");
        let expected = json!({"front": {}, "back": {"rotation": 180, "controls": {"focus": 4}}});
        assert_eq!(get(&changed), expected);
        let (front, back) = (&changed.cameras[0], &changed.cameras[1]);
        assert_eq!((front.mirror, back.rotation), (None, Some(180)));
        assert_eq!(back.source, "webcam:2", "only a restart changes it");
        let none = patched(&changed, &json!({"cameras": null})).expect("valid");
        assert_eq!(get(&none), json!({"front": {}, "back": {}}));
    }

    #[test]
    fn wrong_names_fields_and_values_are_refused() {
        for patch in [
            json!({"side": {"mirror": true}}),
            json!({"front": {"source": "webcam:5"}}),
            json!({"front": {"rotation": 45}}),
            json!({"front": {"controls": {"gian": 1}}}),
            json!({"front": true}),
            json!([]),
        ] {
            let refused = patched(&config(), &json!({ "cameras": patch })).expect_err("refused");
            assert_eq!(refused.key, "cameras", "{patch}: {}", refused.detail);
        }
        let without = patched(&Config::default(), &json!({"cameras": {"front": {}}}));
        assert!(without.is_err());
    }

    #[test]
    fn the_file_keeps_its_entries() {
        let mut document: toml_edit::DocumentMut = FILE.parse().expect("valid");
        let value = json!({"front": {"rotation": 90}, "back": {"controls": {"gain": 5}}});
        let value_of = |value: &Value| match value {
            Value::Number(number) => Ok(number.as_i64().unwrap_or_default().into()),
            _ => Ok(toml_edit::Value::InlineTable(
                [("gain", 5)].into_iter().collect(),
            )),
        };
        write(document.get_mut("cameras"), &value, value_of).expect("there");
        let text = document.to_string();
        assert!(
            text.starts_with("[[cameras]] # at the desk\nname = \"front\"\n"),
            "{text}"
        );
        assert!(
            text.contains("rotation = 90\n") && !text.contains("mirror"),
            "{text}"
        );
        let read: Config = toml::from_str(&text).expect("valid");
        assert_eq!(get(&read), value);
        assert!(write(None, &value, value_of).is_err());
    }
}
