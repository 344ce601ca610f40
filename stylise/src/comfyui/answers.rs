//! The answers of the HTTP routes, read leniently: old servers and custom ones vary.

use serde_json::Value;

use super::events::{Fault, PictureRef, pictures};
use super::memo::Names;

/// Where an order is in the server's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Running,
    Pending { ahead: u32 },
}

/// How an order ended, by the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Node and its pictures.
    Success(Vec<(String, Vec<PictureRef>)>),
    Interrupted,
    Failed(Fault),
}

/// What `POST /prompt` said when it took the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// What the server calls the order: an old one does not take our name for it.
    pub(super) order: String,
    /// Queued, but without the output that we want; the errors of the nodes.
    pub(super) without_output: Option<Value>,
}

/// Something the server said of an order, and what it calls the order.
pub(super) type Found<T> = Option<(String, T)>;

/// The answer is not what a ComfyUI answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Garbled;

/// `GET /queue`. None: it is not there.
pub(super) fn place(answer: &[u8], names: &Names) -> Result<Found<Place>, Garbled> {
    let queue: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let items = |key: &str| queue.get(key).and_then(Value::as_array).ok_or(Garbled);
    let (running, pending) = (items("queue_running")?, items("queue_pending")?);
    if let Some(order) = running.iter().find_map(|item| own(item, names)) {
        return Ok(Some((order, Place::Running)));
    }
    let found = pending
        .iter()
        .find_map(|item| Some((own(item, names)?, item)));
    let Some((order, item)) = found else {
        return Ok(None);
    };
    // The list is a heap, in no order; the lowest number runs first.
    let sooner = pending.iter().filter(|other| number(other) < number(item));
    let ahead = running.len() + sooner.count();
    let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
    Ok(Some((order, Place::Pending { ahead })))
}

/// The name of an order, if it is ours: `[number, id, graph, {"client_id": ...}, ...]`.
fn own(item: &Value, names: &Names) -> Option<String> {
    let id = item.get(1)?.as_str()?;
    let client = item.get(3).and_then(|extra| extra.get("client_id"));
    let is_ours = id == names.order || client.and_then(Value::as_str) == Some(&names.client);
    is_ours.then(|| id.to_owned())
}

fn number(item: &Value) -> f64 {
    item.get(0).and_then(Value::as_f64).unwrap_or_default()
}

/// `GET /history/{id}`: none while it is not over, or not known.
pub(super) fn entry(answer: &[u8], id: &str) -> Result<Option<Ended>, Garbled> {
    let history: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let history = history.as_object().ok_or(Garbled)?;
    Ok(history.get(id).map(ended))
}

/// `GET /history`: the order that our client sent, where its name is not known.
pub(super) fn entry_of_client(answer: &[u8], names: &Names) -> Result<Found<Ended>, Garbled> {
    let history: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let history = history.as_object().ok_or(Garbled)?;
    let is_ours = |entry: &Value| {
        entry
            .get("prompt")
            .and_then(|item| own(item, names))
            .is_some()
    };
    let found = history.iter().find(|(_, entry)| is_ours(entry));
    Ok(found.map(|(order, entry)| (order.clone(), ended(entry))))
}

fn ended(entry: &Value) -> Ended {
    let outputs = entry.get("outputs").and_then(Value::as_object);
    let outputs: Vec<_> = outputs
        .into_iter()
        .flatten()
        .map(|(node, output)| (node.clone(), pictures(output)))
        .collect();
    // Very old servers keep no status: what has outputs went well.
    let status = entry.get("status").filter(|status| !status.is_null());
    let Some(status) = status else {
        return Ended::Success(outputs);
    };
    if status.get("status_str").and_then(Value::as_str) != Some("error") {
        return Ended::Success(outputs);
    }
    let messages = status.get("messages").and_then(Value::as_array);
    let message = |kind: &str| {
        let all = messages.into_iter().flatten();
        let mut these = all.filter(|message| message.get(0).and_then(Value::as_str) == Some(kind));
        these.next()
    };
    if message("execution_interrupted").is_some() {
        return Ended::Interrupted;
    }
    let fault = message("execution_error").and_then(|message| message.get(1));
    Ended::Failed(fault.map(Fault::of).unwrap_or_default())
}

/// `POST /upload/image`: where the picture lies. Not where we wanted it: a server may rename it.
pub(super) fn uploaded(answer: &[u8]) -> Result<PictureRef, Garbled> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let word = |key: &str| answer.get(key).and_then(Value::as_str);
    let name = word("name")
        .filter(|name| !name.is_empty())
        .ok_or(Garbled)?;
    Ok(PictureRef {
        filename: name.to_owned(),
        subfolder: word("subfolder").unwrap_or_default().to_owned(),
        kind: word("type").unwrap_or("temp").to_owned(),
    })
}

/// How a picture is called in a workflow.
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

/// `POST /prompt`, 200.
pub(super) fn accepted(answer: &[u8], output: &str) -> Result<Accepted, Garbled> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let order = answer.get("prompt_id").and_then(Value::as_str);
    let order = order.ok_or(Garbled)?.to_owned();
    let errors = answer.get("node_errors").and_then(Value::as_object);
    let hits = |(node, error): (&String, &Value)| {
        let outputs = error.get("dependent_outputs").and_then(Value::as_array);
        let mut outputs = outputs.into_iter().flatten();
        node == output || outputs.any(|node| node.as_str() == Some(output))
    };
    let is_without = errors.into_iter().flatten().any(hits);
    Ok(Accepted {
        order,
        without_output: is_without.then_some(answer),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_counts_those_that_run_first_whatever_the_order_of_the_list() {
        let queue = br#"{"queue_running":[[0,"r",{},{},[]]],
            "queue_pending":[[2,"b",{}],[5,"late",{}],[-1,"front",{}],[3,"mine",{}]]}"#;
        let found = |id: &str| place(queue, &named(id, id)).map(|found| found.map(|(_, at)| at));
        assert_eq!(found("mine"), Ok(Some(Place::Pending { ahead: 3 })));
        assert_eq!(found("front"), Ok(Some(Place::Pending { ahead: 1 })));
        assert_eq!(found("r"), Ok(Some(Place::Running)));
        assert_eq!(found("gone"), Ok(None));
        for garbage in [
            &b"<html>"[..],
            b"{}",
            b"[]",
            br#"{"queue_running":1,"queue_pending":[]}"#,
        ] {
            assert_eq!(place(garbage, &named("a", "a")), Err(Garbled));
        }
    }

    fn named(client: &str, order: &str) -> Names {
        Names {
            client: client.to_owned(),
            order: order.to_owned(),
        }
    }

    #[test]
    fn an_order_that_the_server_named_is_found_by_its_client() {
        let queue = br#"{"queue_running":[[0,"x",{},{"client_id":"other"},[]]],
            "queue_pending":[[1,"theirs",{},{"client_id":"ours"},[]]]}"#;
        let at = ("theirs".to_owned(), Place::Pending { ahead: 1 });
        assert_eq!(place(queue, &named("ours", "ours")), Ok(Some(at)));
        let history = br#"{"x":{"prompt":[0,"x",{},{}]},
            "theirs":{"prompt":[1,"theirs",{},{"client_id":"ours"}],"outputs":{},"status":null}}"#;
        let found = entry_of_client(history, &named("ours", "ours"));
        assert_eq!(
            found,
            Ok(Some(("theirs".to_owned(), Ended::Success(Vec::new()))))
        );
        assert_eq!(
            entry_of_client(history, &named("nobody", "nobody")),
            Ok(None)
        );
        assert_eq!(entry_of_client(b"[]", &named("a", "a")), Err(Garbled));
    }

    #[test]
    fn the_history_tells_how_it_ended() {
        let ended = |entry: &str| super::entry(format!(r#"{{"p":{entry}}}"#).as_bytes(), "p");
        assert_eq!(entry(b"{}", "p"), Ok(None));
        assert_eq!(entry(b"[]", "p"), Err(Garbled));
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
        assert!(matches!(ended(failed), Ok(Some(Ended::Failed(fault))) if fault.message == "no"));
    }

    #[test]
    fn the_uploaded_picture_is_called_what_the_server_calls_it() {
        let named = |answer: &str| uploaded(answer.as_bytes()).map(|at| annotated(&at));
        assert_eq!(
            named(r#"{"name":"a (1).jpg","subfolder":"","type":"temp"}"#),
            Ok("a (1).jpg [temp]".to_owned())
        );
        assert_eq!(
            named(r#"{"name":"a.jpg","subfolder":"s","type":"input"}"#),
            Ok("s/a.jpg".to_owned())
        );
        assert_eq!(named("{}"), Err(Garbled));
    }

    #[test]
    fn an_order_without_our_output_is_not_taken_for_accepted() {
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
        assert_eq!(is_whole(b"ok"), Err(Garbled));
        assert_eq!(is_whole(b"{}"), Err(Garbled));
    }
}
