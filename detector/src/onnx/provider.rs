//! Execution providers of ONNX Runtime, and how sessions are opened on them.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs, io};

use ort::ep::{self, ExecutionProviderDispatch};

use super::device::Device;

/// How sessions are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// Threads inside one operator. `None`: 1 on up to two cores, else 2, so that the encoder keeps
    /// its core; more help little with models this small.
    pub threads: Option<usize>,
    pub device: Device,
    /// The folder for compiled models, of which a restart makes use. `None`: each start compiles.
    pub engines: Option<PathBuf>,
}

impl SessionConfig {
    pub(crate) fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        self.threads_on(cores)
    }

    fn threads_on(&self, cores: usize) -> usize {
        self.threads
            .unwrap_or(if cores <= 2 { 1 } else { 2 })
            .max(1)
    }

    /// The folder for what `provider` compiles. Made if it is not there.
    fn engine_folder(&self, provider: Provider) -> Option<String> {
        let folder = self.engines.as_ref()?.join(provider.name());
        if let Err(error) = fs::create_dir_all(&folder) {
            let shown = folder.display();
            tracing::warn!(%error, folder = %shown, "compiled models are not kept");
            return None;
        }
        Some(folder.to_string_lossy().into_owned())
    }
}

/// Makes [`Provider`] and its functions of the table below.
macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $profile_name:literal, $build:expr;)*) => {
        /// An execution provider of ONNX Runtime.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Provider {
            $($(#[$doc])* $variant,)*
        }

        impl Provider {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Its name in options, paths and on the page.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Its name in the profiles that ONNX Runtime writes.
            pub(super) fn profile_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $profile_name,)*
                }
            }

            /// What is registered with a session, first choice first; empty for the CPU, which is always registered.
            pub(super) fn registrations(self, config: &SessionConfig) -> Vec<ExecutionProviderDispatch> {
                match self {
                    $(Self::$variant => {
                        let build: fn(&SessionConfig) -> Vec<ExecutionProviderDispatch> = $build;
                        build(config)
                    })*
                }
            }
        }
    };
}

providers! {
    /// NVIDIA GPUs, with engines compiled by TensorRT.
    Tensorrt, "tensorrt", "TensorrtExecutionProvider", |config| vec![tensorrt(config), ep::CUDA::default().build()];
    /// NVIDIA GPUs.
    Cuda, "cuda", "CUDAExecutionProvider", |_| vec![ep::CUDA::default().build()];
    /// Intel CPUs, integrated GPUs and NPUs.
    Openvino, "openvino", "OpenVINOExecutionProvider", |config| vec![openvino(config)];
    /// The library's own CPU kernels, in every build.
    Cpu, "cpu", "CPUExecutionProvider", |_| Vec::new();
}

impl Provider {
    /// The builds of the library that are fetched and packaged, each named by the provider that `auto` takes of it, in
    /// the order of preference.
    pub const FLAVOURS: [Self; 3] = [Self::Cuda, Self::Openvino, Self::Cpu];

    /// The build of the library that contains this provider.
    #[must_use]
    pub fn flavour(self) -> Self {
        match self {
            Self::Tensorrt => Self::Cuda,
            other => other,
        }
    }
}

/// The parts of a network that TensorRT does not take go to CUDA.
fn tensorrt(config: &SessionConfig) -> ExecutionProviderDispatch {
    let engine = ep::TensorRT::default();
    match config.engine_folder(Provider::Tensorrt) {
        None => engine.build(),
        Some(folder) => engine
            .with_engine_cache(true)
            .with_engine_cache_path(&folder)
            .with_timing_cache(true)
            .with_timing_cache_path(&folder)
            .build(),
    }
}

fn openvino(config: &SessionConfig) -> ExecutionProviderDispatch {
    let engine = ep::OpenVINO::default()
        .with_device_type(config.device.openvino_device())
        .with_num_threads(config.threads());
    match config.engine_folder(Provider::Openvino) {
        None => engine.build(),
        Some(folder) => engine.with_cache_dir(folder).build(),
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL
            .into_iter()
            .find(|provider| provider.name() == text);
        named.ok_or_else(|| {
            let mut names = Self::ALL.map(Self::name);
            names.reverse();
            format!("`{text}` is none of {}", names.join(", "))
        })
    }
}

/// A temporary folder for the profile that ONNX Runtime writes. Dropping it removes the folder.
#[derive(Debug)]
pub(super) struct ProfileFolder(PathBuf);

impl ProfileFolder {
    pub(super) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carrier-placement-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Fails when the folder exists: another user may have prepared it with links.
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// The beginning of the profile's path; ONNX Runtime appends a time and `.json`.
    pub(super) fn prefix(&self) -> PathBuf {
        self.0.join("profile")
    }

    /// The text of the profile, after it was written.
    pub(super) fn read(&self) -> io::Result<String> {
        let first = self.0.read_dir()?.next();
        let entry = first.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))??;
        fs::read_to_string(entry.path())
    }
}

impl Drop for ProfileFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machines_get_one_thread() {
        let automatic = SessionConfig::default();
        assert_eq!(
            [1, 2, 4, 12].map(|cores| automatic.threads_on(cores)),
            [1, 1, 2, 2]
        );
        let chosen = SessionConfig {
            threads: Some(6),
            ..SessionConfig::default()
        };
        assert_eq!(chosen.threads_on(2), 6);
    }

    #[test]
    fn every_provider_belongs_to_a_flavour_that_is_named_by_itself() {
        for provider in Provider::ALL {
            let flavour = provider.flavour();
            assert!(Provider::FLAVOURS.contains(&flavour), "{provider}");
            assert_eq!(flavour.flavour(), flavour);
        }
    }

    #[test]
    fn compiled_models_have_a_folder_for_each_provider() {
        let root = std::env::temp_dir().join(format!("carrier-engines-{}", std::process::id()));
        let config = SessionConfig {
            engines: Some(root.clone()),
            ..SessionConfig::default()
        };
        let folder = config.engine_folder(Provider::Openvino).expect("made");
        assert_eq!(PathBuf::from(&folder), root.join("openvino"));
        assert!(root.join("openvino").is_dir());
        fs::remove_dir_all(&root).expect("ours");
        fs::write(&root, "a file is in the way").expect("writable");
        assert_eq!(config.engine_folder(Provider::Openvino), None);
        fs::remove_file(&root).expect("ours");
        assert_eq!(SessionConfig::default().engine_folder(Provider::Cpu), None);
    }

    #[test]
    fn the_profile_folder_is_removed() {
        let folder = ProfileFolder::new().expect("temporary folder");
        assert!(folder.read().is_err(), "not written yet");
        let path = folder.prefix().with_extension("json");
        fs::write(&path, "[]").expect("writable");
        assert_eq!(folder.read().expect("written"), "[]");
        drop(folder);
        assert!(!path.exists());
    }
}
