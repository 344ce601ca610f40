//! Sessions: one for one model on one provider, checked against the model's manifest, and warmed up.
//! Running needs `&mut`, so that one thread owns the session.

use std::collections::BTreeMap;

use ndarray::{Array2, arr2};
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::TensorRef;
use thiserror::Error;

use super::outputs::Outputs;
use super::placement::{Placement, placements};
use super::profile_folder::ProfileFolder;
use super::provider::Provider;
use super::runtime::{Runtime, fetch_command};
use super::session_config::SessionConfig;
use super::signature::tensor_of;
use crate::heads::RawOutputs;
use crate::models::installed::{InstalledModel, ModelFile};
use crate::models::manifest::{InputElement, ModelEntry};
use crate::models::signature::Element;
use crate::preprocess::{InputTensor, InputValues};

/// Why a session cannot be opened or run.
#[derive(Debug, Error)]
pub enum SessionError {
    /// ONNX Runtime rejects the file.
    #[error("{file} cannot be loaded as a model: {why}")]
    Unloadable { file: ModelFile, why: String },
    /// The file is a model, but not as its manifest describes it.
    #[error("{file} is not what its manifest says: {what}")]
    Contract { file: ModelFile, what: String },
    /// The requested provider does not work here.
    #[error("the provider `{provider}` cannot be used here: {why}")]
    Provider { provider: Provider, why: String },
    #[error("the model failed: {0}")]
    Run(String),
}

#[derive(Debug)]
pub(crate) struct Session {
    session: OrtSession,
    input: String,
    /// A second input, by name, and its value: the size of the first, (width, height). See
    /// [`crate::heads::DecodeHead::size_input`].
    size_input: Option<(&'static str, Array2<i64>)>,
    /// See [`ModelEntry::outputs`].
    output_names: BTreeMap<String, String>,
    provider: Provider,
    placements: Vec<Placement>,
    /// Why the provider that the runtime is made for is not in use.
    fallback: Option<String>,
}

impl Session {
    /// Opens `model`. When the configuration asks for no provider and the one that the runtime is made for does not
    /// work, the CPU is used, and [`Self::fallback`] tells why.
    pub(crate) fn open(
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
        size_input: Option<&'static str>,
    ) -> Result<Self, SessionError> {
        let asked = config.device.provider();
        let provider = asked.unwrap_or(runtime.provider());
        check_flavour(provider, runtime)?;
        match Self::open_on(provider, runtime, model, config, size_input) {
            Err(SessionError::Provider { provider, why }) if asked.is_none() => {
                tracing::warn!(%provider, why, "execution provider unusable, falling back to the CPU");
                let opened = Self::open_on(Provider::Cpu, runtime, model, config, size_input)?;
                Ok(Self {
                    fallback: Some(format!("`{provider}` cannot be used here: {why}")),
                    ..opened
                })
            }
            other => other,
        }
    }

    fn open_on(
        provider: Provider,
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
        size_input: Option<&'static str>,
    ) -> Result<Self, SessionError> {
        // Any error of a GPU or its driver counts as one of the provider, so that the CPU is tried.
        let failed = |error: SessionError| match provider {
            Provider::Cpu => error,
            _ => SessionError::Provider {
                provider,
                why: error.to_string(),
            },
        };
        let file = || model.file.clone();
        let contract = |what: String| SessionError::Contract { file: file(), what };
        // Declared before the session, which may write into it until it is dropped.
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
            input: input.name.clone(),
            size_input: size_input.map(|name| {
                let size = arr2(&[[i64::from(input.width), i64::from(input.height)]]);
                (name, size)
            }),
            output_names: model.entry.outputs.clone(),
            provider,
            placements: Placement::all_on_cpu(),
            fallback: None,
        };
        let warm = opened.warm_up(&InputTensor::blank(input));
        warm.map_err(|error| failed(contract(error.to_string())))?;
        if let Some(profile) = &profile {
            let found = opened.read_placements(profile);
            opened.placements = found.map_err(|why| SessionError::Provider { provider, why })?;
        }
        Ok(opened)
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }

    /// Where its nodes ran, the busiest provider first.
    pub(crate) fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// Why the provider that the runtime is made for is not in use, when the choice was left open.
    pub(crate) fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Runs the network and passes its outputs to `decode`.
    pub(crate) fn run<T>(
        &mut self,
        tensor: &InputTensor,
        decode: impl FnOnce(&dyn RawOutputs) -> T,
    ) -> Result<T, SessionError> {
        let failed = |error: ort::Error| SessionError::Run(error.to_string());
        let tensor = input_value(tensor).map_err(failed)?;
        let outputs = match &self.size_input {
            None => self.session.run(ort::inputs![&*self.input => tensor]),
            Some((name, size)) => {
                let size = TensorRef::from_array_view(size).map_err(failed)?;
                self.session
                    .run(ort::inputs![&*self.input => tensor, *name => size])
            }
        };
        let outputs = outputs.map_err(failed)?;
        Ok(decode(&Outputs::new(outputs, &self.output_names)))
    }

    /// Runs twice on zeros, because the first runs allocate, and compile on a GPU.
    fn warm_up(&mut self, blank: &InputTensor) -> Result<(), SessionError> {
        for _ in 0..2 {
            self.run(blank, |_| ())?;
        }
        Ok(())
    }

    /// Where the nodes ran in the warm-up runs. An error if none ran on the provider: one can be registered without error
    /// while all nodes run on the CPU.
    fn read_placements(&mut self, profile: &ProfileFolder) -> Result<Vec<Placement>, String> {
        let ended = self.session.end_profiling();
        ended.map_err(|error| error.to_string())?;
        let text = profile
            .read()
            .map_err(|error| format!("no profile: {error}"))?;
        let found = placements(&text).map_err(|error| error.to_string())?;
        for Placement {
            provider,
            nodes,
            time_percent,
        } in &found
        {
            tracing::info!(%provider, nodes, time_percent, "nodes of the model ran there");
        }
        match found.iter().any(|one| one.provider == self.provider) {
            true => Ok(found),
            false => Err("it took none of the model's nodes".to_owned()),
        }
    }
}

/// Refuses a provider that the loaded library does not contain, with the command that fetches one.
fn check_flavour(provider: Provider, runtime: &Runtime) -> Result<(), SessionError> {
    let flavour = provider.flavour();
    if provider == Provider::Cpu || flavour == runtime.provider() {
        return Ok(());
    }
    let (library, fetch) = (
        runtime.library().display(),
        fetch_command(Some(flavour.name())),
    );
    let why = format!("{library} does not contain it; `{fetch}` fetches a library that does");
    Err(SessionError::Provider { provider, why })
}

pub(super) fn input_value(tensor: &InputTensor) -> ort::Result<SessionInputValue<'_>> {
    Ok(match &tensor.values {
        InputValues::F32(array) => TensorRef::from_array_view(array.view())?.into(),
        InputValues::F16(array) => TensorRef::from_array_view(array.view())?.into(),
        InputValues::U8(array) => TensorRef::from_array_view(array.view())?.into(),
    })
}

fn builder(
    provider: Provider,
    runtime: &Runtime,
    entry: &ModelEntry,
    config: &SessionConfig,
    profile: Option<&ProfileFolder>,
) -> ort::Result<SessionBuilder> {
    let threads = config.threads();
    // Without spinning: threads that spin take the encoder's core, and two of them on a busy machine
    // take twice as long as one.
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
    // Otherwise a provider that cannot be registered is left out silently.
    let registrations = config.registrations(provider).into_iter();
    let strict: Vec<_> = registrations.map(|one| one.error_on_failure()).collect();
    Ok(match strict.is_empty() {
        true => builder,
        false => builder.with_execution_providers(strict)?,
    })
}

/// Checks that the file's input is what the manifest tells.
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
    let (width, height) = (contract.width as usize, contract.height as usize);
    let wanted = contract.layout.shape(width, height);
    let element = match contract.element {
        InputElement::F32 => Element::F32,
        InputElement::F16 => Element::F16,
        InputElement::U8 => Element::U8,
    };
    let found = tensor_of(input);
    if found.element == element && found.may_have_shape(&wanted) {
        return Ok(());
    }
    Err(format!(
        "its input {found}; the manifest says {element} {wanted:?}"
    ))
}
