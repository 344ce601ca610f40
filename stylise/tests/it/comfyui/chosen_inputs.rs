//! What an order contains besides the photo: the model files that the server has, and a reference picture.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use stylise::comfyui::Comfyui;
use stylise::workflow::load;
use stylise::{JobId, Stylist};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::{eventually, settings, styled};

/// The test workflow with a model and a reference picture.
const TOML: &str = r#"
title = "Chosen"
workflow = "chosen.json"
output = "Result"
[files]
"Model.unet_name" = ["best.safetensors", "good.safetensors"]
[bind]
image = "Photo.image"
reference = "Look.image"
[[styles]]
id = "chosen"
title = "Chosen"
reference = "look.jpg"
"#;

fn graph() -> Value {
    let text = include_str!("../../comfyui/carrier-test.json");
    let mut graph: Value = serde_json::from_str(text).expect("JSON");
    graph["5"] = json!({"class_type": "LoadImage", "inputs": {"image": "x.jpg"}, "_meta": {"title": "Look"}});
    graph["6"] = json!({"class_type": "UNETLoader", "inputs": {"unet_name": "exported.safetensors"}, "_meta": {"title": "Model"}});
    graph["3"]["inputs"]["look"] = json!(["5", 0]);
    graph["3"]["inputs"]["model"] = json!(["6", 0]);
    graph
}

#[test]
fn the_servers_model_file_and_the_reference_picture_are_sent() {
    let folder = std::env::temp_dir().join(format!("carrier-chosen-{}", JobId::random()));
    fs::create_dir_all(&folder).expect("a folder");
    let look = vec![7; 5000];
    fs::write(folder.join("look.jpg"), &look).expect("written");
    fs::write(folder.join("chosen.json"), graph().to_string()).expect("written");
    fs::write(folder.join("chosen.toml"), TOML).expect("written");
    let loaded = load(Some(&folder));
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);

    let server = FakeServer::start();
    server.state().behaviour.files = BTreeMap::from([(
        "diffusion_models",
        vec!["flux/good.safetensors", "other.gguf"],
    )]);
    let client = Comfyui::connect(&settings(&server.url()), loaded.workflows, None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let notes = RecordingContext::default();
    client
        .stylise(&styled("chosen", None), &notes)
        .expect("a picture");

    let remote = notes.last_remote_order().expect("kept");
    let sent = server.state().history[&remote.id.to_string()]["prompt"][2].clone();
    assert_eq!(sent["6"]["inputs"]["unet_name"], "flux/good.safetensors");
    let name = sent["5"]["inputs"]["image"].as_str().expect("a name");
    let file = name.strip_suffix(" [temp]").expect("a temporary file");
    assert!(
        file.starts_with("carrier-reference-") && file.ends_with(".jpg"),
        "{file}"
    );
    let at = ("temp".to_owned(), file.to_owned());
    assert_eq!(server.state().files.get(&at), Some(&look));
    client.forget(&remote).expect("forgotten");
    assert_eq!(
        server.state().pictures(),
        [at],
        "only the owner's picture stays"
    );

    fs::remove_file(folder.join("look.jpg")).expect("there");
    let error = client.stylise(&styled("chosen", None), &RecordingContext::default());
    assert!(
        error.is_err() && server.state().taken.len() == 1,
        "{error:?}"
    );
    let _ = fs::remove_dir_all(folder);
}
