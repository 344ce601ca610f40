//! The answers of the HTTP routes, read leniently: old servers and custom ones vary.

use serde_json::Value;

use super::events::{Fault, PictureRef, pictures};

/// Where an order is in the server's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Running,
    Pending { ahead: u32 },
    Absent,
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
pub(super) enum Accepted {
    Whole,
    /// Queued, but without the output that we want; the errors of the nodes.
    WithoutOutput(Value),
}

/// The answer is not what a ComfyUI answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Garbled;

/// `GET /queue`.
pub(super) fn place(answer: &[u8], id: &str) -> Result<Place, Garbled> {
    let queue: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let items = |key: &str| queue.get(key).and_then(Value::as_array).ok_or(Garbled);
    let (running, pending) = (items("queue_running")?, items("queue_pending")?);
    if running.iter().any(|item| item_id(item) == Some(id)) {
        return Ok(Place::Running);
    }
    let Some(own) = pending.iter().find(|item| item_id(item) == Some(id)) else {
        return Ok(Place::Absent);
    };
    // The list is a heap, in no order; the lowest number runs first.
    let sooner = pending.iter().filter(|item| number(item) < number(own));
    let ahead = running.len() + sooner.count();
    Ok(Place::Pending {
        ahead: u32::try_from(ahead).unwrap_or(u32::MAX),
    })
}

fn item_id(item: &Value) -> Option<&str> {
    item.get(1)?.as_str()
}

fn number(item: &Value) -> f64 {
    item.get(0).and_then(Value::as_f64).unwrap_or_default()
}

/// `GET /history/{id}`: none while it is not over, or not known.
pub(super) fn entry(answer: &[u8], id: &str) -> Result<Option<Ended>, Garbled> {
    let history: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let history = history.as_object().ok_or(Garbled)?;
    let Some(entry) = history.get(id) else {
        return Ok(None);
    };
    let outputs = entry.get("outputs").and_then(Value::as_object);
    let outputs: Vec<_> = outputs
        .into_iter()
        .flatten()
        .map(|(node, output)| (node.clone(), pictures(output)))
        .collect();
    // Very old servers keep no status: what has outputs went well.
    let status = entry.get("status").filter(|status| !status.is_null());
    let Some(status) = status else {
        return Ok(Some(Ended::Success(outputs)));
    };
    if status.get("status_str").and_then(Value::as_str) != Some("error") {
        return Ok(Some(Ended::Success(outputs)));
    }
    let messages = status.get("messages").and_then(Value::as_array);
    let message = |kind: &str| {
        let all = messages.into_iter().flatten();
        let mut these = all.filter(|message| message.get(0).and_then(Value::as_str) == Some(kind));
        these.next()
    };
    if message("execution_interrupted").is_some() {
        return Ok(Some(Ended::Interrupted));
    }
    let fault = message("execution_error").and_then(|message| message.get(1));
    Ok(Some(Ended::Failed(
        fault.map(Fault::of).unwrap_or_default(),
    )))
}

/// `POST /upload/image`: how the picture is called in a workflow. Not what we called it: the server
/// renames on a clash.
pub(super) fn uploaded(answer: &[u8]) -> Result<String, Garbled> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let word = |key: &str| answer.get(key).and_then(Value::as_str);
    let name = word("name")
        .filter(|name| !name.is_empty())
        .ok_or(Garbled)?;
    let path = match word("subfolder") {
        Some(folder) if !folder.is_empty() => format!("{folder}/{name}"),
        _ => name.to_owned(),
    };
    Ok(match word("type") {
        Some("input") => path,
        kind => format!("{path} [{}]", kind.unwrap_or("temp")),
    })
}

/// `POST /prompt`, 200.
pub(super) fn accepted(answer: &[u8], output: &str) -> Result<Accepted, Garbled> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    answer.get("prompt_id").ok_or(Garbled)?;
    let Some(errors) = answer.get("node_errors").and_then(Value::as_object) else {
        return Ok(Accepted::Whole);
    };
    let hits = |(node, error): (&String, &Value)| {
        let outputs = error.get("dependent_outputs").and_then(Value::as_array);
        let mut outputs = outputs.into_iter().flatten();
        node == output || outputs.any(|node| node.as_str() == Some(output))
    };
    if errors.iter().any(hits) {
        return Ok(Accepted::WithoutOutput(answer));
    }
    Ok(Accepted::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_counts_those_that_run_first_whatever_the_order_of_the_list() {
        let queue = br#"{"queue_running":[[0,"r",{},{},[]]],
            "queue_pending":[[2,"b",{}],[5,"late",{}],[-1,"front",{}],[3,"mine",{}]]}"#;
        assert_eq!(place(queue, "mine"), Ok(Place::Pending { ahead: 3 }));
        assert_eq!(place(queue, "front"), Ok(Place::Pending { ahead: 1 }));
        assert_eq!(place(queue, "r"), Ok(Place::Running));
        assert_eq!(place(queue, "gone"), Ok(Place::Absent));
        for garbage in [
            &b"<html>"[..],
            b"{}",
            b"[]",
            br#"{"queue_running":1,"queue_pending":[]}"#,
        ] {
            assert_eq!(place(garbage, "a"), Err(Garbled));
        }
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
        let named = |answer: &str| uploaded(answer.as_bytes());
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
        assert_eq!(accepted(other, "60"), Ok(Accepted::Whole));
        let ours =
            br#"{"prompt_id":"p","number":1,"node_errors":{"9":{"dependent_outputs":["60"]}}}"#;
        assert!(matches!(
            accepted(ours, "60"),
            Ok(Accepted::WithoutOutput(_))
        ));
        assert_eq!(
            accepted(br#"{"prompt_id":"p","node_errors":[]}"#, "60"),
            Ok(Accepted::Whole)
        );
        assert_eq!(accepted(b"ok", "60"), Err(Garbled));
    }
}
