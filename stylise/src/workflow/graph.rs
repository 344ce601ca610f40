//! A workflow as ComfyUI exports it in API format: `{"ID": {"class_type", "inputs", "_meta"}}`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::WorkflowError;

/// The nodes, checked: each has a class, and each link leads to a node.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    nodes: Map<String, Value>,
}

/// One input of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) node: String,
    pub(super) input: String,
}

/// Why a name of a node or an input leads nowhere.
pub(super) type Nowhere = String;

impl Graph {
    pub(super) fn parse(file: &str, json: &str) -> Result<Self, WorkflowError> {
        let wrong = |why: String| WorkflowError::graph(file, why);
        // Editors of Windows write a byte order mark first; JSON does not know it.
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

    /// Leaves the nodes that `output` depends on, and no others: they are not sent, so that they need not be
    /// there, and no other output runs.
    pub(super) fn keep_needed(&mut self, output: &str) -> Result<(), Nowhere> {
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

    /// The id of what is called so: an id wins over a title.
    pub(super) fn node(&self, name: &str) -> Result<&str, Nowhere> {
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

    /// What `NODE.INPUT` means. Titles may have dots, inputs do not.
    pub(super) fn slot(&self, name: &str) -> Result<Slot, Nowhere> {
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
                None => Ok(Slot {
                    node: id.to_owned(),
                    input: input.to_owned(),
                }),
            },
        }
    }

    pub(super) fn class(&self, id: &str) -> &str {
        self.nodes.get(id).and_then(class).unwrap_or_default()
    }

    /// The value of an input.
    pub(super) fn value(&self, slot: &Slot) -> Option<&Value> {
        inputs(self.nodes.get(&slot.node)?)?.get(&slot.input)
    }

    /// Sets an input that [`Self::slot`] found.
    pub(super) fn set(&mut self, slot: &Slot, value: Value) {
        let node = self.nodes.get_mut(&slot.node);
        let inputs = node
            .and_then(|node| node.get_mut("inputs"))
            .and_then(Value::as_object_mut);
        if let Some(inputs) = inputs {
            inputs.insert(slot.input.clone(), value);
        }
    }

    /// Whether a node loads a LoRA, as ComfyUI's LoraLoader does.
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
            let slot = Slot {
                node: id.to_owned(),
                input: input.to_owned(),
            };
            if self.value(&slot).is_some_and(|value| link(value).is_none()) {
                self.set(&slot, value);
            }
        }
    }

    /// Takes the loader of a LoRA out: who had the model and the CLIP from it has them from where it had
    /// them.
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

/// The node that a value comes from, and which of its outputs: `["ID", 0]`, and nothing else that is a list.
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
