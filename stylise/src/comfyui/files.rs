//! Model files: which folder of the server an input takes its file from, and what to say when the file
//! is not offered there.

use std::collections::{BTreeMap, BTreeSet};

use crate::workflow::Workflow;

/// What `GET /models/FOLDER` lists, by folder; a folder that the server does not know is left out.
pub(super) type Folders = BTreeMap<&'static str, BTreeSet<String>>;

/// Inputs begin with the first, as in `clip_name1`; the folder below ComfyUI's `models` is the second.
const FOLDERS: [(&str, &str); 9] = [
    ("ckpt_name", "checkpoints"),
    ("unet_name", "diffusion_models"),
    ("clip_name", "text_encoders"),
    ("vae_name", "vae"),
    ("lora_name", "loras"),
    ("control_net_name", "controlnet"),
    ("style_model_name", "style_models"),
    ("model_name", "upscale_models"),
    ("clip_vision", "clip_vision"),
];

/// The folder of an input that names a model file.
pub(super) fn folder_of(input: &str) -> Option<&'static str> {
    let known = FOLDERS.iter().find(|(name, _)| input.starts_with(name));
    known.map(|(_, folder)| *folder)
}

/// The folders worth asking for: those in which the workflows look for files, and those in which such
/// files end up by mistake.
pub(super) fn worth_asking(workflows: &[Workflow]) -> BTreeSet<&'static str> {
    let nodes = workflows.iter().flat_map(Workflow::nodes);
    let inputs = nodes.flat_map(|node| node.fixed);
    let mut folders: BTreeSet<_> = inputs.filter_map(|(input, _)| folder_of(input)).collect();
    if !folders.is_empty() {
        folders.extend(["checkpoints", "diffusion_models", "text_encoders", "vae"]);
    }
    folders
}

/// What is wrong with a file that a node takes from `folder`; none: it is there.
///
/// `offered`: whether the node itself lists it; none when the node lists nothing, so that only the
/// folders can tell.
pub(super) fn complaint(
    class: &str,
    folder: &str,
    file: &str,
    offered: Option<bool>,
    folders: &Folders,
) -> Option<String> {
    let lies_in = |folder: &str| folders.get(folder).map(|files| files.contains(file));
    match (offered, lies_in(folder)) {
        // What the node lists is what it takes: some offer more than lies in the folder.
        (Some(true), _) | (None, Some(true) | None) => return None,
        (Some(false), Some(true)) => {
            return Some(format!(
                "the file {file}: it lies in ComfyUI's models/{folder}, but the node {class} does not \
                 offer it: restart ComfyUI, or choose another loader in the workflow"
            ));
        }
        _ => {}
    }
    let elsewhere = folders.keys().find(|other| lies_in(other) == Some(true));
    Some(match elsewhere {
        Some(other) => format!(
            "the file {file}: it lies in ComfyUI's models/{other}, and this workflow takes it from \
             models/{folder}"
        ),
        None => format!("the file {file}: put it into ComfyUI's models/{folder}"),
    })
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
    fn what_the_node_offers_is_there_and_what_nobody_lists_is_believed() {
        let told =
            |offered, folders: &Folders| complaint("VAELoader", "vae", "a", offered, folders);
        // `taesd` of VAELoader is made of two files of another folder.
        assert_eq!(told(Some(true), &folders(&[("vae", "b")])), None);
        assert_eq!(told(None, &folders(&[("vae", "a")])), None);
        assert_eq!(told(None, &Folders::new()), None, "an old server");
    }

    #[test]
    fn a_missing_file_is_named_with_the_place_for_it_and_the_one_where_it_lies() {
        let told = |offered, folders: &Folders| {
            complaint("UNETLoader", "diffusion_models", "f", offered, folders).expect("missing")
        };
        let nowhere = folders(&[("diffusion_models", "g")]);
        for offered in [None, Some(false)] {
            let words = told(offered, &nowhere);
            assert!(
                words.ends_with("put it into ComfyUI's models/diffusion_models"),
                "{words}"
            );
        }
        let words = told(Some(false), &Folders::new());
        assert!(words.contains("put it into"), "{words}");
        let wrong_place = folders(&[("diffusion_models", "g"), ("checkpoints", "f")]);
        let words = told(None, &wrong_place);
        assert!(
            words.contains("lies in ComfyUI's models/checkpoints"),
            "{words}"
        );
        let unseen = folders(&[("diffusion_models", "f")]);
        let words = told(Some(false), &unseen);
        assert!(words.contains("UNETLoader does not offer"), "{words}");
    }

    #[test]
    fn only_workflows_with_files_make_it_ask_for_folders() {
        let asked = worth_asking(&load(None).workflows);
        assert!(asked.contains("checkpoints") && asked.contains("text_encoders"));
        assert!(!asked.contains("loras"));
        assert!(worth_asking(&[]).is_empty());
        assert_eq!(folder_of("clip_name2"), Some("text_encoders"));
        assert_eq!(folder_of("sampler_name"), None);
    }
}
