//! Model files: the folder that a loader reads from, and the message when the server lacks a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::workflow::definition::Workflow;

/// The files that `GET /models/FOLDER` lists, by folder. Folders unknown to the server are left out.
pub(super) type Folders = BTreeMap<&'static str, BTreeSet<String>>;

/// ComfyUI's loaders: node class, prefix of the input (as in `clip_name1`), and folder below `models`.
/// Different nodes use the same input name for different folders.
const LOADERS: [(&str, &str, &str); 29] = [
    ("CheckpointLoader", "ckpt_name", "checkpoints"),
    ("CheckpointLoaderSimple", "ckpt_name", "checkpoints"),
    ("ImageOnlyCheckpointLoader", "ckpt_name", "checkpoints"),
    ("unCLIPCheckpointLoader", "ckpt_name", "checkpoints"),
    ("CreateHookModelAsLora", "ckpt_name", "checkpoints"),
    ("CreateHookModelAsLoraModelOnly", "ckpt_name", "checkpoints"),
    ("UNETLoader", "unet_name", "diffusion_models"),
    ("UnetLoaderGGUF", "unet_name", "unet"),
    ("CLIPLoader", "clip_name", "text_encoders"),
    ("DualCLIPLoader", "clip_name", "text_encoders"),
    ("TripleCLIPLoader", "clip_name", "text_encoders"),
    ("QuadrupleCLIPLoader", "clip_name", "text_encoders"),
    ("CLIPVisionLoader", "clip_name", "clip_vision"),
    ("VAELoader", "vae_name", "vae"),
    ("LoraLoader", "lora_name", "loras"),
    ("LoraLoaderModelOnly", "lora_name", "loras"),
    ("CreateHookLora", "lora_name", "loras"),
    ("CreateHookLoraModelOnly", "lora_name", "loras"),
    ("ControlNetLoader", "control_net_name", "controlnet"),
    ("DiffControlNetLoader", "control_net_name", "controlnet"),
    ("StyleModelLoader", "style_model_name", "style_models"),
    ("UpscaleModelLoader", "model_name", "upscale_models"),
    (
        "LatentUpscaleModelLoader",
        "model_name",
        "latent_upscale_models",
    ),
    ("GLIGENLoader", "gligen_name", "gligen"),
    ("HypernetworkLoader", "hypernetwork_name", "hypernetworks"),
    ("PhotoMakerLoader", "photomaker_model_name", "photomaker"),
    ("ModelPatchLoader", "name", "model_patches"),
    ("AudioEncoderLoader", "audio_encoder_name", "audio_encoders"),
    ("DiffusersLoader", "model_path", "diffusers"),
];

const MODEL_FILES: [&str; 9] = [
    "safetensors",
    "sft",
    "ckpt",
    "pt",
    "pt2",
    "pth",
    "bin",
    "gguf",
    "onnx",
];

/// The folder that an input of a node reads a model from, if known.
pub(super) fn folder_of(class: &str, input: &str) -> Option<&'static str> {
    let known = LOADERS
        .iter()
        .find(|(loader, name, _)| *loader == class && input.starts_with(name));
    known.map(|(_, _, folder)| *folder)
}

/// Whether a value has the extension of a model file.
pub(super) fn is_model_file(name: &str) -> bool {
    let end = name
        .rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase());
    end.is_some_and(|end| MODEL_FILES.contains(&end.as_str()))
}

/// The folders to list: those that the workflows use, and those where such files are put by mistake.
pub(super) fn folders_to_list(workflows: &[Workflow]) -> BTreeSet<&'static str> {
    let nodes = workflows.iter().flat_map(Workflow::nodes);
    let of_node = nodes.flat_map(|node| {
        let inputs = node.fixed.into_iter();
        inputs.filter_map(move |(input, _)| folder_of(node.class, input))
    });
    let mut folders: BTreeSet<_> = of_node.collect();
    if workflows.iter().any(Workflow::has_loras) {
        folders.insert("loras");
    }
    if !folders.is_empty() {
        folders.extend(["checkpoints", "diffusion_models", "text_encoders", "vae"]);
    }
    folders
}

/// The message for files of which a node offers none; one of them is enough.
pub(super) fn missing_file_message(
    class: &str,
    folder: Option<&'static str>,
    files: &[&str],
    folders: &Folders,
) -> String {
    let one_of = match files {
        [file] => format!("the file {file}"),
        several => format!("one of the files {}", several.join(", ")),
    };
    let Some(folder) = folder else {
        return format!("{one_of}: put it where the node {class} looks for it");
    };
    let lying_in = |folder: &str| {
        let there = folders.get(folder)?;
        files.iter().copied().find(|file| there.contains(*file))
    };
    if let Some(file) = lying_in(folder) {
        return format!(
            "the file {file}: it lies in ComfyUI's models/{folder}, but the node {class} does not offer \
             it: restart ComfyUI, or choose another loader in the workflow"
        );
    }
    let mut elsewhere = folders
        .keys()
        .filter_map(|other| Some((other, lying_in(other)?)));
    match elsewhere.next() {
        Some((other, file)) => format!(
            "the file {file}: it lies in ComfyUI's models/{other}, and this workflow takes it from \
             models/{folder}"
        ),
        None => format!("{one_of}: put it into ComfyUI's models/{folder}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::load;

    fn folders(listed: &[(&'static str, &str)]) -> Folders {
        let mut folders = Folders::new();
        for (folder, file) in listed {
            folders
                .entry(folder)
                .or_default()
                .insert((*file).to_owned());
        }
        folders
    }

    #[test]
    fn a_missing_file_is_reported_with_its_expected_and_actual_folder() {
        let told = |folders: &Folders| {
            missing_file_message("UNETLoader", Some("diffusion_models"), &["e", "f"], folders)
        };
        for nowhere in [folders(&[("diffusion_models", "g")]), Folders::new()] {
            let words = told(&nowhere);
            assert!(
                words == "one of the files e, f: put it into ComfyUI's models/diffusion_models",
                "{words}"
            );
        }
        let words = told(&folders(&[("diffusion_models", "g"), ("checkpoints", "f")]));
        assert!(
            words.contains("lies in ComfyUI's models/checkpoints"),
            "{words}"
        );
        let words = told(&folders(&[("diffusion_models", "f")]));
        assert!(words.contains("UNETLoader does not offer"), "{words}");
        let words = missing_file_message("Unheard", None, &["f.gguf"], &Folders::new());
        assert!(words.contains("where the node Unheard looks"), "{words}");
    }

    #[test]
    fn the_folder_depends_on_the_node_class() {
        assert_eq!(
            folder_of("DualCLIPLoader", "clip_name2"),
            Some("text_encoders")
        );
        assert_eq!(
            folder_of("CLIPVisionLoader", "clip_name"),
            Some("clip_vision")
        );
        assert_eq!(
            folder_of("UpscaleModelLoader", "model_name"),
            Some("upscale_models")
        );
        assert_eq!(folder_of("SomethingElse", "model_name"), None);
        assert_eq!(folder_of("KSampler", "sampler_name"), None);
    }

    #[test]
    fn only_folders_of_used_loaders_are_listed() {
        let asked = folders_to_list(&load(None).workflows);
        for folder in [
            "checkpoints",
            "diffusion_models",
            "text_encoders",
            "vae",
            "loras",
        ] {
            assert!(asked.contains(folder), "{folder}");
        }
        assert!(!asked.contains("clip_vision"), "{asked:?}");
        assert!(folders_to_list(&[]).is_empty());
    }
}
