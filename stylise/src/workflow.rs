//! Workflows of ComfyUI: a file in API format, and a TOML beside it that binds its inputs and lists the
//! styles it makes. Loads those of the owner's folder and the built-in ones.

pub(crate) mod definition;
mod graph;
mod manifest;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use crate::workflow::definition::{Lora, ModelFile, Workflow, WorkflowStyle};
pub use crate::workflow::graph::WorkflowError;

use crate::workflow::graph::Graph;
use crate::workflow::manifest::Manifest;

macro_rules! workflow {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../workflows/", $name, ".toml")),
            include_str!(concat!("../workflows/", $name, ".json")),
        )
    };
}

/// Name, TOML and JSON of the built-in workflows, best first. A new one is two files in `workflows/`, and a
/// line here.
const SHIPPED: &[(&str, &str, &str)] = &[
    workflow!("flux2-klein"),
    workflow!("qwen-image-edit"),
    workflow!("flux-schnell"),
    workflow!("flux-schnell-split"),
];

/// Far above any export; the folder may contain anything.
const FILE_MAX_BYTES: u64 = 8 << 20;

/// The loaded workflows, and errors of the others.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The folder's workflows by name, then the built-in ones that it does not replace. The first one that
    /// the server can run makes a style.
    pub workflows: Vec<Workflow>,
    /// One error per workflow that did not load.
    pub broken: Vec<WorkflowError>,
}

/// Loads the workflows of a folder, if given, and the built-in ones. A broken file does not keep others from
/// loading.
pub fn load(folder: Option<&Path>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut own = HashSet::new();
    if let Some(folder) = folder {
        match manifests(folder) {
            Ok(files) => {
                for (name, path) in files {
                    loaded.take(read(&name, &path, folder));
                    own.insert(name);
                }
            }
            Err(error) => loaded.broken.push(unread(folder, &error)),
        }
    }
    for &(name, toml, json) in SHIPPED {
        if !own.contains(name) {
            loaded.take(Workflow::parse(name, toml, json).map(|workflow| Workflow {
                is_shipped: true,
                ..workflow
            }));
        }
    }
    loaded
}

impl Loaded {
    fn take(&mut self, one: Result<Workflow, WorkflowError>) {
        match one {
            Ok(workflow) => self.workflows.push(workflow),
            Err(error) => self.broken.push(error),
        }
    }
}

fn manifests(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && let Some(name) = name
        {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn read(name: &str, path: &Path, folder: &Path) -> Result<Workflow, WorkflowError> {
    let text = |path: &Path| read_text(path).map_err(|error| unread(path, &error));
    let file = path.display().to_string();
    let manifest = Manifest::parse(&file, &text(path)?)?;
    let exported = folder.join(&manifest.workflow);
    let graph = Graph::parse(&exported.display().to_string(), &text(&exported)?)?;
    let mut workflow = with_styles(manifest, &file, Some(folder))?.join(name, &file, graph)?;
    for style in &mut workflow.styles {
        for picture in [&mut style.example, &mut style.reference] {
            *picture = picture.as_ref().map(|picture| folder.join(picture));
        }
        if let Some(reference) = style.reference.as_ref()
            && let Err(error) = File::open(reference)
        {
            return Err(unread(reference, &error));
        }
    }
    Ok(workflow)
}

impl Workflow {
    /// Parses a workflow: `name` is the name of its files, `toml` and `json` their contents.
    pub fn parse(name: &str, toml: &str, json: &str) -> Result<Self, WorkflowError> {
        let file = format!("{name}.toml");
        let manifest = Manifest::parse(&file, toml)?;
        let graph = Graph::parse(&manifest.workflow, json)?;
        with_styles(manifest, &file, None)?.join(name, &file, graph)
    }
}

/// Adds the styles of `styles_from`: a workflow of the folder, or a built-in one.
fn with_styles(
    mut manifest: Manifest,
    file: &str,
    folder: Option<&Path>,
) -> Result<Manifest, WorkflowError> {
    let Some(other) = manifest.styles_from.clone() else {
        return Ok(manifest);
    };
    let own = folder.map(|folder| folder.join(format!("{other}.toml")));
    if let Some(path) = own.filter(|path| path.exists()) {
        let toml = read_text(&path).map_err(|error| unread(&path, &error))?;
        manifest.add_styles_of(&path.display().to_string(), &toml)?;
        return Ok(manifest);
    }
    let Some((_, toml, _)) = SHIPPED.iter().find(|(name, ..)| *name == other) else {
        let why = format!("there is no workflow `{other}`");
        return Err(WorkflowError::key(file, "styles_from", why));
    };
    manifest.add_styles_of(&format!("{other}.toml"), toml)?;
    Ok(manifest)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(FILE_MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(io::Error::other(format!(
            "larger than {FILE_MAX_BYTES} bytes"
        )));
    }
    Ok(text)
}

fn unread(path: &Path, error: &io::Error) -> WorkflowError {
    WorkflowError::new(
        &path.display().to_string(),
        format!("cannot be read: {error}"),
    )
}
