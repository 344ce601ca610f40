//! Finding the library of ONNX Runtime and loading it, once in a process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use capture::lock;
use ort::logging::LogLevel;
use thiserror::Error;

use super::provider::Provider;
use crate::models::places::Places;

/// The command that fetches the library.
const FIX: &str = "make runtime";

/// Why there is no ONNX Runtime.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// No library was found.
    #[error(
        "ONNX Runtime is not installed; looked for libonnxruntime.so in {looked}. `{fix}` \
         fetches it"
    )]
    Missing { looked: String, fix: String },
    /// `$ORT_DYLIB_PATH` names no file.
    #[error(
        "ORT_DYLIB_PATH names {path}, which is no file. Unset it: `{FIX}` fetches the library to \
         where it is found",
        path = path.display()
    )]
    WrongPath { path: PathBuf },
    /// `$CARRIER_RUNTIME` has an unknown value.
    #[error("CARRIER_RUNTIME: {0}")]
    UnknownFlavour(String),
    /// The library cannot be used: too old, for another architecture, damaged.
    #[error("{path} cannot be used: {why}. `{FIX}` fetches one that can", path = path.display())]
    Unusable { path: PathBuf, why: String },
}

impl RuntimeError {
    /// The command that fixes it.
    #[must_use]
    pub fn fix(&self) -> &str {
        match self {
            Self::Missing { fix, .. } => fix,
            Self::WrongPath { .. } | Self::UnknownFlavour(_) | Self::Unusable { .. } => FIX,
        }
    }
}

/// The process-wide state of ONNX Runtime.
#[derive(Debug, Clone)]
pub(crate) struct Environment(pub(super) ort::environment::Environment);

impl Environment {
    /// Loads the library. Works once in a process; later calls fail.
    fn load(library: &Path) -> Result<Self, String> {
        let builder = ort::init_from(library).map_err(|error| error.to_string())?;
        // Microsoft's builds may report usage unless this is off. Their client starts before it takes effect, hence the
        // program also sets ORT_DISABLE_TELEMETRY.
        let environment = builder.with_name("carrier").with_telemetry(false).build();
        let environment = environment.map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Error);
        Ok(Self(environment))
    }
}

/// Loads a shared library that a provider needs. `false` when it cannot be loaded, perhaps because
/// another one has to come first.
fn preload(library: &Path) -> bool {
    ort::util::preload_dylib(library).is_ok()
}

/// The loaded ONNX Runtime. Cheap to clone; stays loaded until the process ends.
#[derive(Debug, Clone)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
    provider: Provider,
}

/// The library can be loaded only once, so that later calls return the first result.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Finds and loads the library: `$ORT_DYLIB_PATH`, else the flavour that `$CARRIER_RUNTIME`
    /// names or the first one unpacked in the cache, else the one that carrier's package has installed.
    ///
    /// The path is passed explicitly, because without one `ort` panics or hangs when the library is
    /// missing.
    pub fn load(places: &Places) -> Result<Self, RuntimeError> {
        let (library, provider) = installed(places)?;
        let mut loaded = lock(&LOADED);
        if let Some(runtime) = &*loaded {
            return Ok(runtime.clone());
        }
        if provider == Provider::Cuda {
            preload_cuda(&library);
        }
        let environment = Environment::load(&library).map_err(|why| RuntimeError::Unusable {
            path: library.clone(),
            why,
        })?;
        tracing::info!(library = %library.display(), flavour = %provider, "ONNX Runtime loaded");
        Ok(loaded
            .insert(Self {
                environment,
                library,
                provider,
            })
            .clone())
    }

    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The provider that this flavour of the library is made for. Opening a session fails when the
    /// machine lacks the hardware.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The library that [`Runtime::load`] would load, and the provider that it is made for.
pub(crate) fn installed(places: &Places) -> Result<(PathBuf, Provider), RuntimeError> {
    let library = locate(places)?;
    let provider = flavour_of(&library);
    Ok((library, provider))
}

/// The folders to search, in order. Pure.
fn search_order(places: &Places) -> Result<Vec<PathBuf>, RuntimeError> {
    let flavours = match places.runtime_flavour.as_deref() {
        Some(text) => vec![flavour(text)?],
        None => Provider::FLAVOURS.to_vec(),
    };
    // The wheel is unpacked with its folders, because its libraries find each other by relative paths.
    let inside_wheel = |root: PathBuf, flavour: &Provider| {
        root.join(flavour.name()).join("onnxruntime").join("capi")
    };
    let root = places.runtime_folder();
    let cached = flavours
        .iter()
        .filter_map(|flavour| Some(inside_wheel(root.clone()?, flavour)));
    // Packages bring the flavour for the processor.
    let has_cpu = flavours.contains(&Provider::Cpu);
    let packaged = places.system_runtime.clone().filter(|_| has_cpu);
    Ok(cached.chain(packaged).collect())
}

fn flavour(text: &str) -> Result<Provider, RuntimeError> {
    let named = Provider::FLAVOURS
        .into_iter()
        .find(|flavour| flavour.name() == text);
    named.ok_or_else(|| {
        let mut names = Provider::FLAVOURS.map(Provider::name);
        names.reverse();
        RuntimeError::UnknownFlavour(format!("`{text}` is none of {}", names.join(", ")))
    })
}

/// The command that fetches a flavour; `None`: that for the processor.
pub(crate) fn fetch_command(flavour: Option<&str>) -> String {
    match flavour {
        Some(flavour) => format!("{FIX} RUNTIME={flavour}"),
        None => FIX.to_owned(),
    }
}

fn locate(places: &Places) -> Result<PathBuf, RuntimeError> {
    if let Some(path) = &places.runtime_library {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let wrong = || RuntimeError::WrongPath { path: path.clone() };
        return absolute.is_file().then_some(absolute).ok_or_else(wrong);
    }
    let folders = search_order(places)?;
    folders
        .iter()
        .find_map(|folder| library_in(folder))
        .ok_or_else(|| {
            let looked: Vec<String> = folders
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            RuntimeError::Missing {
                looked: looked.join(", "),
                fix: fetch_command(places.runtime_flavour.as_deref()),
            }
        })
}

/// The library in a folder. Wheels name it with its full version.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.filter_map(|entry| entry.ok());
    let is_library = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        path.is_file()
            && name
                .strip_prefix("libonnxruntime.so")
                .is_some_and(is_version)
    };
    entries.map(|entry| entry.path()).filter(is_library).max()
}

fn is_version(suffix: &str) -> bool {
    suffix.is_empty() || suffix.starts_with('.')
}

/// The flavour is recognised by the provider libraries that lie beside the library.
fn flavour_of(library: &Path) -> Provider {
    let beside = |provider: &Provider| {
        let name = format!("libonnxruntime_providers_{provider}.so");
        library
            .parent()
            .is_some_and(|folder| folder.join(name).is_file())
    };
    Provider::FLAVOURS
        .into_iter()
        .find(beside)
        .unwrap_or(Provider::Cpu)
}

/// Loads the CUDA libraries of the `nvidia-*` wheels that lie in the same tree, so that the
/// provider finds them without `LD_LIBRARY_PATH`. Missing ones make opening a session fail.
fn preload_cuda(library: &Path) {
    let Some(site) = library.ancestors().nth(3) else {
        return;
    };
    let folders = list(&site.join("nvidia"))
        .into_iter()
        .map(|package| package.join("lib"));
    let mut waiting: Vec<PathBuf> = folders.flat_map(|folder| list(&folder)).collect();
    // They depend on each other in an order that changes between versions, so loading is repeated
    // until nothing more can be loaded.
    loop {
        let before = waiting.len();
        waiting.retain(|path| !preload(path));
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    tracing::debug!(unloadable = waiting.len(), "CUDA libraries preloaded");
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok())
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached(flavour: Option<&str>) -> Places {
        Places {
            cache_home: Some("/c".into()),
            runtime_flavour: flavour.map(str::to_owned),
            ..Places::default()
        }
    }

    #[test]
    fn every_flavour_is_looked_for_unless_one_is_named() {
        let order = search_order(&cached(None)).expect("fine");
        let capi = |name| PathBuf::from(format!("/c/carrier/runtime/{name}/onnxruntime/capi"));
        assert_eq!(order, [capi("cuda"), capi("openvino"), capi("cpu")]);
        assert_eq!(
            search_order(&cached(Some("cpu"))).expect("fine"),
            [capi("cpu")]
        );
        let packaged = |flavour| Places {
            system_runtime: Some("/s".into()),
            ..cached(flavour)
        };
        let order = search_order(&packaged(None)).expect("fine");
        assert_eq!(
            order,
            [capi("cuda"), capi("openvino"), capi("cpu"), "/s".into()]
        );
        assert_eq!(
            search_order(&packaged(Some("cuda"))).expect("fine"),
            [capi("cuda")]
        );
        let error = search_order(&cached(Some("gpu")))
            .expect_err("unknown")
            .to_string();
        assert!(error.contains("cpu, openvino, cuda"), "{error}");
        let missing = locate(&cached(Some("openvino"))).expect_err("nothing there");
        assert_eq!(missing.fix(), "make runtime RUNTIME=openvino");
    }

    #[test]
    fn a_missing_library_names_the_command_that_fetches_it() {
        let missing = Runtime::load(&cached(None))
            .expect_err("nothing there")
            .to_string();
        assert!(
            missing.contains("make runtime") && missing.contains("/c/carrier"),
            "{missing}"
        );
        let wrong = Places {
            runtime_library: Some("/nowhere/lib.so".into()),
            ..cached(None)
        };
        let wrong = Runtime::load(&wrong)
            .expect_err("nothing there")
            .to_string();
        assert!(
            wrong.contains("/nowhere/lib.so") && wrong.contains("make runtime"),
            "{wrong}"
        );
    }

    #[test]
    fn only_the_library_itself_is_taken_from_a_wheel() {
        let folder = std::env::temp_dir().join(format!("carrier-capi-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("temporary folder");
        for name in [
            "libonnxruntime_providers_cuda.so",
            "libonnxruntime.so.1.31.1",
            "x.py",
        ] {
            std::fs::write(folder.join(name), "").expect("writable");
        }
        let library = library_in(&folder);
        assert_eq!(library, Some(folder.join("libonnxruntime.so.1.31.1")));
        assert_eq!(
            library.map(|library| flavour_of(&library)),
            Some(Provider::Cuda)
        );
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
