//! Whether a server can do a workflow, by what it says of its nodes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::files::{Folders, complaint, folder_of};
use crate::workflow::Workflow;

/// What a server is and can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// As it says itself; servers of 2024 do not.
    pub version: Option<String>,
    /// One for each workflow, in their order.
    pub workflows: Vec<WorkflowCheck>,
}

/// Whether the server can do one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkflowCheck {
    /// The name of its files.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What it would make.
    pub styles: Vec<String>,
    /// What the server lacks for it, for people; empty: ready.
    pub missing: Vec<String>,
}

/// What the server says of each class; none: it does not have it.
pub(super) type Classes = BTreeMap<String, Option<Value>>;

impl WorkflowCheck {
    pub(super) fn of(workflow: &Workflow, classes: &Classes, folders: &Folders) -> Self {
        Self {
            name: workflow.name().to_owned(),
            title: workflow.title().to_owned(),
            styles: workflow
                .styles()
                .iter()
                .map(|style| style.id.clone())
                .collect(),
            missing: missing(workflow, classes, folders),
        }
    }

    /// Whether the server can do it now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }
}

fn missing(workflow: &Workflow, classes: &Classes, folders: &Folders) -> Vec<String> {
    let mut lacks = Vec::new();
    for node in workflow.nodes() {
        let Some(Some(class)) = classes.get(node.class) else {
            lacks.push(format!(
                "the node {}: install it, or update ComfyUI",
                node.class
            ));
            continue;
        };
        let is_output = class.get("output_node").and_then(Value::as_bool);
        if node.id == workflow.output() && is_output == Some(false) {
            lacks.push(format!(
                "a picture at node {} ({}): `output` has to name a PreviewImage or SaveImage",
                node.id, node.class
            ));
        }
        for (input, value) in node.fixed {
            let offered = choices(class, input).map(|offered| offered.contains(value));
            lacks.extend(match (folder_of(input), value.as_str()) {
                (Some(folder), Some(file)) => complaint(node.class, folder, file, offered, folders),
                _ if offered == Some(false) => Some(choice(node.class, input, value)),
                _ => None,
            });
        }
    }
    lacks.sort();
    lacks.dedup();
    lacks
}

/// What an input may be, where that is a list: `[[...], {}]`, and in newer nodes
/// `["COMBO", {"options": [...]}]`.
fn choices<'a>(class: &'a Value, input: &str) -> Option<&'a Vec<Value>> {
    let inputs = class.get("input")?;
    let kind = |kind: &str| inputs.get(kind)?.get(input);
    let input = kind("required").or_else(|| kind("optional"))?;
    match input.get(0)? {
        Value::Array(list) => Some(list),
        Value::String(combo) if combo == "COMBO" => input.get(1)?.get("options")?.as_array(),
        _ => None,
    }
}

fn choice(class: &str, input: &str, value: &Value) -> String {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    format!("{value} as {input} of the node {class}: choose another in the workflow")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workflow::load;

    fn shipped(name: &str) -> Workflow {
        let all = load(None).workflows;
        let mut named = all.into_iter().filter(|workflow| workflow.name() == name);
        named.next().expect("shipped")
    }

    fn class(inputs: Value, output_node: bool) -> Option<Value> {
        Some(json!({"input": {"required": inputs}, "output_node": output_node}))
    }

    fn server() -> Classes {
        let all = [
            (
                "CheckpointLoaderSimple",
                class(
                    json!({"ckpt_name": [["flux1-schnell-fp8.safetensors"], {}]}),
                    false,
                ),
            ),
            (
                "LoadImage",
                class(
                    json!({"image": [["other.png"], {"image_upload": true}]}),
                    false,
                ),
            ),
            (
                "ImageScale",
                class(
                    json!({"upscale_method": ["COMBO", {"options": ["lanczos"]}], "crop": [["center"]]}),
                    false,
                ),
            ),
            ("VAEEncode", class(json!({}), false)),
            (
                "CLIPTextEncode",
                class(json!({"text": ["STRING", {}]}), false),
            ),
            (
                "KSampler",
                class(
                    json!({"sampler_name": [["euler"], {}], "scheduler": [["simple"]]}),
                    false,
                ),
            ),
            ("VAEDecode", class(json!({}), false)),
            ("PreviewImage", class(json!({}), true)),
        ];
        all.into_iter()
            .map(|(name, class)| (name.to_owned(), class))
            .collect()
    }

    #[test]
    fn a_server_with_everything_is_ready_and_bound_values_are_not_asked_for() {
        assert_eq!(
            missing(&shipped("flux-schnell"), &server(), &Folders::new()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_folder() {
        let told = missing(&shipped("flux-schnell-split"), &server(), &Folders::new());
        assert!(told.iter().any(|it| it.contains("UNETLoader")), "{told:?}");
        let mut server = server();
        server.insert(
            "CheckpointLoaderSimple".to_owned(),
            class(json!({"ckpt_name": [[], {}]}), false),
        );
        server.insert("PreviewImage".to_owned(), class(json!({}), false));
        let told = missing(&shipped("flux-schnell"), &server, &Folders::new());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[1].contains("flux1-schnell-fp8.safetensors")
                && told[1].contains("models/checkpoints"),
            "{told:?}"
        );
        let nothing = missing(&shipped("sdxl-turbo"), &Classes::new(), &Folders::new());
        assert_eq!(nothing.len(), 8, "{nothing:?}");
    }
}
