//! The model store: which model `--model` means, and where its file is.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::{fmt, io};

use thiserror::Error;

use super::installed::{InstalledModel, ModelFile, embedded_model, sha256_of};
use super::manifest::{Manifest, ManifestError, ModelEntry};
use super::places::Places;

/// The model that is fetched first: small, fast, and much better than the embedded one.
pub const RECOMMENDED: &str = "yolox_nano";

/// What the user asked for with `--model`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelChoice {
    /// The most accurate installed model that is fast enough here, else the embedded one.
    #[default]
    Auto,
    None,
    /// A model of the manifest. The beginning of a name up to a `_` is enough: `yunet`.
    Named(String),
    File(PathBuf),
    /// Two models at once: the second detects beside the first, at a rate of its own.
    Both(Box<Self>, Box<Self>),
}

impl FromStr for ModelChoice {
    type Err = std::convert::Infallible;

    /// `auto`, `none`, a path (it has a `/` or ends in `.onnx`), else a name; or two of these with a `+` between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((first, second)) = two_of(text) {
            let (Ok(first), Ok(second)) = (first.parse(), second.parse());
            return Ok(Self::Both(Box::new(first), Box::new(second)));
        }
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            path if path.contains('/') || path.ends_with(".onnx") => Self::File(path.into()),
            name => Self::Named(name.to_owned()),
        })
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Named(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Both(first, second) => write!(f, "{first}+{second}"),
        }
    }
}

/// The texts of two models. A path may have a `+` in it, so that what is before it has to be a name, or to end in `.onnx`.
fn two_of(text: &str) -> Option<(&str, &str)> {
    let parts = text
        .match_indices('+')
        .map(|(at, _)| (&text[..at], &text[at + 1..]));
    let is_whole = |first: &str| !first.contains('/') || first.ends_with(".onnx");
    let mut fitting =
        parts.filter(|(first, second)| !first.is_empty() && !second.is_empty() && is_whole(first));
    fitting.next()
}

/// A model of the manifest and whether its file is here.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedModel {
    pub entry: Arc<ModelEntry>,
    pub state: Installed,
}

/// Whether a model's file is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// The file is in none of the folders.
    No,
    At(PathBuf),
    /// A part of this program.
    BuiltIn,
    /// The file has another size than the manifest tells.
    Damaged(PathBuf),
}

/// The manifest and the folders in which its files may lie.
#[derive(Debug, Clone)]
pub struct ModelStore {
    manifest: Manifest,
    folders: Vec<PathBuf>,
    embedded: Option<InstalledModel>,
}

impl ModelStore {
    /// A store of the built-in manifest, the usual folders, and the embedded model.
    pub fn new(places: &Places) -> Result<Self, ManifestError> {
        let store = Self::with(Manifest::built_in()?, places.model_folders());
        Ok(store.embedding(embedded_model()?))
    }

    /// A store of any manifest and folders, in order of preference.
    #[must_use]
    pub fn with(manifest: Manifest, folders: Vec<PathBuf>) -> Self {
        Self {
            manifest,
            folders,
            embedded: None,
        }
    }

    /// Adds a model that needs no file.
    #[must_use]
    pub fn embedding(mut self, model: InstalledModel) -> Self {
        self.embedded = Some(model);
        self
    }

    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every model of the manifest, and whether its file is installed. Cheap: checks sizes, not contents.
    #[must_use]
    pub fn list(&self) -> Vec<ListedModel> {
        let listed = |entry: &Arc<ModelEntry>| ListedModel {
            entry: Arc::clone(entry),
            state: self.state_of(entry),
        };
        let embedded = self.embedded.iter().map(|model| ListedModel {
            entry: Arc::clone(&model.entry),
            state: Installed::BuiltIn,
        });
        let known = self.manifest.models().iter().map(listed);
        known.chain(embedded).collect()
    }

    /// Finds the requested model. `Ok(None)` for [`ModelChoice::None`].
    pub fn find(&self, choice: &ModelChoice) -> Result<Option<InstalledModel>, StoreError> {
        match choice {
            ModelChoice::None => Ok(None),
            ModelChoice::File(path) => self.identify(path).map(Some),
            ModelChoice::Named(name) => {
                if let Some(model) = self.embedded_called(name) {
                    return Ok(Some(model.clone()));
                }
                if let Some(error) = self.unknown(name) {
                    return Err(error);
                }
                let entry = self.entry_called(name);
                let path = entry
                    .and_then(|entry| self.path_of(entry))
                    .ok_or_else(|| self.not_installed(name))?;
                self.identify(&path).map(Some)
            }
            ModelChoice::Both(..) => Err(StoreError::Two),
            ModelChoice::Auto => {
                let best = self.candidates().into_iter().next();
                best.map(Some).ok_or(StoreError::NoneInstalled)
            }
        }
    }

    /// The models that `auto` chooses among, the most accurate first and the embedded one last. Those whose files are
    /// damaged are left out with a warning, because they were not asked for by name.
    pub fn candidates(&self) -> Vec<InstalledModel> {
        let known = self.manifest.models().iter();
        let mut listed: Vec<(f32, &Arc<ModelEntry>)> = known
            .filter_map(|entry| Some((entry.published_ap?, entry)))
            .collect();
        listed.sort_by(|a, b| b.0.total_cmp(&a.0));
        let files = listed
            .into_iter()
            .filter_map(|(_, entry)| self.path_of(entry));
        let identified = files.filter_map(|path| match self.identify(&path) {
            Ok(model) => Some(model),
            Err(error) => {
                tracing::warn!("model skipped: {error}");
                None
            }
        });
        identified.chain(self.embedded.clone()).collect()
    }

    /// The entry of this name, else the first one whose name begins with it, preferably an installed one.
    fn entry_called(&self, name: &str) -> Option<&Arc<ModelEntry>> {
        let exact = self.manifest.by_name(name);
        exact.or_else(|| {
            let beginning = format!("{name}_");
            let models = self.manifest.models().iter();
            let begun = models.filter(|entry| entry.name.starts_with(&beginning));
            let begun: Vec<&Arc<ModelEntry>> = begun.collect();
            let installed = begun.iter().find(|entry| self.path_of(entry).is_some());
            installed.or(begun.first()).copied()
        })
    }

    fn embedded_called(&self, name: &str) -> Option<&InstalledModel> {
        let embedded = self.embedded.as_ref();
        embedded.filter(|model| model.entry.name == name)
    }

    /// Identifies a file by the manifest beside it, else by its SHA-256.
    fn identify(&self, path: &Path) -> Result<InstalledModel, StoreError> {
        let unreadable = |path: &Path, source| StoreError::Unreadable {
            path: path.into(),
            source,
        };
        let found = |entry| InstalledModel {
            entry,
            file: ModelFile::At(path.to_owned()),
        };
        let beside = path.with_extension("toml");
        if beside.is_file() {
            let text = std::fs::read_to_string(&beside).map_err(|e| unreadable(&beside, e))?;
            return match ModelEntry::parse(&text) {
                Ok(entry) => Ok(found(Arc::new(entry))),
                Err(source) => Err(StoreError::Manifest {
                    path: beside,
                    source,
                }),
            };
        }
        let sha256 = sha256_of(path).map_err(|source| unreadable(path, source))?;
        if let Some(entry) = self.manifest.by_sha256(&sha256) {
            return Ok(found(Arc::clone(entry)));
        }
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        Err(match self.manifest.by_name(stem) {
            Some(entry) => StoreError::Foreign {
                path: path.to_owned(),
                name: entry.name.clone(),
                found: sha256,
            },
            None => StoreError::UnknownFile {
                path: path.to_owned(),
                manifest: beside,
            },
        })
    }

    fn path_of(&self, entry: &ModelEntry) -> Option<PathBuf> {
        let file_name = entry.file_name();
        self.folders
            .iter()
            .map(|folder| folder.join(&file_name))
            .find(|path| path.is_file())
    }

    fn state_of(&self, entry: &ModelEntry) -> Installed {
        let Some(path) = self.path_of(entry) else {
            return Installed::No;
        };
        let size = path.metadata().map(|metadata| metadata.len()).ok();
        let whole = size == entry.bytes || path.with_extension("toml").is_file();
        if whole {
            Installed::At(path)
        } else {
            Installed::Damaged(path)
        }
    }

    /// An error when no model has this name.
    #[must_use]
    pub fn unknown(&self, name: &str) -> Option<StoreError> {
        let listed = self.list();
        let known: Vec<&str> = listed.iter().map(|model| &*model.entry.name).collect();
        let is_known = known.contains(&name) || self.entry_called(name).is_some();
        (!is_known).then(|| StoreError::UnknownName {
            name: name.to_owned(),
            hint: hint(name, &known),
            known: known.join(", "),
        })
    }

    fn not_installed(&self, name: &str) -> StoreError {
        let folders: Vec<String> = self
            .folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        StoreError::NotInstalled {
            name: name.to_owned(),
            folders: folders.join(", "),
        }
    }
}

/// "Did you mean" with the most similar name, or nothing.
fn hint(name: &str, known: &[&str]) -> String {
    /// Least Jaro-Winkler similarity, which favours a common beginning (`yolox_nano` for `yolo`).
    const ALIKE: f64 = 0.8;
    let name = name.to_lowercase();
    let likeness = |known: &&str| (strsim::jaro_winkler(&name, known), (*known).to_owned());
    let scored = known
        .iter()
        .map(likeness)
        .filter(|(alike, _)| *alike >= ALIKE);
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(String::new, |(_, best)| format!("Did you mean `{best}`? "))
}

/// Why no model can be opened.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("no model is installed")]
    NoneInstalled,
    #[error("one model is needed here, and two are named")]
    Two,
    #[error("there is no model called `{name}`. {hint}Known are {known}")]
    UnknownName {
        name: String,
        /// A sentence with a similar name; empty when there is none.
        hint: String,
        known: String,
    },
    /// The manifest has the model, but its file is in none of the folders.
    #[error("the model `{name}` is not installed; looked in {folders}")]
    NotInstalled { name: String, folders: String },
    /// The file has another SHA-256 than the manifest tells for its name.
    #[error(
        "{path} is not the `{name}` that the manifest names (its SHA-256 is {found}): it is damaged \
         or another file. Pull it again, or put a manifest beside it ({name}.toml) to use it as it is",
        path = path.display()
    )]
    Foreign {
        path: PathBuf,
        name: String,
        found: String,
    },
    /// A file that is not in the manifest.
    #[error(
        "{path} is a model that carrier does not know: put a manifest beside it ({manifest}) that says \
         how to feed it; `carrier models add {path}` writes one",
        path = path.display(),
        manifest = manifest.display()
    )]
    UnknownFile {
        path: PathBuf,
        /// Where a manifest for it could be put.
        manifest: PathBuf,
    },
    #[error("{path}: {source}", path = path.display())]
    Manifest {
        path: PathBuf,
        source: ManifestError,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

impl StoreError {
    /// The command that fixes it, if there is one.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::NoneInstalled => Some(format!("carrier models pull {RECOMMENDED}")),
            Self::NotInstalled { name, .. } | Self::Foreign { name, .. } => {
                Some(format!("carrier models pull {name}"))
            }
            Self::UnknownName { .. } => Some("carrier models list".to_owned()),
            Self::UnknownFile { .. }
            | Self::Manifest { .. }
            | Self::Unreadable { .. }
            | Self::Two => None,
        }
    }
}
