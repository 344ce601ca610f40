//! How the fake server runs orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;
use uuid::Uuid;

use super::fake_server::{Behaviour, Item, Shared, State};
use super::http::{Form, Request};

/// Enough of a JPEG for a preview.
pub(super) const PREVIEW: &[u8] = &[0xFF, 0xD8, 0xFF, 0xD9];

/// The result of order `id`.
pub(super) fn made(id: &str) -> Vec<u8> {
    format!("picture {id}.png").repeat(60).into_bytes()
}

/// A path below `temp`, `input` or `output`.
pub(super) fn path(subfolder: &str, name: &str) -> String {
    match subfolder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// `GET /object_info/CLASS`
pub(super) fn describe(class: &str, behaviour: &Behaviour) -> Value {
    if behaviour.lacks.contains(&class) {
        return json!({});
    }
    let files =
        |folder: &str| json!([behaviour.files.get(folder).cloned().unwrap_or_default(), {}]);
    let inputs = match class {
        "ImageScale" => json!({"upscale_method": [["lanczos"], {}], "crop": [["center"]]}),
        "LoadImage" => json!({"image": [["other.png"], {"image_upload": true}]}),
        _ if behaviour.files.is_empty() => json!({}),
        "CheckpointLoaderSimple" => json!({"ckpt_name": files("checkpoints")}),
        "UNETLoader" => json!({"unet_name": files("diffusion_models")}),
        "VAELoader" => json!({"vae_name": files("vae")}),
        "CLIPLoader" => json!({"clip_name": files("text_encoders")}),
        "LoraLoader" | "LoraLoaderModelOnly" => json!({"lora_name": files("loras")}),
        "DualCLIPLoader" => {
            json!({"clip_name1": files("text_encoders"), "clip_name2": files("text_encoders")})
        }
        _ => json!({}),
    };
    json!({class: {"input": {"required": inputs}, "output_node": is_output(class)}})
}

fn is_output(class: &str) -> bool {
    ["PreviewImage", "SaveImage"].contains(&class)
}

/// The output nodes of a graph.
pub(super) fn outputs(graph: &Value) -> Vec<String> {
    let nodes = graph.as_object().into_iter().flatten();
    let outputs =
        nodes.filter(|(_, node)| is_output(node["class_type"].as_str().unwrap_or_default()));
    outputs.map(|(id, _)| id.clone()).collect()
}

pub(super) fn upload(request: &Request, state: &mut State) -> (u16, Vec<u8>) {
    assert_eq!(request.header("origin"), None);
    let form = Form::read(request);
    let (kind, subfolder) = (form.text("type"), form.text("subfolder"));
    assert_ne!(kind, "input", "inputs are temporary");
    let (name, bytes) = form.file();
    let mut name = name.to_owned();
    if state.behaviour.renames && name.starts_with("carrier-") {
        name = format!("renamed {name}");
    }
    let overwrites = form.text("overwrite") == "true" && !state.behaviour.never_overwrites;
    let there = state.files.get(&(kind.to_owned(), path(subfolder, &name)));
    if !overwrites && there.is_some_and(|there| there != bytes) {
        let (stem, end) = name.rsplit_once('.').expect("a file extension");
        name = format!("{stem} (1).{end}");
    }
    let at = (kind.to_owned(), path(subfolder, &name));
    state.files.insert(at, bytes.to_vec());
    let answer = json!({"name": name, "subfolder": subfolder, "type": kind});
    (200, answer.to_string().into_bytes())
}

/// `POST /prompt`; `None` closes the connection without an answer.
pub(super) fn order(request: &Request, state: &mut State) -> Option<(u16, Vec<u8>)> {
    if state.behaviour.lost_orders > 0 {
        state.behaviour.lost_orders -= 1;
        return None;
    }
    let order: Value = serde_json::from_slice(&request.body).expect("JSON");
    let word = |key: &str| order[key].as_str().unwrap_or_default().to_owned();
    let (mut id, client) = (word("prompt_id"), word("client_id"));
    if state.behaviour.names_orders {
        id = Uuid::new_v4().to_string();
    }
    assert_eq!(
        Uuid::parse_str(&id).expect("a UUID").to_string(),
        id,
        "ComfyUI of 2026 requires a canonical UUID"
    );
    let image = order["prompt"]["1"]["inputs"]["image"]
        .as_str()
        .unwrap_or_default();
    let name = image.strip_suffix(" [temp]").unwrap_or_default();
    if !state
        .files
        .contains_key(&("temp".to_owned(), name.to_owned()))
    {
        let body = json!({"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": {"1": {
            "class_type": "LoadImage", "dependent_outputs": ["4"], "errors": [{"type": "custom_validation_failed",
            "message": "Custom validation failed", "details": format!("image - Invalid image file: {image}")}]}}});
        return Some((400, body.to_string().into_bytes()));
    }
    assert!(!state.taken.contains(&id), "each order has its own id");
    let number = state.enqueue(&id, &client, order["prompt"].clone());
    let targets = order["partial_execution_targets"].as_array();
    if let (Some(targets), false) = (targets, state.behaviour.names_orders)
        && let Some(item) = state.pending.last_mut()
    {
        item.outputs
            .retain(|output| targets.contains(&json!(output)));
    }
    if state.behaviour.lost_answers > 0 {
        state.behaviour.lost_answers -= 1;
        return None;
    }
    let answer = json!({"prompt_id": id, "number": number, "node_errors": {}});
    Some((200, answer.to_string().into_bytes()))
}

/// The worker loop.
pub(super) fn work(shared: &Arc<Shared>, dead: &AtomicBool) {
    while !dead.load(SeqCst) {
        let next = {
            let mut state = shared.state();
            let first = (0..state.pending.len()).min_by_key(|&at| state.pending[at].number);
            let item = first.map(|at| state.pending.remove(at));
            state.interrupted = false;
            state.running.clone_from(&item);
            item
        };
        match next {
            Some(item) => {
                make(shared, &item, dead);
                if dead.load(SeqCst) {
                    return;
                }
                shared.state().running = None;
            }
            None => thread::sleep(Duration::from_millis(3)),
        }
    }
}

fn make(shared: &Shared, item: &Item, dead: &AtomicBool) {
    let tell = |kind: &str, mut data: Value| {
        data["prompt_id"] = json!(item.id);
        let message = json!({"type": kind, "data": data}).to_string();
        shared.state().tell(&item.client, &Message::text(message));
    };
    shared.state().worked.push(item.id.clone());
    tell("execution_start", json!({}));
    tell("executing", json!({"node": "3"}));
    let (steps, step_ms) = {
        let behaviour = &shared.state().behaviour;
        (behaviour.steps, behaviour.step_ms)
    };
    let mut status = json!({"status_str": "success", "completed": true, "messages": []});
    for step in 1..=steps {
        thread::sleep(Duration::from_millis(step_ms));
        if dead.load(SeqCst) {
            return;
        }
        if shared.state().interrupted {
            status = json!({"status_str": "error", "messages": [["execution_interrupted", {}]]});
            tell("execution_interrupted", json!({}));
            break;
        }
        tell(
            "progress",
            json!({"node": "3", "value": step, "max": steps}),
        );
        let frame = preview(&item.id);
        shared.state().tell(&item.client, &Message::binary(frame));
    }
    let fault = fault(&mut shared.state());
    if let Some(fault) = fault {
        tell("execution_error", fault.clone());
        status = json!({"status_str": "error", "messages": [["execution_error", fault]]});
    }
    let went_well = status["status_str"] == "success";
    let outputs = match went_well {
        true => keep(&mut shared.state(), item),
        false => json!({}),
    };
    if went_well {
        for (node, pictures) in outputs.as_object().into_iter().flatten() {
            tell("executed", json!({"node": node, "output": pictures}));
        }
        // The history entry follows later.
        tell("execution_success", json!({}));
        thread::sleep(Duration::from_millis(20));
    }
    let mut state = shared.state();
    if dead.load(SeqCst) {
        return;
    }
    state.running = None;
    state.history.insert(
        item.id.clone(),
        json!({"prompt": item.as_json(), "outputs": outputs, "status": status}),
    );
    drop(state);
    tell("executing", json!({"node": null}));
}

/// Stores the pictures of each output.
fn keep(state: &mut State, item: &Item) -> Value {
    let mut kept = json!({});
    for node in &item.outputs {
        let (kind, subfolder) = match item.graph[node]["class_type"].as_str() {
            Some("SaveImage") => ("output", "booth"),
            _ => ("temp", ""),
        };
        let name = format!("{}-{node}.png", item.id);
        let at = (kind.to_owned(), path(subfolder, &name));
        state.files.insert(at, made(&item.id));
        kept[node] = json!({"images": [{"filename": name, "subfolder": subfolder, "type": kind}]});
    }
    kept
}

/// The configured failure at the end of an order.
fn fault(state: &mut State) -> Option<Value> {
    let behaviour = &mut state.behaviour;
    behaviour.out_of_memory = behaviour.out_of_memory.checked_sub(1)?;
    Some(
        json!({"node_type": "KSampler", "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Allocation on device 0 would exceed allowed memory."}),
    )
}

/// A binary message of type 4.
fn preview(id: &str) -> Vec<u8> {
    let metadata = json!({"prompt_id": id}).to_string();
    let mut frame = vec![0, 0, 0, 4];
    frame.extend((metadata.len() as u32).to_be_bytes());
    frame.extend(metadata.as_bytes());
    frame.extend(PREVIEW);
    frame
}
