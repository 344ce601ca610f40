//! What the stand-in does with orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;

use super::http::Request;
use super::stand_in::{Item, Shared, State};

/// A JPEG, as far as a preview needs one.
pub(super) const PREVIEW: &[u8] = &[0xFF, 0xD8, 0xFF, 0xD9];

/// `GET /object_info/CLASS`
pub(super) fn describe(class: &str, lacks: &[&str]) -> Value {
    if lacks.contains(&class) {
        return json!({});
    }
    let inputs = match class {
        "ImageScale" => json!({"upscale_method": [["lanczos"], {}], "crop": [["center"]]}),
        _ => json!({}),
    };
    json!({class: {"input": {"required": inputs}, "output_node": class == "PreviewImage"}})
}

pub(super) fn upload(request: &Request, state: &mut State) -> (u16, Vec<u8>) {
    let body = String::from_utf8_lossy(&request.body);
    assert!(
        body.contains("name=\"type\"") && body.contains("temp"),
        "inputs are temporary"
    );
    assert_eq!(request.header("origin"), None);
    let name = body
        .split("filename=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let name = format!("renamed {}", name.expect("the part has a filename"));
    state.uploads.insert(name.clone(), request.body.clone());
    let answer = json!({"name": name, "subfolder": "", "type": "temp"});
    (200, answer.to_string().into_bytes())
}

/// `POST /prompt`; none: the connection breaks.
pub(super) fn order(request: &Request, state: &mut State) -> Option<(u16, Vec<u8>)> {
    if state.manners.lost_orders > 0 {
        state.manners.lost_orders -= 1;
        return None;
    }
    let order: Value = serde_json::from_slice(&request.body).expect("JSON");
    let word = |key: &str| order[key].as_str().unwrap_or_default().to_owned();
    let (id, client) = (word("prompt_id"), word("client_id"));
    let image = order["prompt"]["1"]["inputs"]["image"]
        .as_str()
        .unwrap_or_default();
    let name = image.strip_suffix(" [temp]").unwrap_or_default();
    if !state.uploads.contains_key(name) {
        let body = json!({"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": {"1": {
            "class_type": "LoadImage", "dependent_outputs": ["4"], "errors": [{"type": "custom_validation_failed",
            "message": "Custom validation failed", "details": format!("image - Invalid image file: {image}")}]}}});
        return Some((400, body.to_string().into_bytes()));
    }
    assert!(
        !state.taken.contains(&id),
        "each order has a name of its own"
    );
    let number = state.enqueue(&id, &client, order["prompt"].clone());
    if state.manners.lost_answers > 0 {
        state.manners.lost_answers -= 1;
        return None;
    }
    let answer = json!({"prompt_id": id, "number": number, "node_errors": {}});
    Some((200, answer.to_string().into_bytes()))
}

/// The one worker.
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
        let manners = &shared.state().manners;
        (manners.steps, manners.step_ms)
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
    let pictures = json!({"images": [{"filename": format!("{}.png", item.id), "subfolder": "", "type": "temp"}]});
    if went_well {
        tell("executed", json!({"node": "4", "output": pictures}));
        // The history comes after this.
        tell("execution_success", json!({}));
        thread::sleep(Duration::from_millis(20));
    }
    let outputs = if went_well {
        json!({"4": pictures})
    } else {
        json!({})
    };
    let mut state = shared.state();
    if dead.load(SeqCst) {
        return;
    }
    state.running = None;
    state.history.insert(
        item.id.clone(),
        json!({"prompt": [], "outputs": outputs, "status": status}),
    );
    drop(state);
    tell("executing", json!({"node": null}));
}

/// What goes wrong at the end of the work, if it is to.
fn fault(state: &mut State) -> Option<Value> {
    let manners = &mut state.manners;
    manners.out_of_memory = manners.out_of_memory.checked_sub(1)?;
    Some(
        json!({"node_type": "KSampler", "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Allocation on device 0 would exceed allowed memory."}),
    )
}

/// A binary frame of type 4.
fn preview(id: &str) -> Vec<u8> {
    let metadata = json!({"prompt_id": id}).to_string();
    let mut frame = vec![0, 0, 0, 4];
    frame.extend((metadata.len() as u32).to_be_bytes());
    frame.extend(metadata.as_bytes());
    frame.extend(PREVIEW);
    frame
}
