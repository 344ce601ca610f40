//! What ONNX Runtime tells of a model's inputs, outputs and metadata.

use ort::session::Session as OrtSession;
use ort::value::{Outlet, TensorElementType, ValueType};

use crate::models::signature::{Dimension, Element, Signature, Tensor};

pub(super) fn signature_of(session: &OrtSession) -> Signature {
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
