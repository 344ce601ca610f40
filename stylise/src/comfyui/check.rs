//! Checks whether a server can run a workflow, by its descriptions of node classes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::comfyui::model_files::{Folders, folder_of, is_model_file, missing_file_message};
use crate::workflow::definition::Workflow;

/// What a server reports and can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Its version; servers of 2024 do not report one.
    pub version: Option<String>,
    /// Features that its version lacks, as text for people.
    pub too_old_for: Vec<String>,
    /// Whether a test picture on it could be overwritten.
    pub erases_pictures: bool,
    /// One per workflow, in the same order.
    pub workflows: Vec<WorkflowCheck>,
}

/// Whether the server can do one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkflowCheck {
    pub name: String,
    pub title: String,
    /// The ids of the styles that the server could make.
    pub styles: Vec<String>,
    /// What the server lacks, as text for people. Empty: ready.
    pub missing: Vec<String>,
    /// The styles that are left out, with what the server lacks for each.
    pub left_out: BTreeMap<String, String>,
}

/// Descriptions of node classes; `None` for a class that the server lacks.
pub(super) type Classes = BTreeMap<String, Option<Value>>;

impl WorkflowCheck {
    pub(super) fn of(workflow: &Workflow, classes: &Classes, folders: &Folders) -> Self {
        let left_out = left_out(workflow, classes, folders);
        Self {
            name: workflow.name.clone(),
            title: workflow.title.clone(),
            styles: workflow
                .styles
                .iter()
                .map(|style| style.id.clone())
                .filter(|style| !left_out.contains_key(style))
                .collect(),
            missing: missing(workflow, classes, folders),
            left_out,
        }
    }

    /// Whether the server can run the workflow now.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty() && !self.styles.is_empty()
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
        if node.id == workflow.output && is_output == Some(false) {
            lacks.push(format!(
                "a picture at node {} ({}): `output` has to name a PreviewImage or SaveImage",
                node.id, node.class
            ));
        }
        let wrong = |(input, value)| refusal_reason(node.class, class, input, value, folders);
        lacks.extend(node.fixed.into_iter().filter_map(wrong));
    }
    lacks.sort();
    lacks.dedup();
    lacks
}

/// The styles with a LoRA that its loader does not offer.
fn left_out(workflow: &Workflow, classes: &Classes, folders: &Folders) -> BTreeMap<String, String> {
    let mut left_out = BTreeMap::new();
    for style in &workflow.styles {
        for (loader, lora) in workflow.loras_of(style) {
            let Some(Some(class)) = classes.get(loader) else {
                continue;
            };
            let file = Value::from(lora.file.as_str());
            if let Some(why) = refusal_reason(loader, class, "lora_name", &file, folders) {
                left_out.insert(style.id.clone(), why);
            }
        }
    }
    left_out
}

/// Why ComfyUI would refuse a value. Only inputs with a list of choices are checked; inputs that accept
/// uploads are validated by the node itself.
fn refusal_reason(
    name: &str,
    class: &Value,
    input: &str,
    value: &Value,
    folders: &Folders,
) -> Option<String> {
    let offered = choices(class, input)?;
    if offered.iter().any(|one| is_same(one, value)) {
        return None;
    }
    let folder = folder_of(name, input);
    Some(match value.as_str() {
        Some(file) if folder.is_some() || is_model_file(file) => {
            missing_file_message(name, folder, file, folders)
        }
        _ => choice(name, input, value),
    })
}

/// Compares as Python does: 1 equals 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other
        || one
            .as_f64()
            .is_some_and(|number| other.as_f64() == Some(number))
}

/// The choices of an input: `[[...], {}]`, in newer nodes `["COMBO", {"options": [...]}]`. `None` if other
/// values are accepted too.
fn choices<'a>(class: &'a Value, input: &str) -> Option<&'a Vec<Value>> {
    let inputs = class.get("input")?;
    let kind = |kind: &str| inputs.get(kind)?.get(input);
    let input = kind("required").or_else(|| kind("optional"))?;
    let is_open = |(key, value): (&String, &Value)| {
        let is_on = !matches!(value, Value::Null | Value::Bool(false));
        is_on && (key.ends_with("_upload") || key == "remote")
    };
    let settings = input.get(1).and_then(Value::as_object);
    if settings.into_iter().flatten().any(is_open) {
        return None;
    }
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
        let mut named = all.into_iter().filter(|workflow| workflow.name == name);
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
    fn a_complete_server_is_ready() {
        assert_eq!(
            missing(&shipped("flux-schnell"), &server(), &Folders::new()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn missing_nodes_and_files_are_named() {
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

    fn workflow(graph: Value) -> Workflow {
        let toml = "title = \"T\"\nworkflow = \"t.json\"\noutput = \"3\"\n[bind]\nimage = \"1.image\"\n\
                [[styles]]\nid = \"a\"\ntitle = \"A\"";
        Workflow::parse("t", toml, &graph.to_string()).expect("valid")
    }

    #[test]
    fn only_needed_nodes_are_checked_and_acceptable_values_pass() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "p.jpg"}},
            "2": {"class_type": "Mixed", "inputs": {"image": ["1", 0], "logo": "logo.png", "size": 1, "free": "x.pt", "extra": ["a", "b", "c"]}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
            "8": {"class_type": "LoadImage", "inputs": {"image": "comfy_logo_blue.png"}},
            "9": {"class_type": "NobodyHasIt", "inputs": {"images": ["8", 0], "gone": ["77", 0]}},
        });
        let mut server = server();
        let inputs = json!({"logo": [["other.png"], {"image_upload": true}], "size": [[1.0, 2.0]], "free": ["STRING", {}]});
        server.insert("Mixed".to_owned(), class(inputs, false));
        let told = missing(&workflow(graph), &server, &Folders::new());
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn a_missing_file_names_the_folder_of_its_node() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "p.jpg"}},
            "2": {"class_type": "CLIPVisionLoader", "inputs": {"clip_name": "sig.safetensors"}},
            "4": {"class_type": "Own", "inputs": {"model_name": "face.onnx", "mode": "fast", "x": ["2", 0], "image": ["1", 0]}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}},
        });
        let mut server = server();
        server.insert(
            "CLIPVisionLoader".to_owned(),
            class(json!({"clip_name": [[]]}), false),
        );
        server.insert(
            "Own".to_owned(),
            class(json!({"model_name": [[]], "mode": [["slow"]]}), false),
        );
        let told = missing(&workflow(graph), &server, &Folders::new()).join("\n");
        assert!(
            told.contains("sig.safetensors: put it into ComfyUI's models/clip_vision"),
            "{told}"
        );
        assert!(
            told.contains("face.onnx: put it where the node Own looks"),
            "{told}"
        );
        assert!(told.contains("fast as mode of the node Own"), "{told}");
    }
}
