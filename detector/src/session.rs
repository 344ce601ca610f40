//! The one file that names `ort`.
//!
//! A session is opened for one model and one provider, checked against the model's contract, and
//! warmed up. `run` needs `&mut`: one thread owns the session.

use std::path::Path;

use ndarray::{Array2, ArrayView4, Ix1, Ix2, Ix3, arr2};
use ort::ep;
use ort::logging::LogLevel;
use ort::session::Session as OrtSession;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{DynValue, TensorElementType, TensorRef, ValueType};
use thiserror::Error;

use crate::heads::{Head, RawOutputs, fastestdet};
use crate::manifest::ModelEntry;
use crate::placement::nodes_on;
use crate::profile::ProfileFolder;
use crate::provider::Provider;
use crate::runtime::Runtime;
use crate::store::{InstalledModel, ModelFile};

/// How sessions are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// Threads inside one operator. `None`: 1 on up to two cores, else 2, so that the encoder is
    /// not starved; more buys little for models this small.
    pub threads: Option<usize>,
    /// `None`: the best that the installed library carries, the CPU when that fails.
    pub provider: Option<Provider>,
    /// Where OpenVINO computes: `CPU`, `GPU`, `NPU`, `AUTO`. `None`: `CPU`.
    pub openvino_device: Option<String>,
}

impl SessionConfig {
    fn threads(&self, cores: usize) -> usize {
        self.threads
            .unwrap_or(if cores <= 2 { 1 } else { 2 })
            .max(1)
    }
}

/// Why a session cannot be opened or run.
#[derive(Debug, Error)]
pub enum SessionError {
    /// ONNX Runtime does not take the file.
    #[error("{file} cannot be loaded as a model: {why}")]
    Unloadable {
        /// The file.
        file: ModelFile,
        /// What ONNX Runtime says.
        why: String,
    },
    /// The file is a model, but not the one that its manifest describes.
    #[error("{file} is not what its manifest says: {what}")]
    Contract {
        /// The file.
        file: ModelFile,
        /// What differs.
        what: String,
    },
    /// The provider that was asked for cannot work here.
    #[error("the provider `{provider}` cannot be used here: {why}")]
    Provider {
        /// Which.
        provider: Provider,
        /// What ONNX Runtime says.
        why: String,
    },
    /// A run failed.
    #[error("the model failed: {0}")]
    Run(String),
}

/// The process-wide state of ONNX Runtime.
#[derive(Debug, Clone)]
pub(crate) struct Environment(ort::environment::Environment);

impl Environment {
    /// Loads the library. Once in a process; later calls fail.
    pub(crate) fn load(library: &Path) -> Result<Self, String> {
        let builder = ort::init_from(library).map_err(|error| error.to_string())?;
        // Microsoft's builds would otherwise be free to report usage.
        let environment = builder.with_name("carrier").with_telemetry(false).build();
        let environment = environment.map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Error);
        Ok(Self(environment))
    }
}

/// Loads a shared library that a provider needs; false when it cannot be (yet).
pub(crate) fn preload(library: &Path) -> bool {
    ort::util::preload_dylib(library).is_ok()
}

/// An open model.
#[derive(Debug)]
pub(crate) struct Session {
    session: OrtSession,
    head: Head,
    input: String,
    /// What DEIMv2 wants to know: the size its boxes shall be in, (width, height).
    target_size: Array2<i64>,
    provider: Provider,
}

impl Session {
    /// Opens `model`, on the CPU when the provider was not asked for by name and cannot work.
    pub(crate) fn open(
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
    ) -> Result<Self, SessionError> {
        let wanted = config.provider.unwrap_or(runtime.provider());
        match Self::open_on(wanted, runtime, model, config) {
            Err(SessionError::Provider { provider, why }) if config.provider.is_none() => {
                tracing::warn!(%provider, why, "provider unusable here, taking the CPU");
                Self::open_on(Provider::Cpu, runtime, model, config)
            }
            other => other,
        }
    }

    fn open_on(
        provider: Provider,
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
    ) -> Result<Self, SessionError> {
        // Whatever a GPU or its driver does wrong must not stop the CPU from being tried.
        let failed = |error: SessionError| match provider {
            Provider::Cpu => error,
            _ => SessionError::Provider {
                provider,
                why: error.to_string(),
            },
        };
        let file = || model.file.clone();
        let contract = |what: String| SessionError::Contract { file: file(), what };
        // Made before the session: the runtime may write into it until the session is gone.
        let profile = (provider != Provider::Cpu)
            .then(ProfileFolder::new)
            .transpose();
        let profile = profile.map_err(|error| {
            let why = format!("no room for its profile: {error}");
            SessionError::Provider { provider, why }
        })?;
        let committed = builder(provider, runtime, &model.entry, config, profile.as_ref())
            .and_then(|mut builder| match &model.file {
                ModelFile::At(path) => builder.commit_from_file(path),
                ModelFile::BuiltIn(bytes) => builder.commit_from_memory(bytes),
            });
        let session = committed.map_err(|error| {
            failed(SessionError::Unloadable {
                file: file(),
                why: error.to_string(),
            })
        })?;
        let input = &model.entry.input;
        check_input(&session, &model.entry).map_err(contract)?;
        let mut opened = Self {
            session,
            head: model.entry.head,
            input: input.name.clone(),
            target_size: arr2(&[[i64::from(input.width), i64::from(input.height)]]),
            provider,
        };
        let warm = opened.warm_up(input.width as usize, input.height as usize);
        warm.map_err(|error| failed(contract(error.to_string())))?;
        if let Some(profile) = &profile {
            opened.verify_placement(profile)?;
        }
        Ok(opened)
    }

    /// What computes.
    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }

    /// Runs the network and hands its outputs to `decode`, which must not keep them.
    pub(crate) fn run<T>(
        &mut self,
        tensor: ArrayView4<'_, f32>,
        decode: impl FnOnce(RawOutputs<'_>) -> T,
    ) -> Result<T, SessionError> {
        let failed = |error: ort::Error| SessionError::Run(error.to_string());
        let tensor = TensorRef::from_array_view(tensor).map_err(failed)?;
        let outputs = match self.head {
            Head::Yolox | Head::NanodetPlus | Head::Fastestdet => {
                self.session.run(ort::inputs![&*self.input => tensor])
            }
            Head::Deimv2 => {
                let size = TensorRef::from_array_view(&self.target_size).map_err(failed)?;
                let inputs = ort::inputs![&*self.input => tensor, "orig_target_sizes" => size];
                self.session.run(inputs)
            }
        };
        let outputs = outputs.map_err(failed)?;
        let output = |name: &str| {
            let missing = || SessionError::Run(format!("it has no output `{name}`"));
            outputs.get(name).ok_or_else(missing)
        };
        match self.head {
            Head::Yolox | Head::NanodetPlus => Ok(decode(RawOutputs::Rows(first::<f32, Ix2>(
                "output",
                output("output")?,
            )?))),
            Head::Fastestdet => {
                let name = fastestdet::OUTPUT;
                let planes = first::<f32, Ix3>(name, output(name)?)?;
                Ok(decode(RawOutputs::Planes(planes)))
            }
            Head::Deimv2 => Ok(decode(RawOutputs::Boxes {
                labels: first::<i64, Ix1>("labels", output("labels")?)?,
                boxes: first::<f32, Ix2>("boxes", output("boxes")?)?,
                scores: first::<f32, Ix1>("scores", output("scores")?)?,
            })),
        }
    }

    /// The first runs allocate, and on a GPU compile: not on the first frame's time.
    fn warm_up(&mut self, width: usize, height: usize) -> Result<(), SessionError> {
        let blank = ndarray::Array4::<f32>::zeros((1, 3, height, width));
        for _ in 0..2 {
            self.run(blank.view(), |_| ())?;
        }
        Ok(())
    }

    /// Registering a provider may succeed and everything still run on the CPU. The profile of the
    /// warm-up runs tells where the nodes really ran.
    fn verify_placement(&mut self, profile: &ProfileFolder) -> Result<(), SessionError> {
        let provider = self.provider;
        let unknown = |why: String| SessionError::Provider { provider, why };
        self.session
            .end_profiling()
            .map_err(|error| unknown(error.to_string()))?;
        let profile = profile
            .read()
            .map_err(|error| unknown(format!("no profile: {error}")))?;
        let (there, on_cpu) = (
            nodes_on(provider, &profile),
            nodes_on(Provider::Cpu, &profile),
        );
        tracing::info!(%provider, there, on_cpu, "nodes of the model placed");
        if there == 0 {
            return Err(unknown("it took none of the model's nodes".to_owned()));
        }
        Ok(())
    }
}

fn builder(
    provider: Provider,
    runtime: &Runtime,
    entry: &ModelEntry,
    config: &SessionConfig,
    profile: Option<&ProfileFolder>,
) -> ort::Result<SessionBuilder> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let threads = config.threads(cores);
    // Spinning threads eat the encoder's core: two of them with a busy neighbour take twice as long
    // as one, without spinning the loss is gone.
    let mut builder = OrtSession::builder(&runtime.environment().0)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_log_level(LogLevel::Error)?;
    for (name, size) in &entry.dimensions {
        builder = builder.with_dimension_override(name, *size)?;
    }
    if let Some(profile) = profile {
        builder = builder.with_profiling(profile.prefix())?;
    }
    let provider = match provider {
        Provider::Cpu => return Ok(builder),
        Provider::Openvino => ep::OpenVINO::default()
            .with_device_type(config.openvino_device.as_deref().unwrap_or("CPU"))
            .with_num_threads(threads)
            .build(),
        Provider::Cuda => ep::CUDA::default().build(),
    };
    // Without this a provider that cannot be registered is left out silently.
    Ok(builder.with_execution_providers([provider.error_on_failure()])?)
}

/// The file's input must be what the manifest promises.
fn check_input(session: &OrtSession, entry: &ModelEntry) -> Result<(), String> {
    let contract = &entry.input;
    let input = session
        .inputs()
        .iter()
        .find(|input| input.name() == contract.name);
    let input = input.ok_or_else(|| {
        let names: Vec<&str> = session.inputs().iter().map(|input| input.name()).collect();
        format!(
            "it has no input `{}`; its inputs are {}",
            contract.name,
            names.join(", ")
        )
    })?;
    let wanted = [1, 3, i64::from(contract.height), i64::from(contract.width)];
    let fits = match input.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            shape,
            ..
        } => {
            // Negative: open until the first run.
            let same = |(is, wanted): (&i64, &i64)| is == wanted || *is < 0;
            shape.len() == wanted.len() && shape.iter().zip(&wanted).all(same)
        }
        _ => false,
    };
    let found = input.dtype();
    fits.then_some(()).ok_or_else(|| {
        format!(
            "its input `{}` is {found}, the manifest says f32 {wanted:?}",
            contract.name
        )
    })
}

/// The only element of a batch of one.
fn first<'a, T, D>(
    name: &str,
    output: &'a DynValue,
) -> Result<ndarray::ArrayView<'a, T, D>, SessionError>
where
    T: ort::value::PrimitiveTensorElementType,
    D: ndarray::Dimension,
{
    let failed = |why: String| SessionError::Run(format!("its output `{name}`: {why}"));
    let array = output
        .try_extract_array::<T>()
        .map_err(|error| failed(error.to_string()))?;
    let shape = array.shape().to_vec();
    if shape.first() != Some(&1) {
        return Err(failed(format!("shape {shape:?} is no batch of one")));
    }
    let one = array
        .index_axis_move(ndarray::Axis(0), 0)
        .into_dimensionality();
    one.map_err(|_| failed(format!("shape {shape:?} has the wrong number of axes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machines_get_one_thread() {
        let automatic = SessionConfig::default();
        assert_eq!(
            [1, 2, 4, 12].map(|cores| automatic.threads(cores)),
            [1, 1, 2, 2]
        );
        let chosen = SessionConfig {
            threads: Some(6),
            ..SessionConfig::default()
        };
        assert_eq!(chosen.threads(2), 6);
    }
}
