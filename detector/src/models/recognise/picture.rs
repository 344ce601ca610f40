//! The input that takes the picture.

use super::super::manifest::{InputElement, Layout};
use super::super::signature::{Dimension, Element, Signature, Tensor};
use super::python_literal;

/// The input of DETR exports that takes the size of the picture.
pub(crate) const SIZE_INPUT: &str = "orig_target_sizes";

/// The input that takes the picture, as far as the file describes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) layout: Layout,
    pub(super) element: InputElement,
    /// Width and height in pixels.
    pub(super) size: (usize, usize),
    /// Neither the inputs nor the metadata tell the size.
    pub(super) is_size_assumed: bool,
    /// Batch, height and width.
    axes: [Dimension; 3],
}

/// The size of the picture where nothing tells it.
const USUAL_SIZE: (usize, usize) = (640, 640);
/// Larger sides are no manifest's.
const MOST_SIDE: usize = 4096;

impl Picture {
    /// Finds it among the inputs. The error is a part of a sentence.
    pub(super) fn find(signature: &Signature) -> Result<Self, String> {
        let four_axes = |input: &&Tensor| input.rank() == 4;
        let mut candidates = signature.inputs.iter().filter(four_axes);
        let (input, other) = (candidates.next(), candidates.next());
        let input = match (input, other) {
            (Some(input), None) => input,
            (None, _) => return Err("none of its inputs has the four axes of a picture".to_owned()),
            (Some(_), Some(_)) => {
                return Err("several of its inputs may take the picture".to_owned());
            }
        };
        let layout = layout_of(input)
            .ok_or_else(|| format!("its input {input} has no axis for three colours"))?;
        let element = match input.element {
            Element::F32 => InputElement::F32,
            Element::F16 => InputElement::F16,
            Element::U8 => InputElement::U8,
            _ => return Err(format!("its input {input}, which carrier cannot fill")),
        };
        if let Some(batch) = input.fixed(0).filter(|batch| *batch != 1) {
            let what = format!("it takes {batch} pictures at a time: export it for one");
            return Err(what);
        }
        let axes = match layout {
            Layout::Nchw => [0, 2, 3],
            Layout::Nhwc => [0, 1, 2],
        };
        let axes = axes.map(|axis| input.shape[axis].clone());
        let fixed = match axes {
            [_, Dimension::Fixed(height), Dimension::Fixed(width)] => Some((width, height)),
            _ => None,
        };
        let size = fixed.or_else(|| size_in_metadata(signature));
        if size.is_some_and(|(width, height)| width.max(height) > MOST_SIDE) {
            return Err(format!("its input {input}, which is too large"));
        }
        Ok(Self {
            name: input.name.clone(),
            layout,
            element,
            size: size.unwrap_or(USUAL_SIZE),
            is_size_assumed: size.is_none(),
            axes,
        })
    }

    /// The names of open axes and the length that they get.
    pub(super) fn open_axes(&self) -> Vec<(String, usize)> {
        let lengths = [1, self.size.1, self.size.0];
        let open = |(axis, length): (&Dimension, usize)| match axis {
            Dimension::Open(name) if !name.is_empty() => Some((name.clone(), length)),
            _ => None,
        };
        self.axes.iter().zip(lengths).filter_map(open).collect()
    }
}

/// Ultralytics writes the size of its exports: height and width, or one number for both.
fn size_in_metadata(signature: &Signature) -> Option<(usize, usize)> {
    match python_literal::numbers(signature.metadata.get("imgsz")?)[..] {
        [height, width] => Some((width, height)),
        [side] => Some((side, side)),
        _ => None,
    }
}

/// Which axis is that of the colours.
fn layout_of(input: &Tensor) -> Option<Layout> {
    let is_colours = |index: usize| match &input.shape[index] {
        Dimension::Fixed(length) => *length == 3,
        Dimension::Open(name) => name.contains("channel"),
    };
    match (is_colours(1), is_colours(3)) {
        (true, false) => Some(Layout::Nchw),
        (false, true) => Some(Layout::Nhwc),
        _ => None,
    }
}
