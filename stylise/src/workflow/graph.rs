//! A workflow as ComfyUI exports it in API format: `{"ID": {"class_type", "inputs", "_meta"}}`.

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
            let why = "this is ComfyUI's own save format. Export it in API format: in ComfyUI, menu \
                       Workflow, Export (API); in old versions switch on the dev mode options first";
            return Err(wrong(why.to_owned()));
        }
        if nodes.is_empty() {
            return Err(wrong("there are no nodes in it".to_owned()));
        }
        for (id, node) in &nodes {
            check_node(&nodes, id, node).map_err(wrong)?;
        }
        Ok(Self { nodes })
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
            Some(Value::Array(link)) => {
                let from = link.first().and_then(Value::as_str).unwrap_or_default();
                Err(format!(
                    "`{input}` of node {id} ({class}) comes from node {from}: bind an input there"
                ))
            }
            Some(_) => Ok(Slot {
                node: id.to_owned(),
                input: input.to_owned(),
            }),
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

fn check_node(nodes: &Map<String, Value>, id: &str, node: &Value) -> Result<(), String> {
    if class(node).is_none() {
        return Err(format!(
            "node {id} has no class_type: this is no workflow in API format (ComfyUI: menu Workflow, \
             Export (API))"
        ));
    }
    let Some(inputs) = inputs(node) else {
        return Err(format!("node {id} has no inputs"));
    };
    for (input, value) in inputs {
        let from = value.as_array().and_then(|link| link.first()?.as_str());
        if let Some(from) = from.filter(|from| !nodes.contains_key(*from)) {
            return Err(format!(
                "`{input}` of node {id} comes from node {from}, which is not there: export it again"
            ));
        }
    }
    Ok(())
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
