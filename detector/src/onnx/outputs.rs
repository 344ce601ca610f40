//! The outputs of one run, as heads read them: each a batch of one, of any type of numbers.

use std::collections::BTreeMap;

use half::f16;
use ndarray::{ArrayViewD, Axis};
use ort::session::SessionOutputs;
use ort::value::{DynValue, PrimitiveTensorElementType, TensorElementType};

use crate::heads::{HeadError, RawOutputs, Values};

pub(super) struct Outputs<'s> {
    outputs: SessionOutputs<'s>,
    /// Names in the file, by the names that heads use; the others are the same.
    names: &'s BTreeMap<String, String>,
}

impl<'s> Outputs<'s> {
    pub(super) fn new(outputs: SessionOutputs<'s>, names: &'s BTreeMap<String, String>) -> Self {
        Self { outputs, names }
    }

    fn value(&self, output: &'static str) -> Result<&DynValue, HeadError> {
        let name = self.names.get(output).map_or(output, String::as_str);
        // An empty name would make `get` panic.
        let value = (!name.is_empty()).then(|| self.outputs.get(name)).flatten();
        value.ok_or_else(|| {
            let all: Vec<&str> = self.outputs.keys().collect();
            HeadError::Output {
                output,
                why: format!(
                    "the model has no `{name}`; its outputs are {}",
                    all.join(", ")
                ),
            }
        })
    }
}

impl RawOutputs for Outputs<'_> {
    fn floats(&self, output: &'static str) -> Result<Values<'_, f32>, HeadError> {
        let value = self.value(output)?;
        match value.dtype().tensor_type() {
            Some(TensorElementType::Float16) => converted(value, output, f16::to_f32),
            Some(TensorElementType::Float64) => converted(value, output, |one: f64| one as f32),
            Some(TensorElementType::Int64) => converted(value, output, |one: i64| one as f32),
            Some(TensorElementType::Int32) => converted(value, output, |one: i32| one as f32),
            _ => Ok(only::<f32>(value, output)?.into()),
        }
    }

    fn integers(&self, output: &'static str) -> Result<Values<'_, i64>, HeadError> {
        let value = self.value(output)?;
        match value.dtype().tensor_type() {
            Some(TensorElementType::Int32) => converted::<i32, _>(value, output, i64::from),
            // Saturates; NaN becomes 0.
            Some(TensorElementType::Float32) => converted(value, output, |one: f32| one as i64),
            _ => Ok(only::<i64>(value, output)?.into()),
        }
    }

    fn nan_share(&self) -> f32 {
        let (mut all, mut nan) = (0_usize, 0_usize);
        let outputs = self.outputs.values();
        let mut count = |is_nan: bool| {
            all += 1;
            nan += usize::from(is_nan);
        };
        for value in outputs {
            if let Ok((_, values)) = value.try_extract_tensor::<f32>() {
                values.iter().for_each(|value| count(value.is_nan()));
            } else if let Ok((_, values)) = value.try_extract_tensor::<f16>() {
                values.iter().for_each(|value| count(value.is_nan()));
            }
        }
        nan as f32 / all.max(1) as f32
    }
}

/// The numbers of the only element of the batch in another type.
fn converted<'a, T: PrimitiveTensorElementType + Copy, U>(
    value: &'a DynValue,
    output: &'static str,
    convert: impl Fn(T) -> U,
) -> Result<Values<'a, U>, HeadError> {
    let values = only::<T>(value, output)?;
    Ok(values.map(|one| convert(*one)).into())
}

/// The only element of the batch.
fn only<'a, T: PrimitiveTensorElementType>(
    value: &'a DynValue,
    output: &'static str,
) -> Result<ArrayViewD<'a, T>, HeadError> {
    let failed = |why: String| HeadError::Output { output, why };
    let array = value
        .try_extract_array::<T>()
        .map_err(|error| failed(error.to_string()))?;
    let shape = array.shape();
    if shape.first() != Some(&1) {
        return Err(failed(format!("its shape {shape:?} is not a batch of one")));
    }
    Ok(array.index_axis_move(Axis(0), 0))
}
