//! Reads the signature of a model file: in a session of its own, which is closed afterwards.

use std::path::Path;

use ndarray::arr2;
use ort::logging::LogLevel;
use ort::session::Session as OrtSession;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::runtime::Runtime;
use super::session::{SessionError, input_value};
use super::signature::signature_of;
use crate::models::installed::ModelFile;
use crate::models::recognise::{SIZE_INPUT, trial_input};
use crate::models::signature::{Dimension, Signature, Tensor};
use crate::preprocess::InputTensor;

/// Reads what a file says of its inputs, outputs and metadata. Where it leaves the shape of an output open, the
/// network runs once on a blank picture.
pub(crate) fn read_signature(runtime: &Runtime, path: &Path) -> Result<Signature, SessionError> {
    let mut session = open_plainly(runtime, path).map_err(|error| SessionError::Unloadable {
        file: ModelFile::At(path.to_owned()),
        why: error.to_string(),
    })?;
    let mut signature = signature_of(&session);
    if signature.has_open_outputs() {
        match observed_outputs(&mut session, &signature) {
            Ok(outputs) => signature.outputs = outputs,
            Err(error) => tracing::debug!(%error, "a blank picture does not tell the shapes"),
        }
    }
    Ok(signature)
}

/// Without optimisation, which takes longer than one run.
fn open_plainly(runtime: &Runtime, path: &Path) -> ort::Result<OrtSession> {
    OrtSession::builder(&runtime.environment().0)?
        .with_intra_threads(1)?
        .with_log_level(LogLevel::Error)?
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .commit_from_file(path)
}

/// The outputs with the shapes that they have for one picture; as they were when it is not clear how to run the
/// network.
fn observed_outputs(session: &mut OrtSession, signature: &Signature) -> ort::Result<Vec<Tensor>> {
    let Some(contract) = trial_input(signature) else {
        return Ok(signature.outputs.clone());
    };
    let blank = InputTensor::blank(&contract);
    let size = arr2(&[[i64::from(contract.width), i64::from(contract.height)]]);
    let mut inputs = ort::inputs![contract.name.as_str() => input_value(&blank)?];
    if signature.input(SIZE_INPUT).is_some() {
        let size = TensorRef::from_array_view(&size)?;
        inputs.extend(ort::inputs![SIZE_INPUT => size]);
    }
    let outputs = session.run(inputs)?;
    let with_shape = |described: &Tensor| {
        // An empty name would make `get` panic.
        let name = Some(&described.name).filter(|name| !name.is_empty());
        let value = name.and_then(|name| outputs.get(name));
        let shape = value.and_then(|value| value.dtype().tensor_shape());
        let lengths = shape.into_iter().flat_map(|shape| shape.iter().copied());
        let fixed = |length: i64| Dimension::Fixed(usize::try_from(length).unwrap_or_default());
        Tensor {
            shape: lengths.map(fixed).collect(),
            ..described.clone()
        }
    };
    Ok(signature.outputs.iter().map(with_shape).collect())
}
