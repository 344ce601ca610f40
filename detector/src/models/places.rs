//! Where the files of models and of ONNX Runtime are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Folders and addresses that the environment sets. Everything that looks for files takes this as a
/// parameter, so that tests can pass other values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `$CARRIER_MODELS`: a folder of models.
    pub models: Option<PathBuf>,
    /// `$XDG_DATA_HOME`, else `~/.local/share`.
    pub data_home: Option<PathBuf>,
    /// `$XDG_CACHE_HOME`, else `~/.cache`.
    pub cache_home: Option<PathBuf>,
    /// The folder in which a package of the system puts ONNX Runtime.
    pub system_runtime: Option<PathBuf>,
    /// `$ORT_DYLIB_PATH`: the ONNX Runtime library itself.
    pub runtime_library: Option<PathBuf>,
    /// `$CARRIER_RUNTIME`: which flavour of the runtime to take.
    pub runtime_flavour: Option<String>,
    /// `$CARRIER_MODELS_URL`: a mirror to download models from.
    pub models_url: Option<String>,
}

impl Places {
    /// Takes the variables from `lookup`; the program reads its environment in one place of its own. Empty
    /// variables count as unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let text = |name: &str| path(name).map(|value| value.to_string_lossy().into_owned());
        let home = path("HOME");
        // By the XDG base directory specification, relative paths are to be ignored.
        let xdg = |name: &str, below_home: &str| {
            let set = path(name).filter(|value| value.is_absolute());
            set.or_else(|| home.as_ref().map(|home| home.join(below_home)))
        };
        Self {
            models: path("CARRIER_MODELS"),
            data_home: xdg("XDG_DATA_HOME", ".local/share"),
            cache_home: xdg("XDG_CACHE_HOME", ".cache"),
            system_runtime: Some("/usr/lib/carrier".into()),
            runtime_library: path("ORT_DYLIB_PATH"),
            runtime_flavour: text("CARRIER_RUNTIME"),
            models_url: text("CARRIER_MODELS_URL"),
        }
    }

    /// The folders to look for models in, in order.
    #[must_use]
    pub fn model_folders(&self) -> Vec<PathBuf> {
        let data = self.data_home.as_deref().map(models_below);
        let here = PathBuf::from("models");
        self.models
            .clone()
            .into_iter()
            .chain(data)
            .chain([here])
            .collect()
    }

    /// The folder to download models into.
    #[must_use]
    pub fn pull_folder(&self) -> PathBuf {
        self.model_folders().swap_remove(0)
    }

    /// The folder for models that a provider has compiled.
    #[must_use]
    pub fn engine_folder(&self) -> Option<PathBuf> {
        self.cache_home
            .as_ref()
            .map(|cache| cache.join("carrier").join("engines"))
    }

    /// The folder of the unpacked ONNX Runtime flavours.
    #[must_use]
    pub fn runtime_folder(&self) -> Option<PathBuf> {
        self.cache_home
            .as_ref()
            .map(|cache| cache.join("carrier").join("runtime"))
    }
}

fn models_below(data_home: &Path) -> PathBuf {
    data_home.join("carrier").join("models")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> Places {
        Places::from_lookup(|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn models_are_looked_for_in_the_promised_order() {
        let all = places(&[
            ("HOME", "/home/me"),
            ("CARRIER_MODELS", "/m"),
            ("XDG_DATA_HOME", "/d"),
        ]);
        let folders = ["/m", "/d/carrier/models", "models"].map(PathBuf::from);
        assert_eq!(all.model_folders(), folders);
        assert_eq!(all.pull_folder(), PathBuf::from("/m"));
        let plain = places(&[
            ("HOME", "/home/me"),
            ("CARRIER_MODELS", ""),
            ("XDG_DATA_HOME", "x"),
        ]);
        assert_eq!(
            plain.pull_folder(),
            PathBuf::from("/home/me/.local/share/carrier/models")
        );
        assert_eq!(
            plain.runtime_folder(),
            Some(PathBuf::from("/home/me/.cache/carrier/runtime"))
        );
        let engines = PathBuf::from("/home/me/.cache/carrier/engines");
        assert_eq!(plain.engine_folder(), Some(engines));
        assert_eq!(places(&[]).model_folders(), [PathBuf::from("models")]);
    }
}
