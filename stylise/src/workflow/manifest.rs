//! The TOML beside a workflow.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Deserialize;

use super::graph::{Graph, Slot};
use super::{Bindings, MEGAPIXELS_MAX, Workflow, WorkflowError, WorkflowStyle};

/// Delivers through the preview channel: nothing in the history, lost when the socket drops.
const UNKEPT_OUTPUT: &str = "SaveImageWebsocket";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    title: String,
    /// The exported file, beside this one.
    pub(super) workflow: String,
    output: String,
    max_megapixels: Option<f64>,
    bind: BindTable,
    #[serde(default)]
    styles: Vec<StyleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindTable {
    image: String,
    prompt: Option<String>,
    seed: Option<String>,
    denoise: Option<String>,
    width: Option<String>,
    height: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StyleTable {
    id: String,
    title: String,
    prompt: Option<String>,
    denoise: Option<f64>,
    example: Option<String>,
}

impl Manifest {
    pub(super) fn parse(file: &str, toml: &str) -> Result<Self, WorkflowError> {
        let manifest: Self = toml::from_str(toml).map_err(|error| WorkflowError::Toml {
            file: file.to_owned(),
            why: error.to_string().trim_end().to_owned(),
        })?;
        for (key, name) in manifest.file_names() {
            if !is_file_name(name) {
                let why = format!("`{name}` is not the name of a file in this folder");
                return Err(WorkflowError::key(file, key, why));
            }
        }
        Ok(manifest)
    }

    fn file_names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let examples = self
            .styles
            .iter()
            .filter_map(|style| style.example.as_deref());
        std::iter::once(("workflow", self.workflow.as_str()))
            .chain(examples.map(|example| ("example", example)))
    }

    pub(super) fn join(
        self,
        name: &str,
        file: &str,
        graph: Graph,
    ) -> Result<Workflow, WorkflowError> {
        let wrong = |key: &str, why: String| WorkflowError::key(file, key, why);
        let bind = self.bind.resolve(file, &graph)?;
        let output = graph
            .node(&self.output)
            .map_err(|why| wrong("output", why))?;
        let output = output.to_owned();
        if graph.class(&output) == UNKEPT_OUTPUT {
            let why = "SaveImageWebsocket keeps no picture that could be fetched after a lost \
                       connection: use PreviewImage";
            return Err(wrong("output", why.to_owned()));
        }
        let max_megapixels = self.max_megapixels.unwrap_or(MEGAPIXELS_MAX);
        if !(0.1..=4.0).contains(&max_megapixels) {
            let why = format!("{max_megapixels} is not between 0.1 and 4");
            return Err(wrong("max_megapixels", why));
        }
        if self.styles.is_empty() {
            let why = "there is none: add [[styles]] with id, title and prompt".to_owned();
            return Err(wrong("styles", why));
        }
        let mut seen = HashSet::new();
        for style in &self.styles {
            style.check(&bind).map_err(|why| wrong("styles", why))?;
            if !seen.insert(style.id.clone()) {
                return Err(wrong(
                    "styles",
                    format!("`{}` stands there twice", style.id),
                ));
            }
        }
        Ok(Workflow {
            name: name.to_owned(),
            title: self.title,
            graph,
            bind,
            output,
            is_shipped: false,
            max_megapixels,
            styles: self
                .styles
                .into_iter()
                .map(StyleTable::into_style)
                .collect(),
        })
    }
}

impl BindTable {
    fn resolve(&self, file: &str, graph: &Graph) -> Result<Bindings, WorkflowError> {
        let slot = |key: &str, name: &str| {
            let slot = graph.slot(name);
            slot.map_err(|why| WorkflowError::key(file, format!("bind.{key}"), why))
        };
        let optional = |key: &str, name: &Option<String>| -> Result<Option<Slot>, WorkflowError> {
            name.as_deref().map(|name| slot(key, name)).transpose()
        };
        let image = slot("image", &self.image)?;
        if !graph
            .value(&image)
            .is_some_and(serde_json::Value::is_string)
        {
            let why = format!(
                "`{}` does not take the name of a picture: bind the `image` of a LoadImage node",
                self.image
            );
            return Err(WorkflowError::key(file, "bind.image", why));
        }
        if self.width.is_some() != self.height.is_some() {
            let why = "width and height go together: bind both or none";
            return Err(WorkflowError::key(file, "bind", why));
        }
        Ok(Bindings {
            image,
            prompt: optional("prompt", &self.prompt)?,
            seed: optional("seed", &self.seed)?,
            denoise: optional("denoise", &self.denoise)?,
            width: optional("width", &self.width)?,
            height: optional("height", &self.height)?,
        })
    }
}

impl StyleTable {
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
        if self.prompt.is_some() && bind.prompt.is_none() {
            return Err(format!(
                "`{id}` has a prompt, which would go nowhere: say where, in bind.prompt"
            ));
        }
        if self.denoise.is_some() && bind.denoise.is_none() {
            return Err(format!(
                "`{id}` has a denoise, which would go nowhere: say where, in bind.denoise"
            ));
        }
        Ok(())
    }

    fn into_style(self) -> WorkflowStyle {
        WorkflowStyle {
            id: self.id,
            title: self.title,
            prompt: self.prompt,
            denoise: self.denoise,
            example: self.example.map(PathBuf::from),
        }
    }
}

/// Nothing that leads out of the folder.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}
