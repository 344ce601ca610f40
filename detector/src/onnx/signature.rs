//! What ONNX Runtime tells of a model's inputs, outputs and metadata.

use std::path::Path;

use ndarray::arr2;
use ort::logging::LogLevel;
use ort::session::Session as OrtSession;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use super::runtime::Runtime;
use super::session::{SessionError, input_value};
use crate::models::installed::ModelFile;
use crate::models::recognise::{SIZE_INPUT, trial_input};
use crate::models::signature::{Dimension, Element, Signature, Tensor};
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

fn signature_of(session: &OrtSession) -> Signature {
    let mut signature = Signature {
        inputs: session.inputs().iter().map(tensor_of).collect(),
        outputs: session.outputs().iter().map(tensor_of).collect(),
        ..Signature::default()
    };
    if let Ok(metadata) = session.metadata() {
        let keys = metadata.custom_keys().unwrap_or_default();
        let known = keys.into_iter().filter_map(|key| {
            let value = metadata.custom(&key)?;
            Some((key, value))
        });
        signature.metadata = known.collect();
    }
    signature
}

pub(super) fn tensor_of(outlet: &Outlet) -> Tensor {
    let name = outlet.name().to_owned();
    let ValueType::Tensor {
        ty,
        shape,
        dimension_symbols,
    } = outlet.dtype()
    else {
        let element = Element::Other(outlet.dtype().to_string());
        let shape = Vec::new();
        return Tensor {
            name,
            element,
            shape,
        };
    };
    let dimension = |(index, length): (usize, &i64)| match usize::try_from(*length) {
        Ok(length) => Dimension::Fixed(length),
        Err(_) => Dimension::Open(dimension_symbols[index].clone()),
    };
    Tensor {
        name,
        element: element_of(*ty),
        shape: shape.iter().enumerate().map(dimension).collect(),
    }
}

fn element_of(kind: TensorElementType) -> Element {
    match kind {
        TensorElementType::Float32 => Element::F32,
        TensorElementType::Float16 => Element::F16,
        TensorElementType::Uint8 => Element::U8,
        TensorElementType::Int32 => Element::I32,
        TensorElementType::Int64 => Element::I64,
        other => Element::Other(other.to_string()),
    }
}
