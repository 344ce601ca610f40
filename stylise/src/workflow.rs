//! Workflows are files: what ComfyUI exports in API format, and a small TOML beside it that says where
//! the picture, the prompt and the rest go, and which styles it makes.

mod error;
mod fill;
mod folder;
mod graph;
mod manifest;
mod shipped;
mod size;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde_json::Value;

pub use self::error::WorkflowError;
pub use self::folder::{Loaded, load};
use self::graph::{Graph, Slot};
use self::manifest::Manifest;

/// What a picture has at most where the workflow does not say: what FLUX and SDXL were trained on.
const MEGAPIXELS_MAX: f64 = 1.0;

/// One workflow that can be filled. The server may still lack what it needs.
#[derive(Debug, Clone)]
pub struct Workflow {
    name: String,
    title: String,
    graph: Graph,
    bind: Bindings,
    /// Id of the node whose first picture is the result.
    output: String,
    max_megapixels: f64,
    styles: Vec<WorkflowStyle>,
    is_shipped: bool,
}

/// One style of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowStyle {
    /// Its name in requests.
    pub id: String,
    /// What the card says.
    pub title: String,
    /// What the model is told; absent: what the workflow itself says.
    pub prompt: Option<String>,
    /// What the picture is not to have; absent: what the workflow itself says.
    pub negative: Option<String>,
    /// How much of the picture is made anew, above 0 and up to 1; absent: as the workflow itself says.
    pub denoise: Option<f64>,
    /// In how many steps; absent: as the workflow itself says.
    pub steps: Option<u32>,
    /// What the workflow's LoRA loaders load, in their order; loaders without one are left out.
    pub loras: Vec<Lora>,
    /// A picture that shows the style.
    pub example: Option<PathBuf>,
}

/// A LoRA of a style.
#[derive(Debug, Clone, PartialEq)]
pub struct Lora {
    /// As the loader lists it.
    pub file: String,
    /// How much of it.
    pub strength: f64,
}

/// Where the values of an order go: each to any number of inputs.
#[derive(Debug, Clone, Default)]
struct Bindings {
    image: Vec<Slot>,
    prompt: Vec<Slot>,
    negative: Vec<Slot>,
    seed: Vec<Slot>,
    denoise: Vec<Slot>,
    steps: Vec<Slot>,
    width: Vec<Slot>,
    height: Vec<Slot>,
    /// Nodes that load a LoRA, in a row.
    loras: Vec<String>,
}

impl Workflow {
    /// Reads one: `name` is that of its files, `toml` and `json` what they hold.
    ///
    /// # Errors
    /// Names the file, the key and what to do.
    pub fn parse(name: &str, toml: &str, json: &str) -> Result<Self, WorkflowError> {
        let manifest_file = format!("{name}.toml");
        let manifest = Manifest::parse(&manifest_file, toml)?;
        let graph = Graph::parse(&manifest.workflow, json)?;
        manifest.join(name, &manifest_file, graph)
    }

    /// The name of its files.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether it is part of this program.
    #[must_use]
    pub fn is_shipped(&self) -> bool {
        self.is_shipped
    }

    /// What it makes.
    #[must_use]
    pub fn styles(&self) -> &[WorkflowStyle] {
        &self.styles
    }

    /// Id of the node whose first picture is the result.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Each node that the output depends on: its id, its class, and the values that stand in the file itself
    /// and stay when it is filled.
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

    /// Whether styles may bring LoRAs.
    pub(crate) fn has_loras(&self) -> bool {
        !self.bind.loras.is_empty()
    }

    /// The classes of the nodes that load them.
    pub(crate) fn lora_loaders(&self) -> impl Iterator<Item = &str> {
        self.bind.loras.iter().map(|node| self.graph.class(node))
    }

    /// The class of the node that loads it, and the LoRA.
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
                .any(|slot| slot.node == node && slot.input == input)
    }
}

impl Bindings {
    fn all(&self) -> impl Iterator<Item = &Slot> {
        let all = [
            &self.image,
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

/// A node, as the check of a server sees it.
pub(crate) struct NodeView<'a> {
    pub(crate) id: &'a str,
    pub(crate) class: &'a str,
    pub(crate) fixed: Vec<(&'a str, &'a Value)>,
}
