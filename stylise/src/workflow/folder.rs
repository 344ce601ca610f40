//! The workflows of a folder, and the shipped ones.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::{Workflow, WorkflowError, shipped};
use crate::workflow::graph::Graph;

/// Far above any export; a folder may hold anything.
const FILE_MAX_BYTES: u64 = 8 << 20;

/// What there is, and what is broken.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Those of the folder by name, then the shipped ones that the folder does not bring itself. Where
    /// two offer a style, the first that the server can do makes it.
    pub workflows: Vec<Workflow>,
    /// One for each that did not load, for people.
    pub broken: Vec<WorkflowError>,
}

/// Loads the folder's, if one is given, and the shipped ones. A broken file keeps no other from loading.
#[must_use]
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
    for (name, toml, json) in shipped::FILES {
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
    let mut workflow = manifest.join(name, &file, graph)?;
    for style in &mut workflow.styles {
        style.example = style.example.as_ref().map(|example| folder.join(example));
    }
    Ok(workflow)
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
    WorkflowError::Read {
        path: path.to_owned(),
        why: error.to_string(),
    }
}
