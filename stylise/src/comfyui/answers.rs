//! Parses the answers of the HTTP routes leniently, since old and customised servers differ. Also finds the
//! pictures of a finished order in its history entry.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::comfyui::events::{NodeFailure, PictureRef, files, pictures};
use crate::comfyui::remote_order::OrderNames;
use crate::comfyui::server_error::CallError;

/// Position of an order in the server's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueuePlace {
    Running,
    Pending { ahead: u32 },
}

/// How an order ended, by its history entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nodes with their pictures.
    Success(Vec<(String, Vec<PictureRef>)>),
    Interrupted,
    Failed(NodeFailure),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The server's id of the order; servers before July 2025 ignore ours.
    pub(super) order: String,
    /// The validation errors, if the server queued the order without the output that we need.
    pub(super) without_output: Option<Value>,
}

/// The server's id of an order, with what the answer says of it.
pub(super) type Found<T> = Option<(String, T)>;

pub(super) fn json(answer: &[u8]) -> Result<Value, CallError> {
    serde_json::from_slice(answer).map_err(|_| CallError::Malformed)
}

fn object(answer: &[u8]) -> Result<Map<String, Value>, CallError> {
    match json(answer)? {
        Value::Object(object) => Ok(object),
        _ => Err(CallError::Malformed),
    }
}

/// Parses `GET /queue`; `None` if the order is not in it.
pub(super) fn queue_place(
    answer: &[u8],
    names: &OrderNames,
) -> Result<Found<QueuePlace>, CallError> {
    let queue = json(answer)?;
    let items = |key: &str| queue[key].as_array().ok_or(CallError::Malformed);
    let (running, pending) = (items("queue_running")?, items("queue_pending")?);
    if let Some(order) = running.iter().find_map(|item| own_order(item, names)) {
        return Ok(Some((order, QueuePlace::Running)));
    }
    let found = pending
        .iter()
        .find_map(|item| Some((own_order(item, names)?, item)));
    let Some((order, item)) = found else {
        return Ok(None);
    };
    // The list is a heap; the lowest number runs first.
    let sooner = pending.iter().filter(|other| number(other) < number(item));
    let ahead = running.len() + sooner.count();
    let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
    Ok(Some((order, QueuePlace::Pending { ahead })))
}

/// The id of a queue item if it is our order: `[number, id, graph, {"client_id": ...}, ...]`.
fn own_order(item: &Value, names: &OrderNames) -> Option<String> {
    let id = item.get(1)?.as_str()?;
    let is_ours = id == names.order || item[3]["client_id"].as_str() == Some(&names.client);
    is_ours.then(|| id.to_owned())
}

fn number(item: &Value) -> f64 {
    item[0].as_f64().unwrap_or_default()
}

/// Parses `GET /history/{id}`; `None` while the order is unfinished or unknown.
pub(super) fn history_entry(answer: &[u8], id: &str) -> Result<Option<Ended>, CallError> {
    Ok(object(answer)?.get(id).map(ended))
}

/// Finds the order of our client id in `GET /history`, when the server's id is unknown.
pub(super) fn history_entry_of_client(
    answer: &[u8],
    names: &OrderNames,
) -> Result<Found<Ended>, CallError> {
    let mut history = object(answer)?.into_iter();
    let found = history.find(|(_, entry)| own_order(&entry["prompt"], names).is_some());
    Ok(found.map(|(order, entry)| (order, ended(&entry))))
}

fn ended(entry: &Value) -> Ended {
    // Very old servers store no status: an entry with outputs was successful.
    let status = &entry["status"];
    if status["status_str"].as_str() != Some("error") {
        let outputs = entry["outputs"].as_object().into_iter().flatten();
        let with_pictures = outputs.map(|(node, output)| (node.clone(), pictures(output)));
        return Ended::Success(with_pictures.collect());
    }
    let message = |kind: &str| {
        let mut all = status["messages"].as_array().into_iter().flatten();
        all.find(|message| message[0].as_str() == Some(kind))
    };
    if message("execution_interrupted").is_some() {
        return Ended::Interrupted;
    }
    let failure = message("execution_error");
    Ended::Failed(
        failure
            .map(|message| NodeFailure::of(&message[1]))
            .unwrap_or_default(),
    )
}

/// Parses `POST /upload/image`: the location of the picture, which the server may have changed.
pub(super) fn uploaded(answer: &[u8]) -> Result<PictureRef, CallError> {
    let answer = json(answer)?;
    let name = answer["name"].as_str().filter(|name| !name.is_empty());
    Ok(PictureRef {
        filename: name.ok_or(CallError::Malformed)?.to_owned(),
        subfolder: answer["subfolder"].as_str().unwrap_or_default().to_owned(),
        kind: answer["type"].as_str().unwrap_or("temp").to_owned(),
    })
}

/// The name of an uploaded picture in a workflow.
pub(super) fn annotated(picture: &PictureRef) -> String {
    let PictureRef {
        filename,
        subfolder,
        kind,
    } = picture;
    let path = match subfolder.as_str() {
        "" => filename.clone(),
        folder => format!("{folder}/{filename}"),
    };
    match kind.as_str() {
        "input" => path,
        kind => format!("{path} [{kind}]"),
    }
}

/// Parses a successful `POST /prompt`.
pub(super) fn accepted(answer: &[u8], output: &str) -> Result<Accepted, CallError> {
    let answer = json(answer)?;
    let order = answer["prompt_id"]
        .as_str()
        .ok_or(CallError::Malformed)?
        .to_owned();
    let hits = |(node, error): (&String, &Value)| {
        let mut outputs = error["dependent_outputs"].as_array().into_iter().flatten();
        node == output || outputs.any(|node| node.as_str() == Some(output))
    };
    let mut errors = answer["node_errors"].as_object().into_iter().flatten();
    let is_without = errors.any(hits);
    Ok(Accepted {
        order,
        without_output: is_without.then_some(answer),
    })
}

/// The files in `temp` and `output` that nodes derived from the photo. Other files named by nodes belong to
/// the server's owner: inputs, or pictures unrelated to the photo.
pub(super) fn pictures_of_order(
    answer: &[u8],
    order: &str,
    photo: &str,
) -> Result<Vec<PictureRef>, CallError> {
    let history = object(answer)?;
    let entry = history.get(order).unwrap_or(&Value::Null);
    let graph = &entry["prompt"][2];
    let made_of_it = nodes_fed_by(graph, photo);
    let outputs = entry["outputs"].as_object().into_iter().flatten();
    // Without a graph every node counts as ours. A node that is not in the graph was created by another node
    // at run time, so it counts as ours too.
    let is_ours = |node: &str| {
        let is_known = graph.get(node).is_some();
        !is_known || made_of_it.as_ref().is_none_or(|nodes| nodes.contains(node))
    };
    let of_photo = outputs.filter(|(node, _)| is_ours(node.as_str()));
    let found = of_photo.flat_map(|(_, output)| files(output));
    Ok(found
        .filter(|file| ["temp", "output"].contains(&file.kind.as_str()))
        .collect())
}

/// The nodes that depend on the photo by their links; `None` when no node takes it.
fn nodes_fed_by<'a>(graph: &'a Value, photo: &str) -> Option<BTreeSet<&'a str>> {
    let nodes = graph.as_object()?;
    let inputs = |node: &'a Value| node["inputs"].as_object().into_iter().flat_map(Map::values);
    let takes_it = |node: &'a Value| {
        inputs(node).any(|value| value.as_str().is_some_and(|name| name.contains(photo)))
    };
    let mut fed: BTreeSet<&str> = nodes
        .iter()
        .filter(|(_, node)| takes_it(node))
        .map(|(id, _)| id.as_str())
        .collect();
    if fed.is_empty() {
        return None;
    }
    loop {
        let is_linked = |node: &'a Value| {
            let links = inputs(node).filter_map(Value::as_array);
            let mut sources = links.filter_map(|link| link.first()?.as_str());
            sources.any(|source| fed.contains(source))
        };
        let more: Vec<&str> = nodes
            .iter()
            .filter(|(id, node)| !fed.contains(id.as_str()) && is_linked(node))
            .map(|(id, _)| id.as_str())
            .collect();
        if more.is_empty() {
            return Some(fed);
        }
        fed.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_queue_position_follows_the_numbers_not_the_list() {
        let queue = br#"{"queue_running":[[0,"r",{},{},[]]],
        "queue_pending":[[2,"b",{}],[5,"late",{}],[-1,"front",{}],[3,"mine",{}]]}"#;
        let found =
            |id: &str| queue_place(queue, &named(id, id)).map(|found| found.map(|(_, at)| at));
        assert_eq!(found("mine"), Ok(Some(QueuePlace::Pending { ahead: 3 })));
        assert_eq!(found("front"), Ok(Some(QueuePlace::Pending { ahead: 1 })));
        assert_eq!(found("r"), Ok(Some(QueuePlace::Running)));
        assert_eq!(found("gone"), Ok(None));
        for garbage in [
            &b"<html>"[..],
            b"{}",
            b"[]",
            br#"{"queue_running":1,"queue_pending":[]}"#,
        ] {
            assert_eq!(
                queue_place(garbage, &named("a", "a")),
                Err(CallError::Malformed)
            );
        }
    }

    fn named(client: &str, order: &str) -> OrderNames {
        OrderNames {
            client: client.to_owned(),
            order: order.to_owned(),
        }
    }

    #[test]
    fn an_order_with_a_server_id_is_found_by_its_client_id() {
        let queue = br#"{"queue_running":[[0,"x",{},{"client_id":"other"},[]]],
        "queue_pending":[[1,"theirs",{},{"client_id":"ours"},[]]]}"#;
        let at = ("theirs".to_owned(), QueuePlace::Pending { ahead: 1 });
        assert_eq!(queue_place(queue, &named("ours", "ours")), Ok(Some(at)));
        let history = br#"{"x":{"prompt":[0,"x",{},{}]},
        "theirs":{"prompt":[1,"theirs",{},{"client_id":"ours"}],"outputs":{},"status":null}}"#;
        let found = history_entry_of_client(history, &named("ours", "ours"));
        assert_eq!(
            found,
            Ok(Some(("theirs".to_owned(), Ended::Success(Vec::new()))))
        );
        assert_eq!(
            history_entry_of_client(history, &named("nobody", "nobody")),
            Ok(None)
        );
        assert_eq!(
            history_entry_of_client(b"[]", &named("a", "a")),
            Err(CallError::Malformed)
        );
    }

    #[test]
    fn the_history_tells_how_an_order_ended() {
        let ended =
            |entry: &str| super::history_entry(format!(r#"{{"p":{entry}}}"#).as_bytes(), "p");
        assert_eq!(history_entry(b"{}", "p"), Ok(None));
        assert_eq!(history_entry(b"[]", "p"), Err(CallError::Malformed));
        let outputs =
            r#""outputs":{"60":{"images":[{"filename":"a.png","subfolder":"","type":"temp"}]}}"#;
        for status in [
            r#"{"status_str":"success","completed":true,"messages":[]}"#,
            "null",
        ] {
            let told = ended(&format!(r#"{{{outputs},"status":{status}}}"#));
            let Ok(Some(Ended::Success(found))) = told else {
                panic!("{told:?}");
            };
            assert_eq!(found[0].1[0].filename, "a.png");
        }
        let interrupted = r#"{"outputs":{},"status":{"status_str":"error","messages":[
        ["execution_start",{}],["execution_interrupted",{}]]}}"#;
        assert_eq!(ended(interrupted), Ok(Some(Ended::Interrupted)));
        let failed = r#"{"outputs":{},"status":{"status_str":"error","messages":[
        ["execution_error",{"node_type":"K","exception_message":"no"}]]}}"#;
        assert!(
            matches!(ended(failed), Ok(Some(Ended::Failed(failure))) if failure.message == "no")
        );
    }

    #[test]
    fn an_upload_uses_the_name_from_the_server() {
        let named = |answer: &str| uploaded(answer.as_bytes()).map(|at| annotated(&at));
        assert_eq!(
            named(r#"{"name":"a (1).jpg","subfolder":"","type":"temp"}"#),
            Ok("a (1).jpg [temp]".to_owned())
        );
        assert_eq!(
            named(r#"{"name":"a.jpg","subfolder":"s","type":"input"}"#),
            Ok("s/a.jpg".to_owned())
        );
        assert_eq!(named("{}"), Err(CallError::Malformed));
    }

    #[test]
    fn an_order_without_our_output_is_not_accepted() {
        let other =
            br#"{"prompt_id":"p","number":1,"node_errors":{"9":{"dependent_outputs":["70"]}}}"#;
        let is_whole = |answer: &[u8]| accepted(answer, "60").map(|it| it.without_output.is_none());
        assert_eq!(is_whole(other), Ok(true));
        let ours =
            br#"{"prompt_id":"p","number":1,"node_errors":{"9":{"dependent_outputs":["60"]}}}"#;
        assert_eq!(is_whole(ours), Ok(false));
        let old = br#"{"prompt_id":"theirs","node_errors":[]}"#;
        assert_eq!(is_whole(old), Ok(true));
        assert_eq!(
            accepted(old, "60").map(|it| it.order),
            Ok("theirs".to_owned())
        );
        assert_eq!(is_whole(b"ok"), Err(CallError::Malformed));
        assert_eq!(is_whole(b"{}"), Err(CallError::Malformed));
    }

    fn names(entry: Value) -> Vec<String> {
        let answer = json!({"p": entry}).to_string();
        let found = pictures_of_order(answer.as_bytes(), "p", "carrier-1.jpg").expect("a history");
        found.into_iter().map(|file| file.filename).collect()
    }

    fn file(name: &str, kind: &str) -> Value {
        json!({"filename": name, "subfolder": "", "type": kind})
    }

    #[test]
    fn pictures_derived_from_the_photo_are_found_and_no_others() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "carrier-1.jpg [temp]"}},
            "2": {"class_type": "Blend", "inputs": {"a": ["1", 0], "b": ["7", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
            "7": {"class_type": "LoadImage", "inputs": {"image": "logo.png"}},
            "8": {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}},
        });
        let entry = json!({"prompt": [1, "p", graph, {}, ["3"]], "outputs": {
            "2": {"images": [file("mask.png", "temp"), file("logo.png", "input")]},
            "3": {"images": [file("made.png", "output")], "gifs": [file("made.mp4", "output")], "text": ["words"]},
            "8": {"images": [file("logo-seen.png", "temp")]},
            "3.0.1": {"images": [file("inside.png", "temp")]},
        }});
        let mut found = names(entry);
        found.sort();
        assert_eq!(found, ["inside.png", "made.mp4", "made.png", "mask.png"]);
    }

    #[test]
    fn an_entry_without_a_graph_yields_all_pictures() {
        let entry = json!({"outputs": {"3": {"images": [file("made.png", "temp")]}}});
        assert_eq!(names(entry), ["made.png"]);
        assert_eq!(pictures_of_order(b"{}", "p", "x"), Ok(Vec::new()));
        assert_eq!(
            pictures_of_order(b"[]", "p", "x"),
            Err(CallError::Malformed)
        );
    }
}
