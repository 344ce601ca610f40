//! A parsed workflow, and filling it with the values of an order.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::workflow::graph::{Graph, NodeInput};

/// Default maximum size of a picture: what FLUX and Qwen-Image were trained on.
pub(super) const MEGAPIXELS_MAX: f64 = 1.0;
/// Default minimum size: models fail on smaller pictures.
pub(super) const MEGAPIXELS_MIN: f64 = 0.25;

/// A workflow that can be filled. The server may still lack nodes or models.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The name of its files.
    pub name: String,
    pub title: String,
    pub(super) graph: Graph,
    pub(super) bind: Bindings,
    /// Id of the node whose first picture is the result.
    pub output: String,
    /// Names of model files that do as well as the exported one, best first, by the input that loads them.
    pub(super) alternatives: Vec<(NodeInput, Vec<String>)>,
    pub(super) min_megapixels: f64,
    pub(super) max_megapixels: f64,
    pub styles: Vec<WorkflowStyle>,
    pub is_shipped: bool,
}

/// A style of a workflow, as its TOML has it. Absent values stay as they are in the workflow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowStyle {
    pub id: String,
    pub title: String,
    pub prompt: Option<String>,
    pub negative: Option<String>,
    /// Above 0 and up to 1.
    pub denoise: Option<f64>,
    pub steps: Option<u32>,
    /// LoRAs for the workflow's LoRA loaders, in order; further loaders are bypassed.
    #[serde(default)]
    pub loras: Vec<Lora>,
    /// A picture beside the TOML; once loaded, with its folder.
    pub example: Option<PathBuf>,
    /// A picture beside the TOML whose look the model takes; once loaded, with its folder.
    pub reference: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// The file name as the loader lists it.
    pub file: String,
    #[serde(default = "whole")]
    pub strength: f64,
}

fn whole() -> f64 {
    1.0
}

/// A model file that the server has, and the input that loads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelFile {
    pub(crate) node: String,
    pub(crate) input: String,
    pub(crate) file: String,
}

/// The inputs that each value of an order is written to.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    pub(super) image: Vec<NodeInput>,
    pub(super) reference: Vec<NodeInput>,
    pub(super) prompt: Vec<NodeInput>,
    pub(super) negative: Vec<NodeInput>,
    pub(super) seed: Vec<NodeInput>,
    pub(super) denoise: Vec<NodeInput>,
    pub(super) steps: Vec<NodeInput>,
    pub(super) width: Vec<NodeInput>,
    pub(super) height: Vec<NodeInput>,
    /// LoRA loader nodes, in order.
    pub(super) loras: Vec<String>,
}

impl Workflow {
    /// The nodes that the output depends on, with the values that filling does not change.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        self.graph.nodes().map(|(id, class, inputs)| NodeView {
            id,
            class,
            fixed: inputs
                .iter()
                .filter(|(input, value)| !value.is_array() && !self.binds(id, input))
                .map(|(input, value)| (input.as_str(), value))
                .collect(),
        })
    }

    /// The names of model files that an input may have, best first.
    pub(crate) fn file_names(&self, node: &str, input: &str) -> Option<&[String]> {
        let mut all = self.alternatives.iter();
        let found = all.find(|(at, _)| at.node == node && at.input == input);
        found.map(|(_, names)| names.as_slice())
    }

    /// The workflow with the model files that the server has.
    pub(crate) fn with_files(&self, files: &[ModelFile]) -> Self {
        let mut workflow = self.clone();
        for ModelFile { node, input, file } in files {
            let at = NodeInput {
                node: node.clone(),
                input: input.clone(),
            };
            workflow.graph.set(&at, file.as_str().into());
        }
        workflow
    }

    pub(crate) fn has_loras(&self) -> bool {
        !self.bind.loras.is_empty()
    }

    /// The classes of the LoRA loaders.
    pub(crate) fn lora_loaders(&self) -> impl Iterator<Item = &str> {
        self.bind.loras.iter().map(|node| self.graph.class(node))
    }

    /// The LoRAs of a style, each with the class of its loader.
    pub(crate) fn loras_of<'a>(
        &'a self,
        style: &'a WorkflowStyle,
    ) -> impl Iterator<Item = (&'a str, &'a Lora)> {
        self.lora_loaders().zip(&style.loras)
    }

    fn binds(&self, node: &str, input: &str) -> bool {
        let is_lora = input == "lora_name" && self.bind.loras.iter().any(|loader| loader == node);
        is_lora
            || self
                .bind
                .all()
                .any(|node_input| node_input.node == node && node_input.input == input)
    }
}

impl Bindings {
    fn all(&self) -> impl Iterator<Item = &NodeInput> {
        let all = [
            &self.image,
            &self.reference,
            &self.prompt,
            &self.negative,
            &self.seed,
            &self.denoise,
            &self.steps,
            &self.width,
            &self.height,
        ];
        all.into_iter().flatten()
    }
}

/// A node, for checking it against a server.
pub(crate) struct NodeView<'a> {
    pub(crate) id: &'a str,
    pub(crate) class: &'a str,
    pub(crate) fixed: Vec<(&'a str, &'a Value)>,
}

impl Workflow {
    /// The graph for `POST /prompt`. `image_name` and `reference_name` are the server's names of the uploaded
    /// pictures; width and height are the size of the visitor's, whose shape the result keeps.
    pub fn fill(
        &self,
        style: &WorkflowStyle,
        image_name: &str,
        reference_name: Option<&str>,
        seed: u64,
        width_px: u32,
        height_px: u32,
    ) -> Value {
        let megapixels = self.min_megapixels..=self.max_megapixels;
        let (width, height) = fitted(width_px, height_px, &megapixels);
        let bind = &self.bind;
        let values = [
            (&bind.image, Some(image_name.into())),
            (&bind.reference, reference_name.map(Value::from)),
            (&bind.prompt, style.prompt.as_deref().map(Value::from)),
            (&bind.negative, style.negative.as_deref().map(Value::from)),
            (&bind.seed, Some(seed.into())),
            (&bind.denoise, style.denoise.map(Value::from)),
            (&bind.steps, style.steps.map(Value::from)),
            (&bind.width, Some(width.into())),
            (&bind.height, Some(height.into())),
        ];
        let mut graph = self.graph.clone();
        for (node_inputs, value) in values {
            for node_input in node_inputs {
                if let Some(value) = &value {
                    graph.set(node_input, value.clone());
                }
            }
        }
        for (at, loader) in bind.loras.iter().enumerate() {
            match style.loras.get(at) {
                Some(lora) => graph.load_lora(loader, &lora.file, lora.strength),
                None => graph.bypass_lora(loader),
            }
        }
        graph.into_json()
    }
}

/// Models need multiples of 16: the latent is an eighth of the size, and FLUX groups it in 2 x 2.
const MULTIPLE_PX: u32 = 16;
/// Minimum side that models can handle.
const SIDE_MIN_PX: u32 = 256;
/// Limits panoramas to what GPUs have memory for.
const SIDE_MAX_PX: u32 = 2048;

/// Width and height in the given shape, as multiples of 16, with an area in the given range (in units of
/// 1024 x 1024).
fn fitted(width_px: u32, height_px: u32, megapixels: &RangeInclusive<f64>) -> (u32, u32) {
    let megapixel = 1024.0 * 1024.0;
    let (width, height) = (f64::from(width_px.max(1)), f64::from(height_px.max(1)));
    let area = (width * height).clamp(megapixels.start() * megapixel, megapixels.end() * megapixel);
    let scale = (area / (width * height)).sqrt();
    (side(width * scale), side(height * scale))
}

fn side(px: f64) -> u32 {
    // Rounded down to keep the area; the epsilon allows for rounding of the square root.
    let multiples = (px / f64::from(MULTIPLE_PX) + 1e-6).floor();
    let px = multiples.min(f64::from(SIDE_MAX_PX)) as u32 * MULTIPLE_PX;
    px.clamp(SIDE_MIN_PX, SIDE_MAX_PX)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn sizes_keep_the_shape_and_the_bounds() {
        let default = MEGAPIXELS_MIN..=MEGAPIXELS_MAX;
        assert_eq!(fitted(1024, 1024, &default), (1024, 1024));
        assert_eq!(fitted(1280, 720, &default), (1280, 720));
        assert_eq!(fitted(1536, 864, &default), (1360, 768));
        assert_eq!(fitted(720, 1280, &(0.25..=0.25)), (384, 672));
        assert_eq!(fitted(64, 64, &default), (512, 512));
        assert_eq!(fitted(640, 480, &default), (640, 480));
        assert_eq!(fitted(640, 480, &(0.8..=1.0)), (1056, 784));
        assert_eq!(fitted(1280, 720, &(0.8..=1.0)), (1280, 720));
        for (width, height) in [
            (1, 1),
            (1536, 20),
            (20, 1536),
            (u32::MAX, 1),
            (0, 0),
            (4032, 3024),
        ] {
            let (w, h) = fitted(width, height, &default);
            assert!(w % 16 == 0 && h % 16 == 0, "{w}x{h}");
            assert!(
                (256..=2048).contains(&w) && (256..=2048).contains(&h),
                "{w}x{h}"
            );
        }
    }
}
