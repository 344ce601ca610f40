//! Which model, and where it lies.

mod error;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::embedded::embedded_model;
use crate::manifest::{Manifest, ManifestError, ModelEntry};
use crate::places::Places;
pub use error::StoreError;

/// What `auto` tries, first one first; after these the embedded model, which is always there.
const AUTO_ORDER: [&str; 2] = ["yolox_nano", "nanodet_plus_m_416"];

/// What the user asked for with `--model`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ModelChoice {
    /// The first installed of a known order.
    #[default]
    Auto,
    /// No detection.
    None,
    /// A model of the manifest.
    Named(String),
    /// A file.
    File(PathBuf),
}

impl FromStr for ModelChoice {
    type Err = std::convert::Infallible;

    /// `auto`, `none`, a path (it has a `/` or ends in `.onnx`), else a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
        }
    }
}

/// A model that can be opened: its contract and its file.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledModel {
    /// The contract.
    pub entry: Arc<ModelEntry>,
    /// What holds the network.
    pub file: ModelFile,
}

/// What holds a network.
#[derive(Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// A file.
    At(PathBuf),
    /// A part of this program.
    BuiltIn(&'static [u8]),
}

impl fmt::Display for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(_) => f.write_str("the built-in model"),
        }
    }
}

impl fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => f.debug_tuple("At").field(path).finish(),
            // Not a million bytes in a log.
            Self::BuiltIn(bytes) => write!(f, "BuiltIn({} bytes)", bytes.len()),
        }
    }
}

/// A model of the manifest and whether its file is here.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedModel {
    /// The contract.
    pub entry: Arc<ModelEntry>,
    /// Its file.
    pub state: Installed,
}

/// Whether a model's file is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// In none of the folders.
    No,
    /// Here.
    At(PathBuf),
    /// A part of this program.
    BuiltIn,
    /// Here, but of another size than the manifest says: cut off or changed.
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
    /// The built-in manifest over the usual folders, and the embedded model.
    pub fn new(places: &Places) -> Result<Self, ManifestError> {
        let store = Self::with(Manifest::built_in()?, places.model_folders());
        Ok(store.embedding(embedded_model()?))
    }

    /// Any manifest over any folders, first one first.
    #[must_use]
    pub fn with(manifest: Manifest, folders: Vec<PathBuf>) -> Self {
        Self {
            manifest,
            folders,
            embedded: None,
        }
    }

    /// With a model that needs no file.
    #[must_use]
    pub fn embedding(mut self, model: InstalledModel) -> Self {
        self.embedded = Some(model);
        self
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every model of the manifest and whether it is here. Cheap: looks at sizes, not at contents.
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

    /// The model that was asked for; `Ok(None)` when none was.
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
                let entry = self.manifest.by_name(name);
                let path = entry
                    .and_then(|entry| self.path_of(entry))
                    .ok_or_else(|| self.not_installed(name))?;
                self.identify(&path).map(Some)
            }
            ModelChoice::Auto => self.best().map(Some),
        }
    }

    /// The first of the known order whose file is sound, else the embedded one.
    fn best(&self) -> Result<InstalledModel, StoreError> {
        let entries = AUTO_ORDER
            .iter()
            .filter_map(|name| self.manifest.by_name(name));
        let mut problem = StoreError::NoneInstalled;
        for path in entries.filter_map(|entry| self.path_of(entry)) {
            match self.identify(&path) {
                Ok(model) => return Ok(model),
                // Nobody asked for this very model, so that a damaged file costs no more than itself.
                Err(error) => {
                    tracing::warn!("left out: {error}");
                    problem = error;
                }
            }
        }
        self.embedded.clone().ok_or(problem)
    }

    fn embedded_called(&self, name: &str) -> Option<&InstalledModel> {
        let embedded = self.embedded.as_ref();
        embedded.filter(|model| model.entry.name == name)
    }

    /// Finds out what a file is: by the manifest beside it, else by its hash.
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

    /// The error of a name that no model has; `None` when one has it.
    #[must_use]
    pub fn unknown(&self, name: &str) -> Option<StoreError> {
        let listed = self.list();
        let known: Vec<&str> = listed.iter().map(|model| &*model.entry.name).collect();
        (!known.contains(&name)).then(|| StoreError::UnknownName {
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

/// The name that is most like the one asked for, in words.
fn hint(name: &str, known: &[&str]) -> String {
    /// Names begin alike (`yolox_nano` for `yolo`), which this measure counts.
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

/// SHA-256 of a file, lower-case hex.
fn sha256_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
