//! The TOML manifest of a workflow.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use crate::workflow::definition::{
    Bindings, MEGAPIXELS_MAX, MEGAPIXELS_MIN, Workflow, WorkflowStyle,
};
use crate::workflow::graph::{Graph, NodeInput, WorkflowError};

/// Sends its result as a preview, without a history entry, so it is lost when the socket drops.
const UNKEPT_OUTPUT: &str = "SaveImageWebsocket";

/// Far above what any sampler needs.
const STEPS_MAX: u32 = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    title: String,
    /// The exported JSON file, beside the TOML.
    pub(super) workflow: String,
    output: String,
    min_megapixels: Option<f64>,
    max_megapixels: Option<f64>,
    bind: BindTable,
    /// Lists of model files that do as well, by `NODE.INPUT`.
    #[serde(default)]
    files: BTreeMap<String, Vec<String>>,
    /// The name of a workflow whose styles this one has too.
    pub(super) styles_from: Option<String>,
    #[serde(default)]
    styles: Vec<WorkflowStyle>,
}

/// The styles of a TOML, without the rest.
#[derive(Debug, Deserialize)]
struct StyleList {
    styles: Vec<WorkflowStyle>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindTable {
    image: Names,
    reference: Option<Names>,
    prompt: Option<Names>,
    negative: Option<Names>,
    seed: Option<Names>,
    denoise: Option<Names>,
    steps: Option<Names>,
    width: Option<Names>,
    height: Option<Names>,
    loras: Option<Names>,
}

/// One name or a list of names.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a name such as \"20.image\", or a list of them")]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl Manifest {
    pub(super) fn parse(file: &str, toml: &str) -> Result<Self, WorkflowError> {
        let manifest: Self = toml::from_str(toml)
            .map_err(|error| WorkflowError::new(file, error.to_string().trim_end()))?;
        for (key, name) in manifest.file_names() {
            if !is_file_name(name) {
                let why = format!("`{name}` is not the name of a file in this folder");
                return Err(WorkflowError::key(file, key, why));
            }
        }
        Ok(manifest)
    }

    fn file_names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let pictures = self.styles.iter().flat_map(|style| {
            let (example, reference) = (style.example.as_ref(), style.reference.as_ref());
            [("example", example), ("reference", reference)]
        });
        let pictures = pictures.filter_map(|(key, file)| Some((key, file?.to_str()?)));
        [("workflow", self.workflow.as_str())]
            .into_iter()
            .chain(
                self.styles_from
                    .as_deref()
                    .map(|name| ("styles_from", name)),
            )
            .chain(pictures)
    }

    /// Adds the styles of another workflow's TOML, except those that this one has already.
    pub(super) fn add_styles_of(&mut self, file: &str, toml: &str) -> Result<(), WorkflowError> {
        let other: StyleList = toml::from_str(toml)
            .map_err(|error| WorkflowError::new(file, error.to_string().trim_end()))?;
        let own: HashSet<_> = self.styles.iter().map(|style| style.id.clone()).collect();
        let new = other.styles.into_iter();
        self.styles
            .extend(new.filter(|style| !own.contains(&style.id)));
        Ok(())
    }

    pub(super) fn join(
        self,
        name: &str,
        file: &str,
        mut graph: Graph,
    ) -> Result<Workflow, WorkflowError> {
        let wrong = |key: &str, why: String| WorkflowError::key(file, key, why);
        let mut bind = self.bind.resolve(file, &graph)?;
        let alternatives = self.alternatives(file, &graph)?;
        let output = graph
            .node(&self.output)
            .map_err(|why| wrong("output", why))?;
        let output = output.to_owned();
        if graph.class(&output) == UNKEPT_OUTPUT {
            let why = "SaveImageWebsocket keeps no picture that could be fetched after a lost \
                       connection: use PreviewImage";
            return Err(wrong("output", why.to_owned()));
        }
        let incomplete = |why| WorkflowError::new(&self.workflow, why);
        graph.keep_needed(&output).map_err(incomplete)?;
        if !bind
            .image
            .iter()
            .any(|node_input| graph.has(&node_input.node))
        {
            let why = format!("the output, node {output}, does not depend on the photo");
            return Err(wrong("bind.image", why));
        }
        bind.loras.retain(|node| graph.has(node));
        let (min_megapixels, max_megapixels) = self.megapixels(file)?;
        self.check_styles(file, &bind)?;
        Ok(Workflow {
            name: name.to_owned(),
            title: self.title,
            graph,
            bind,
            output,
            alternatives,
            is_shipped: false,
            min_megapixels,
            max_megapixels,
            styles: self.styles,
        })
    }

    fn alternatives(
        &self,
        file: &str,
        graph: &Graph,
    ) -> Result<Vec<(NodeInput, Vec<String>)>, WorkflowError> {
        let resolve = |(name, files): (&String, &Vec<String>)| {
            let wrong = |why| WorkflowError::key(file, &format!("files.\"{name}\""), why);
            let at = graph.node_input(name).map_err(wrong)?;
            if files.is_empty() || !graph.value(&at).is_some_and(Value::is_string) {
                let why = "a list of file names for an input that takes one is expected";
                return Err(wrong(why.to_owned()));
            }
            Ok((at, files.clone()))
        };
        self.files.iter().map(resolve).collect()
    }

    /// The smallest and the largest size of a picture.
    fn megapixels(&self, file: &str) -> Result<(f64, f64), WorkflowError> {
        let max = self.max_megapixels.unwrap_or(MEGAPIXELS_MAX);
        if !(0.1..=4.0).contains(&max) {
            let why = format!("{max} is not between 0.1 and 4");
            return Err(WorkflowError::key(file, "max_megapixels", why));
        }
        let min = self.min_megapixels.unwrap_or(MEGAPIXELS_MIN.min(max));
        if !(0.1..=max).contains(&min) {
            let why = format!("{min} is not between 0.1 and max_megapixels, {max}");
            return Err(WorkflowError::key(file, "min_megapixels", why));
        }
        Ok((min, max))
    }

    fn check_styles(&self, file: &str, bind: &Bindings) -> Result<(), WorkflowError> {
        let wrong = |why| WorkflowError::key(file, "styles", why);
        if self.styles.is_empty() {
            let why = "there is none: add [[styles]] with id, title and prompt, or styles_from";
            return Err(wrong(why.to_owned()));
        }
        let mut seen = HashSet::new();
        for style in &self.styles {
            style.check(bind).map_err(wrong)?;
            if !seen.insert(&style.id) {
                return Err(wrong(format!("`{}` stands there twice", style.id)));
            }
        }
        Ok(())
    }
}

impl BindTable {
    fn resolve(&self, file: &str, graph: &Graph) -> Result<Bindings, WorkflowError> {
        let wrong = |key: &str, why| WorkflowError::key(file, &format!("bind.{key}"), why);
        let node_inputs =
            |key: &str, names: Option<&Names>| -> Result<Vec<NodeInput>, WorkflowError> {
                let names = names.into_iter().flat_map(Names::all);
                let node_inputs =
                    names.map(|name| graph.node_input(name).map_err(|why| wrong(key, why)));
                node_inputs.collect()
            };
        let pictures = |key: &str, names: Option<&Names>| {
            let found = node_inputs(key, names)?;
            let mut named = found.iter().zip(names.into_iter().flat_map(Names::all));
            let is_other = |at: &NodeInput| !graph.value(at).is_some_and(Value::is_string);
            match named.find(|(at, _)| is_other(at)) {
                None => Ok(found),
                Some((_, name)) => Err(wrong(
                    key,
                    format!(
                        "`{name}` does not take the name of a picture: bind the `image` of a LoadImage node"
                    ),
                )),
            }
        };
        let image = pictures("image", Some(&self.image))?;
        if image.is_empty() {
            let why = "it names no input: bind the `image` of a LoadImage node";
            return Err(wrong("image", why.to_owned()));
        }
        let loras = self.loras.iter().flat_map(Names::all).map(|name| {
            let node = graph.node(name).map_err(|why| wrong("loras", why))?;
            if !graph.loads_lora(node) {
                let why = format!(
                    "node {node} is no LoraLoader, with `lora_name`, `strength_model` and a model"
                );
                return Err(wrong("loras", why));
            }
            Ok(node.to_owned())
        });
        let loras: Vec<String> = loras.collect::<Result<_, WorkflowError>>()?;
        if self.width.is_some() != self.height.is_some() {
            let why = "width and height go together: bind both or none";
            return Err(WorkflowError::key(file, "bind", why));
        }
        Ok(Bindings {
            image,
            reference: pictures("reference", self.reference.as_ref())?,
            prompt: node_inputs("prompt", self.prompt.as_ref())?,
            negative: node_inputs("negative", self.negative.as_ref())?,
            seed: node_inputs("seed", self.seed.as_ref())?,
            denoise: node_inputs("denoise", self.denoise.as_ref())?,
            steps: node_inputs("steps", self.steps.as_ref())?,
            width: node_inputs("width", self.width.as_ref())?,
            height: node_inputs("height", self.height.as_ref())?,
            loras,
        })
    }
}

impl WorkflowStyle {
    fn check(&self, bind: &Bindings) -> Result<(), String> {
        let id = &self.id;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return Err(format!(
                "the id `{id}` is not one: 1 to 64 lower-case letters, digits and dashes"
            ));
        }
        if self
            .denoise
            .is_some_and(|denoise| !(denoise > 0.0 && denoise <= 1.0))
        {
            return Err(format!("denoise of `{id}` is not above 0 and up to 1"));
        }
        if self
            .steps
            .is_some_and(|steps| !(1..=STEPS_MAX).contains(&steps))
        {
            return Err(format!("steps of `{id}` is not between 1 and {STEPS_MAX}"));
        }
        if let Some(lora) = self.loras.iter().find(|lora| !lora.strength.is_finite()) {
            return Err(format!(
                "the strength of {} in `{id}` is no number",
                lora.file
            ));
        }
        if !bind.reference.is_empty() && self.reference.is_none() {
            return Err(format!(
                "`{id}` has no reference, which bind.reference needs: put the styles without one into a \
                 workflow of their own"
            ));
        }
        for (key, is_there, node_inputs) in [
            ("reference", self.reference.is_some(), &bind.reference),
            ("prompt", self.prompt.is_some(), &bind.prompt),
            ("negative", self.negative.is_some(), &bind.negative),
            ("denoise", self.denoise.is_some(), &bind.denoise),
            ("steps", self.steps.is_some(), &bind.steps),
        ] {
            if is_there && node_inputs.is_empty() {
                return Err(format!(
                    "`{id}` has {key}, which would go nowhere: say where, in bind.{key}"
                ));
            }
        }
        if self.loras.len() > bind.loras.len() {
            return Err(format!(
                "`{id}` has {} LoRAs, and bind.loras names {} loaders for them",
                self.loras.len(),
                bind.loras.len()
            ));
        }
        Ok(())
    }
}

/// A file name without a path.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}
