//! Checks whether a server can run a workflow, by its descriptions of node classes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::comfyui::model_files::{Folders, folder_of, is_model_file, missing_file_message};
use crate::workflow::definition::{ModelFile, Workflow};

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
    /// The model files to use instead of the exported ones.
    pub files: Vec<ModelFile>,
}

/// Descriptions of node classes; `None` for a class that the server lacks.
pub(super) type Classes = BTreeMap<String, Option<Value>>;

impl WorkflowCheck {
    pub(super) fn of(workflow: &Workflow, classes: &Classes, folders: &Folders) -> Self {
        let left_out = left_out(workflow, classes, folders);
        let (files, missing) = examine(workflow, classes, folders);
        Self {
            name: workflow.name.clone(),
            title: workflow.title.clone(),
            styles: workflow
                .styles
                .iter()
                .map(|style| style.id.clone())
                .filter(|style| !left_out.contains_key(style))
                .collect(),
            missing,
            left_out,
            files,
        }
    }

    /// Whether the server can run the workflow now.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty() && !self.styles.is_empty()
    }
}

/// The model files to use instead of the exported ones, and what the server lacks.
fn examine(
    workflow: &Workflow,
    classes: &Classes,
    folders: &Folders,
) -> (Vec<ModelFile>, Vec<String>) {
    let (mut files, mut lacks) = (Vec::new(), Vec::new());
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
        for (input, exported) in node.fixed {
            let Some(offered) = choices(class, input) else {
                continue;
            };
            let names = workflow.file_names(node.id, input);
            let wanted = names.map_or_else(
                || vec![exported.clone()],
                |names| names.iter().cloned().map(Value::String).collect(),
            );
            match choose(&wanted, offered) {
                None => lacks.push(refusal(node.class, input, &wanted, folders)),
                Some(Value::String(file)) if exported != file => files.push(ModelFile {
                    node: node.id.to_owned(),
                    input: input.to_owned(),
                    file: file.clone(),
                }),
                Some(_) => {}
            }
        }
    }
    lacks.sort();
    lacks.dedup();
    (files, lacks)
}

/// The styles with a LoRA that its loader does not offer.
fn left_out(workflow: &Workflow, classes: &Classes, folders: &Folders) -> BTreeMap<String, String> {
    let mut left_out = BTreeMap::new();
    for style in &workflow.styles {
        for (loader, lora) in workflow.loras_of(style) {
            let class = classes.get(loader).and_then(Option::as_ref);
            let Some(offered) = class.and_then(|class| choices(class, "lora_name")) else {
                continue;
            };
            let file = Value::from(lora.file.as_str());
            if !offered.contains(&file) {
                let why = refusal(loader, "lora_name", &[file], folders);
                left_out.insert(style.id.clone(), why);
            }
        }
    }
    left_out
}

/// The first wanted value that is offered. A model file may be offered in a subfolder.
fn choose<'a>(wanted: &[Value], offered: &'a [Value]) -> Option<&'a Value> {
    wanted.iter().find_map(|wanted| {
        let exact = offered.iter().find(|one| is_same(one, wanted));
        exact.or_else(|| offered.iter().find(|one| is_in_subfolder(one, wanted)))
    })
}

fn is_in_subfolder(offered: &Value, wanted: &Value) -> bool {
    let (Some(path), Some(file)) = (offered.as_str(), wanted.as_str()) else {
        return false;
    };
    let is_below = path
        .rsplit_once(['/', '\\'])
        .is_some_and(|(_, name)| name == file);
    is_below && is_model_file(file)
}

/// Why ComfyUI would refuse all these values of an input.
fn refusal(loader: &str, input: &str, wanted: &[Value], folders: &Folders) -> String {
    let folder = folder_of(loader, input);
    let files: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
    if files
        .iter()
        .any(|file| folder.is_some() || is_model_file(file))
    {
        return missing_file_message(loader, folder, &files, folders);
    }
    let values = wanted.iter().map(|value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    });
    let values = values.collect::<Vec<_>>().join(" or ");
    format!(
        "{values} as {input} of the node {loader}: update ComfyUI, or choose another in the workflow"
    )
}

/// Compares as Python does: 1 equals 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other
        || one
            .as_f64()
            .is_some_and(|number| other.as_f64() == Some(number))
}

/// The choices of an input: `[[...], {}]`, in newer nodes `["COMBO", {"options": [...]}]`. `None` if other
/// values are accepted too: inputs that accept uploads are validated by the node itself.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workflow::load;

    fn missing(workflow: &Workflow, classes: &Classes) -> Vec<String> {
        examine(workflow, classes, &Folders::new()).1
    }

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
            ("LoraLoaderModelOnly", class(json!({}), false)),
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
            examine(&shipped("flux-schnell"), &server(), &Folders::new()),
            (Vec::new(), Vec::new())
        );
    }

    #[test]
    fn missing_nodes_and_files_are_named() {
        let told = missing(&shipped("flux-schnell-split"), &server());
        assert!(told.iter().any(|it| it.contains("UNETLoader")), "{told:?}");
        let mut server = server();
        server.insert(
            "CheckpointLoaderSimple".to_owned(),
            class(json!({"ckpt_name": [[], {}]}), false),
        );
        server.insert("PreviewImage".to_owned(), class(json!({}), false));
        let told = missing(&shipped("flux-schnell"), &server);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[1].contains("flux1-schnell-fp8.safetensors")
                && told[1].contains("models/checkpoints"),
            "{told:?}"
        );
        let nothing = missing(&shipped("flux-schnell"), &Classes::new());
        assert_eq!(nothing.len(), 9, "{nothing:?}");
    }

    #[test]
    fn the_first_listed_file_that_is_offered_is_used() {
        let klein = shipped("flux2-klein");
        let loader = |input: &str, files: &[&str]| class(json!({input: [files, {}]}), false);
        let mut server = server();
        for class_name in [
            "ReferenceLatent",
            "BasicGuider",
            "RandomNoise",
            "Flux2Scheduler",
            "EmptyFlux2LatentImage",
            "SamplerCustomAdvanced",
        ] {
            server.insert(class_name.to_owned(), class(json!({}), false));
        }
        let sampler = class(json!({"sampler_name": [["euler"]]}), false);
        server.insert("KSamplerSelect".to_owned(), sampler);
        let mut has = |unet: &[&str]| {
            server.insert("UNETLoader".to_owned(), loader("unet_name", unet));
            let text = class(
                json!({"clip_name": [["qwen\\qwen_3_4b.safetensors"]], "type": [["flux2"]]}),
                false,
            );
            server.insert("CLIPLoader".to_owned(), text);
            let vae = loader("vae_name", &["flux2-vae.safetensors"]);
            server.insert("VAELoader".to_owned(), vae);
            examine(&klein, &server, &Folders::new())
        };
        let (fp8, bf16) = (
            "flux-2-klein-4b-fp8.safetensors",
            "flux-2-klein-4b.safetensors",
        );
        let encoder = ModelFile {
            node: "11".to_owned(),
            input: "clip_name".to_owned(),
            file: "qwen\\qwen_3_4b.safetensors".to_owned(),
        };
        let model = ModelFile {
            node: "10".to_owned(),
            input: "unet_name".to_owned(),
            file: bf16.to_owned(),
        };
        assert_eq!(
            has(&["x.safetensors", fp8]),
            (vec![encoder.clone()], vec![])
        );
        assert_eq!(has(&[fp8, bf16]), (vec![model, encoder], vec![]));
        let (_, missing) = has(&["x.safetensors"]);
        assert_eq!(
            missing,
            [format!(
                "one of the files {bf16}, {fp8}: put it into ComfyUI's models/diffusion_models"
            )]
        );
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
        let told = missing(&workflow(graph), &server);
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
        let told = missing(&workflow(graph), &server).join("\n");
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
