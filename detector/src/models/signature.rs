//! What a model file says of itself: its inputs, its outputs and its metadata. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// The inputs and outputs of a model, and the metadata that its exporter wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
    pub metadata: BTreeMap<String, String>,
}

/// An input or an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    pub name: String,
    pub element: Element,
    /// Empty when the file does not tell.
    pub shape: Vec<Dimension>,
}

/// The type of a tensor's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    F32,
    F16,
    U8,
    I32,
    I64,
    /// Anything else, by the name that ONNX Runtime has for it.
    Other(String),
}

/// The length of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    Fixed(usize),
    /// Not fixed until the network runs. The name may be empty.
    Open(String),
}

impl Signature {
    pub(crate) fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// Whether the file leaves the shape of an output open.
    pub(crate) fn has_open_outputs(&self) -> bool {
        let is_open = |dimension: &Dimension| matches!(dimension, Dimension::Open(_));
        let mut outputs = self.outputs.iter();
        outputs.any(|output| output.shape.is_empty() || output.shape.iter().any(is_open))
    }

    pub(crate) fn output(&self, name: &str) -> Option<&Tensor> {
        self.outputs.iter().find(|output| output.name == name)
    }
}

impl Tensor {
    /// The length of axis `index`, if there is such an axis and the file fixes it.
    pub(crate) fn fixed(&self, index: usize) -> Option<usize> {
        match self.shape.get(index)? {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Open(_) => None,
        }
    }

    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Whether the tensor can have this shape when the network runs.
    pub(crate) fn may_have_shape(&self, wanted: &[usize]) -> bool {
        let may_be = |(is, wanted): (&Dimension, &usize)| match is {
            Dimension::Fixed(length) => length == wanted,
            Dimension::Open(_) => true,
        };
        self.rank() == wanted.len() && self.shape.iter().zip(wanted).all(may_be)
    }
}

impl fmt::Display for Tensor {
    /// Like "`images` is f32 [batch, 3, 640, 640]".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(
            f,
            "`{}` is {} [{}]",
            self.name,
            self.element,
            shape.join(", ")
        )
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Open(name) if name.is_empty() => f.write_str("?"),
            Self::Open(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::Other(name) => name,
        })
    }
}
