//! How sessions are opened, and what is registered with them for a provider.

use std::fs;
use std::path::PathBuf;

use ort::ep::{self, ExecutionProviderDispatch};

use super::device::Device;
use super::provider::Provider;

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

    /// What is registered with a session, first choice first; empty for the CPU, which is always registered.
    pub(super) fn registrations(&self, provider: Provider) -> Vec<ExecutionProviderDispatch> {
        match provider {
            Provider::Tensorrt => vec![tensorrt(self), ep::CUDA::default().build()],
            Provider::Cuda => vec![ep::CUDA::default().build()],
            Provider::Openvino => vec![openvino(self)],
            Provider::Cpu => Vec::new(),
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
}
