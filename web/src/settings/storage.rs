//! Where changed settings are kept: in the configuration file, with its comments, or in an overlay in the state
//! folder. The overlay comes after the command line and the environment, and before the file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, Table};

use super::camera_overrides;
use crate::private_file;

/// The overlay: a JSON merge patch of the configuration.
pub(crate) fn overlay_file(state_folder: &Path) -> PathBuf {
    state_folder.join("settings.json")
}

/// The overlay's patch; `None`: there is none.
pub(crate) fn read_overlay(path: &Path) -> io::Result<Option<Value>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(serde_json::from_slice(&content)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Debug, Default)]
pub(crate) struct Storage {
    /// The configuration file, whether it exists or not.
    pub(crate) file: Option<PathBuf>,
    pub(crate) overlay: Option<PathBuf>,
    /// Keys that the command line or the environment sets, and which of them does.
    pub(crate) options: BTreeMap<&'static str, &'static str>,
    last: Mutex<Option<PathBuf>>,
}

impl Storage {
    pub(crate) fn new(
        file: Option<PathBuf>,
        overlay: Option<PathBuf>,
        options: BTreeMap<&'static str, &'static str>,
    ) -> Self {
        Self {
            file,
            overlay,
            options,
            last: Mutex::default(),
        }
    }

    pub(crate) fn kept_in(&self) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|path| path.display().to_string())
    }

    /// Where a value comes from that was not changed since the start.
    pub(crate) fn origin(&self, key: &str) -> &'static str {
        if let Some(origin) = self.options.get(key) {
            return origin;
        }
        let overlay = self
            .overlay
            .as_deref()
            .and_then(|path| read_overlay(path).ok().flatten());
        if overlay.is_some_and(|patch| patch.pointer(&pointer(key)).is_some()) {
            return "saved";
        }
        let text = self
            .file
            .as_deref()
            .and_then(|path| std::fs::read_to_string(path).ok());
        let document = text.and_then(|text| text.parse::<DocumentMut>().ok());
        let is_in_file = document.is_some_and(|document| has(document.as_item(), key));
        if is_in_file { "file" } else { "default" }
    }

    /// Keeps these values. An error says why neither place can be written.
    pub(crate) fn keep(&self, values: &[(&'static str, Value)]) -> Result<(), String> {
        if values.is_empty() {
            return Ok(());
        }
        let in_file = match &self.file {
            Some(path) => write_file(path, values).map(|()| path.clone()),
            None => Err(io::Error::other("there is no configuration file")),
        };
        let kept = in_file.or_else(|file_error| {
            let Some(path) = &self.overlay else {
                return Err(file_error.to_string());
            };
            write_overlay(path, values)
                .map(|()| path.clone())
                .map_err(|error| format!("{file_error}; {}: {error}", path.display()))
        });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept?);
        Ok(())
    }
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('.', "/"))
}

fn has(item: &Item, key: &str) -> bool {
    key.split('.')
        .try_fold(item, |item, name| item.get(name))
        .is_some()
}

/// Replaces the values in the file, atomically, and keeps everything else in it. A value of `null` is removed.
fn write_file(path: &Path, values: &[(&'static str, Value)]) -> io::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let text = edited(&text, values).map_err(io::Error::other)?;
    let new = path.with_extension("toml.new");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&new, text)?;
    if let Ok(metadata) = std::fs::metadata(path) {
        std::fs::set_permissions(&new, metadata.permissions())?;
    }
    std::fs::File::open(&new)?.sync_all()?;
    std::fs::rename(&new, path)
}

fn edited(text: &str, values: &[(&'static str, Value)]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    for (key, value) in values {
        let (above, name) = match key.rsplit_once('.') {
            Some((above, name)) => (Some(above), name),
            None => (None, *key),
        };
        let mut section = document.as_item_mut();
        for name in above.into_iter().flat_map(|above| above.split('.')) {
            let Some(table) = section.as_table_like_mut() else {
                return Err(format!("{key}: its section is no table"));
            };
            section = table.entry(name).or_insert(Item::Table(Table::new()));
        }
        let Some(table) = section.as_table_like_mut() else {
            return Err(format!("{key}: its section is no table"));
        };
        if value.is_null() {
            table.remove(name);
            continue;
        }
        if *key == "cameras" {
            camera_overrides::write(table.get_mut(name), value, toml_value)?;
            continue;
        }
        let new = toml_value(value)?;
        match table.get_mut(name).and_then(Item::as_value_mut) {
            // With the comment behind it.
            Some(old) => {
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
            None => {
                table.insert(name, Item::Value(new));
            }
        }
    }
    Ok(document.to_string())
}

fn toml_value(value: &Value) -> Result<toml_edit::Value, String> {
    Ok(match value {
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            // Through text, so that 0.35 as f32 is not 0.3499999940395355.
            (None, Some(real)) => format!("{}", real as f32)
                .parse::<f64>()
                .unwrap_or(real)
                .into(),
            (None, None) => return Err(format!("{number} is no number of TOML")),
        },
        Value::Array(items) => {
            let items: Result<toml_edit::Array, String> = items.iter().map(toml_value).collect();
            toml_edit::Value::Array(items?)
        }
        Value::Object(fields) => {
            let mut table = toml_edit::InlineTable::new();
            for (name, value) in fields {
                table.insert(name, toml_value(value)?);
            }
            toml_edit::Value::InlineTable(table)
        }
        Value::Null => return Err("null has no place in a list".to_owned()),
    })
}

fn write_overlay(path: &Path, values: &[(&'static str, Value)]) -> io::Result<()> {
    let mut patch = read_overlay(path)?.unwrap_or_default();
    for (key, value) in values {
        let mut at = &mut patch;
        for name in key.split('.') {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = &mut at[name];
        }
        *at = value.clone();
    }
    private_file::write(path, &serde_json::to_vec_pretty(&patch)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_folder::TestFolder;

    const FILE: &str =
        "# My station.\nname = \"old\" # the name\n\n[booth] # a section\nkeep_hours = 12\n";

    #[test]
    fn the_file_keeps_its_comments_and_order() {
        let values = [
            ("name", json!("hall 3")),
            ("min_score", json!(0.35_f32)),
            ("booth.open", json!(false)),
            ("privacy.mode", json!("blur_faces")),
            (
                "privacy.masks",
                json!([{"name": "x", "points": [[0, 0.5]]}]),
            ),
        ];
        let text = edited(FILE, &values).expect("valid");
        assert!(
            text.starts_with("# My station.\nname = \"hall 3\" # the name\n"),
            "{text}"
        );
        assert!(text.contains("min_score = 0.35\n"), "{text}");
        assert!(
            text.contains("[booth] # a section\nkeep_hours = 12\nopen = false\n"),
            "{text}"
        );
        assert!(
            text.contains("[privacy]\nmode = \"blur_faces\"\n"),
            "{text}"
        );
        let again = edited(&text, &[("min_score", Value::Null)]).expect("valid");
        assert!(!again.contains("min_score"), "{again}");
        assert!(edited("name = ", &values).is_err());
    }

    #[test]
    fn a_list_of_tables_is_replaced_by_the_changed_one() {
        let file = "name = \"a\"\n\n[[zones]]\nname = \"old\"\npoints = [[0, 0], [1, 0], [1, 1]]\n\n\
            [[cameras]]\nname = \"front\"\nsource = \"webcam:0\"\n\n[booth]\nkeep_hours = 12\n";
        let zone =
            json!([{"name": "door", "kind": "ignore", "points": [[0.25, 0.5], [1, 0], [1, 1]]}]);
        let text = edited(file, &[("zones", zone)]).expect("valid");
        let config: crate::config::Config = toml::from_str(&text).expect(&text);
        assert_eq!((config.zones.len(), &*config.zones[0].name), (1, "door"));
        assert_eq!((config.cameras.len(), config.booth.keep_hours), (1, 12));
        let none = edited(&text, &[("zones", json!([]))]).expect("valid");
        let config: crate::config::Config = toml::from_str(&none).expect(&none);
        assert!(config.zones.is_empty(), "{none}");
    }

    #[test]
    fn where_the_file_cannot_be_written_an_overlay_is() {
        let folder = TestFolder::new();
        // A folder of the file's name: nobody can write that, not even root.
        let file = folder.join("carrier.toml");
        std::fs::create_dir(&file).expect("created");
        let overlay = overlay_file(&folder);
        let storage = Storage::new(Some(file), Some(overlay.clone()), BTreeMap::new());
        storage
            .keep(&[("privacy.mode", json!("blur_people"))])
            .expect("kept");
        storage.keep(&[("name", json!("x"))]).expect("kept");
        let patch = read_overlay(&overlay).expect("read").expect("there");
        assert_eq!(
            patch,
            json!({"privacy": {"mode": "blur_people"}, "name": "x"})
        );
        assert_eq!(storage.origin("privacy.mode"), "saved");
        assert_eq!(storage.origin("boxes"), "default");
        assert_eq!(storage.kept_in(), Some(overlay.display().to_string()));
        let nowhere = Storage::default();
        assert!(nowhere.keep(&[("name", json!("x"))]).is_err());
    }
}
