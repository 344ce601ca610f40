//! A workflow graph in ComfyUI's API format: `{"ID": {"class_type", "inputs", "_meta"}}`.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Map, Value};
use thiserror::Error;

/// Validated nodes: each has a class and inputs.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    nodes: Map<String, Value>,
}

/// An input of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeInput {
    pub(super) node: String,
    pub(super) input: String,
}

impl Graph {
    pub(super) fn parse(file: &str, json: &str) -> Result<Self, WorkflowError> {
        let wrong = |why: String| WorkflowError::new(file, why);
        // Windows editors write a byte order mark, which JSON does not allow.
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let value =
            serde_json::from_str(json).map_err(|error| wrong(format!("not JSON: {error}")))?;
        let Value::Object(nodes) = value else {
            return Err(wrong(
                "not a workflow: an object of nodes is expected".to_owned(),
            ));
        };
        if nodes.get("nodes").is_some_and(Value::is_array) {
            let why = "this is ComfyUI's own save format. Export it in API format: in ComfyUI, menu File, \
                       Export (API); in old versions Workflow, Export (API), or Save (API format) with the dev \
                       mode options switched on";
            return Err(wrong(why.to_owned()));
        }
        if nodes.is_empty() {
            return Err(wrong("there are no nodes in it".to_owned()));
        }
        for (id, node) in &nodes {
            check_node(id, node).map_err(wrong)?;
        }
        Ok(Self { nodes })
    }

    /// Removes the nodes that `output` does not depend on: they are not sent, so the server need not have
    /// them and no other output runs.
    pub(super) fn keep_needed(&mut self, output: &str) -> Result<(), String> {
        let mut needed = BTreeSet::new();
        let mut next = vec![output.to_owned()];
        while let Some(id) = next.pop() {
            let Some(inputs) = self.nodes.get(&id).and_then(inputs) else {
                continue;
            };
            for (input, value) in inputs {
                let Some((from, _)) = link(value) else {
                    continue;
                };
                if !self.nodes.contains_key(from) {
                    return Err(format!(
                        "`{input}` of node {id} comes from node {from}, which is not there: export it again"
                    ));
                }
                if !needed.contains(from) {
                    next.push(from.to_owned());
                }
            }
            needed.insert(id);
        }
        self.nodes.retain(|id, _| needed.contains(id));
        Ok(())
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &str, &Map<String, Value>)> {
        self.nodes
            .iter()
            .filter_map(|(id, node)| Some((id.as_str(), class(node)?, inputs(node)?)))
    }

    /// The id of the node with this id or title; an id takes precedence.
    pub(super) fn node(&self, name: &str) -> Result<&str, String> {
        if let Some((id, _)) = self.nodes.get_key_value(name) {
            return Ok(id);
        }
        let titled: Vec<&str> = self
            .nodes
            .iter()
            .filter(|(_, node)| title(node) == Some(name))
            .map(|(id, _)| id.as_str())
            .collect();
        match titled.as_slice() {
            [id] => Ok(id),
            [] => Err(format!(
                "there is no node `{name}`; there are {}",
                self.names()
            )),
            several => Err(format!(
                "the nodes {} are all called `{name}`: name one by its id, or rename them",
                several.join(" and ")
            )),
        }
    }

    /// Resolves `NODE.INPUT`. Titles may contain dots, input names do not.
    pub(super) fn node_input(&self, name: &str) -> Result<NodeInput, String> {
        let Some((node, input)) = name.rsplit_once('.') else {
            return Err(format!(
                "`{name}` is not NODE.INPUT, such as \"20.image\" or \"Load Image.image\""
            ));
        };
        let id = self.node(node)?;
        let (class, inputs) = self.nodes.get(id).map_or(("", None), |node| {
            (class(node).unwrap_or_default(), inputs(node))
        });
        match inputs.and_then(|inputs| inputs.get(input)) {
            None => {
                let known: Vec<_> = inputs.into_iter().flat_map(Map::keys).cloned().collect();
                let known = known.join(", ");
                Err(format!(
                    "node {id} ({class}) has no input `{input}`; it has {known}"
                ))
            }
            Some(value) => match link(value) {
                Some((from, _)) => Err(format!(
                    "`{input}` of node {id} ({class}) comes from node {from}: bind an input there"
                )),
                None => Ok(NodeInput {
                    node: id.to_owned(),
                    input: input.to_owned(),
                }),
            },
        }
    }

    pub(super) fn class(&self, id: &str) -> &str {
        self.nodes.get(id).and_then(class).unwrap_or_default()
    }

    pub(super) fn value(&self, node_input: &NodeInput) -> Option<&Value> {
        inputs(self.nodes.get(&node_input.node)?)?.get(&node_input.input)
    }

    /// Sets an input that [`Self::node_input`] returned.
    pub(super) fn set(&mut self, node_input: &NodeInput, value: Value) {
        let node = self.nodes.get_mut(&node_input.node);
        let inputs = node
            .and_then(|node| node.get_mut("inputs"))
            .and_then(Value::as_object_mut);
        if let Some(inputs) = inputs {
            inputs.insert(node_input.input.clone(), value);
        }
    }

    /// Whether a node loads a LoRA like ComfyUI's LoraLoader.
    pub(super) fn loads_lora(&self, id: &str) -> bool {
        let inputs = self.nodes.get(id).and_then(inputs);
        inputs.is_some_and(|inputs| {
            let is_linked = inputs.get("model").and_then(link).is_some();
            is_linked && inputs.contains_key("lora_name") && inputs.contains_key("strength_model")
        })
    }

    pub(super) fn load_lora(&mut self, id: &str, file: &str, strength: f64) {
        for (input, value) in [
            ("lora_name", Value::from(file)),
            ("strength_model", strength.into()),
            ("strength_clip", strength.into()),
        ] {
            let node_input = NodeInput {
                node: id.to_owned(),
                input: input.to_owned(),
            };
            if self
                .value(&node_input)
                .is_some_and(|value| link(value).is_none())
            {
                self.set(&node_input, value);
            }
        }
    }

    /// Removes a LoRA loader and links its consumers to its own sources of model and CLIP.
    pub(super) fn bypass_lora(&mut self, id: &str) {
        let Some(loader) = self.nodes.remove(id) else {
            return;
        };
        let sources = ["model", "clip"].map(|input| inputs(&loader)?.get(input).cloned());
        let all = self.nodes.values_mut();
        let all = all.filter_map(|node| node.get_mut("inputs")?.as_object_mut());
        for value in all.flat_map(Map::values_mut) {
            let source = match link(value) {
                Some((from, 0)) if from == id => &sources[0],
                Some((from, 1)) if from == id => &sources[1],
                _ => continue,
            };
            if let Some(source) = source {
                value.clone_from(source);
            }
        }
    }

    pub(super) fn into_json(self) -> Value {
        Value::Object(self.nodes)
    }

    fn names(&self) -> String {
        let mut names: Vec<String> = self
            .nodes
            .iter()
            .map(|(id, node)| match title(node) {
                Some(title) => format!("{id} ({title})"),
                None => format!("{id} ({})", class(node).unwrap_or_default()),
            })
            .collect();
        names.sort();
        names.join(", ")
    }
}

fn check_node(id: &str, node: &Value) -> Result<(), String> {
    if class(node).is_none() {
        return Err(format!(
            "node {id} has no class_type: this is no workflow in API format (ComfyUI: menu File, Export (API))"
        ));
    }
    if inputs(node).is_none() {
        return Err(format!("node {id} has no inputs"));
    }
    Ok(())
}

/// The node and output that a value is linked to: `["ID", 0]`, not any other list.
fn link(value: &Value) -> Option<(&str, u64)> {
    let [from, output] = value.as_array()?.as_slice() else {
        return None;
    };
    Some((from.as_str()?, output.as_f64()? as u64))
}

fn class(node: &Value) -> Option<&str> {
    node.get("class_type")?.as_str()
}

fn inputs(node: &Value) -> Option<&Map<String, Value>> {
    node.get("inputs")?.as_object()
}

fn title(node: &Value) -> Option<&str> {
    node.get("_meta")?.get("title")?.as_str()
}

/// Why a workflow did not load. Names the file and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}: {why}")]
pub struct WorkflowError {
    file: String,
    why: String,
}

impl WorkflowError {
    pub(super) fn new(file: &str, why: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            why: why.into(),
        }
    }

    /// A key of the TOML is invalid.
    pub(super) fn key(file: &str, key: &str, why: impl Display) -> Self {
        Self::new(file, format!("{key}: {why}"))
    }
}
