//! Parses WebSocket messages. Unknown and malformed messages are ignored: custom nodes send their own, and
//! the history is authoritative.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a message says about an order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ServerEvent {
    /// The order started to run.
    Started,
    Executing {
        node: String,
    },
    /// A node reports its steps.
    Progress {
        step: u32,
        steps: u32,
    },
    Executed {
        node: String,
        pictures: Vec<PictureRef>,
    },
    /// The order is done; its history entry may follow a moment later.
    Finished,
    Interrupted,
    Failed(NodeFailure),
    /// A preview of unfinished work.
    Preview {
        picture: Vec<u8>,
    },
}

/// An event with the id of its order. The server sends events to the client that sent the order, so an event
/// without an id belongs to that client.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaggedEvent {
    pub(super) prompt_id: Option<String>,
    pub(super) event: ServerEvent,
}

/// The location of a picture on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PictureRef {
    pub(super) filename: String,
    pub(super) subfolder: String,
    pub(super) kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NodeFailure {
    pub(super) node_type: String,
    pub(super) exception_type: String,
    pub(super) message: String,
}

/// Types of binary messages, big-endian.
const PREVIEW: u32 = 1;
const PREVIEW_WITH_METADATA: u32 = 4;
/// Values of `format` in a preview of type 1.
const JPEG: u32 = 1;
const PNG: u32 = 2;

impl NodeFailure {
    /// Reads `execution_error`, from a message or a history entry.
    pub(super) fn of(data: &Value) -> Self {
        let word = |key: &str| text(data, key).unwrap_or_default();
        Self {
            node_type: word("node_type"),
            exception_type: word("exception_type"),
            message: word("exception_message"),
        }
    }

    /// The server unloads its models after this error, so a second attempt may succeed.
    pub(super) fn is_out_of_memory(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.exception_type.contains("OutOfMemory")
            || message.contains("out of memory")
            || message.contains("allocation on device")
    }
}

/// The pictures of a node's output.
pub(super) fn pictures(output: &Value) -> Vec<PictureRef> {
    let list = output["images"].as_array().into_iter().flatten();
    list.filter_map(picture).collect()
}

/// All files of a node's output under any key (`images`, `gifs`, ...).
pub(super) fn files(output: &Value) -> impl Iterator<Item = PictureRef> {
    let lists = output.as_object().into_iter().flat_map(Map::values);
    let items = lists.filter_map(Value::as_array).flatten();
    items.filter_map(picture)
}

fn picture(item: &Value) -> Option<PictureRef> {
    Some(PictureRef {
        filename: text(item, "filename").filter(|name| !name.is_empty())?,
        subfolder: text(item, "subfolder").unwrap_or_default(),
        kind: text(item, "type").unwrap_or_else(|| "output".to_owned()),
    })
}

pub(super) fn parse_text(message: &str) -> Option<TaggedEvent> {
    let message: Value = serde_json::from_str(message).ok()?;
    let data = message.get("data")?;
    let event = match message.get("type")?.as_str()? {
        "execution_start" => ServerEvent::Started,
        "executing" => match data.get("node")? {
            Value::Null => ServerEvent::Finished,
            node => ServerEvent::Executing { node: name(node)? },
        },
        "progress" => progress(data)?,
        "progress_state" => nodes_at_work(data)?,
        "executed" => ServerEvent::Executed {
            node: name(data.get("node")?)?,
            pictures: data.get("output").map(pictures).unwrap_or_default(),
        },
        "execution_success" => ServerEvent::Finished,
        "execution_interrupted" => ServerEvent::Interrupted,
        "execution_error" => ServerEvent::Failed(NodeFailure::of(data)),
        _ => return None,
    };
    Some(TaggedEvent {
        prompt_id: text(data, "prompt_id"),
        event,
    })
}

pub(super) fn parse_binary(message: &[u8]) -> Option<TaggedEvent> {
    let (kind, rest) = number(message)?;
    let (first, rest) = number(rest)?;
    match kind {
        PREVIEW if first == JPEG || first == PNG => preview(None, rest),
        PREVIEW_WITH_METADATA => {
            let (metadata, picture) = rest.split_at_checked(usize::try_from(first).ok()?)?;
            let metadata: Value = serde_json::from_slice(metadata).ok()?;
            preview(text(&metadata, "prompt_id"), picture)
        }
        _ => None,
    }
}

fn preview(prompt_id: Option<String>, picture: &[u8]) -> Option<TaggedEvent> {
    let picture = picture.to_vec();
    (!picture.is_empty()).then_some(TaggedEvent {
        prompt_id,
        event: ServerEvent::Preview { picture },
    })
}

fn progress(counted: &Value) -> Option<ServerEvent> {
    // Some nodes report fractions.
    let count = |key: &str| counted.get(key)?.as_f64().filter(|n| *n >= 0.0);
    // `as` saturates and turns NaN into 0.
    let (step, steps) = (count("value")? as u32, count("max")? as u32);
    (steps > 0).then_some(ServerEvent::Progress {
        step: step.min(steps),
        steps,
    })
}

/// The running node with most steps; others start and end in one step.
fn nodes_at_work(data: &Value) -> Option<ServerEvent> {
    let nodes = data.get("nodes")?.as_object()?.values();
    let at_work = nodes.filter(|node| text(node, "state").as_deref() == Some("running"));
    let counted = at_work.filter_map(progress);
    let steps = |event: &ServerEvent| match event {
        ServerEvent::Progress { steps, .. } => *steps,
        _ => 0,
    };
    counted.filter(|event| steps(event) > 1).max_by_key(steps)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn text(data: &Value, key: &str) -> Option<String> {
    data.get(key)?.as_str().map(str::to_owned)
}

/// Node ids are strings, but some custom nodes send numbers.
fn name(node: &Value) -> Option<String> {
    match node {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn event(message: &str) -> Option<ServerEvent> {
        parse_text(message).map(|tagged| tagged.event)
    }

    #[test]
    fn messages_of_an_order_are_parsed() {
        let done = r#"{"type":"executing","data":{"node":null,"prompt_id":"p"}}"#;
        let done = parse_text(done).expect("known");
        assert_eq!(done.prompt_id.as_deref(), Some("p"));
        assert_eq!(done.event, ServerEvent::Finished);
        assert_eq!(
            event(r#"{"type":"progress","data":{"value":3,"max":4,"node":"40"}}"#),
            Some(ServerEvent::Progress { step: 3, steps: 4 })
        );
        let state = r#"{"type":"progress_state","data":{"prompt_id":"p","nodes":{
        "10":{"value":1,"max":1,"state":"finished"},"40":{"value":2.0,"max":4.0,"state":"running"}}}}"#;
        assert_eq!(
            event(state),
            Some(ServerEvent::Progress { step: 2, steps: 4 })
        );
        let executed = r#"{"type":"executed","data":{"node":"60","output":{"images":[
        {"filename":"a.png","subfolder":"","type":"temp"},{"subfolder":1}]}}}"#;
        let Some(ServerEvent::Executed { node, pictures }) = event(executed) else {
            panic!("an executed");
        };
        assert_eq!((node.as_str(), pictures.len()), ("60", 1));
        assert_eq!(pictures[0].kind, "temp");
        let failed = r#"{"type":"execution_error","data":{"node_type":"KSampler",
        "exception_type":"torch.OutOfMemoryError","exception_message":"Allocation on device"}}"#;
        assert!(
            matches!(event(failed), Some(ServerEvent::Failed(failure)) if failure.is_out_of_memory())
        );
    }

    #[test]
    fn unknown_and_malformed_messages_are_ignored() {
        for message in [
            "",
            "{",
            "[]",
            "null",
            r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}}}}"#,
            r#"{"type":"crystools.monitor","data":{}}"#,
            r#"{"type":"executing"}"#,
            r#"{"type":"executing","data":{"node":[]}}"#,
            r#"{"type":"progress","data":{"value":-1,"max":"x"}}"#,
            r#"{"type":"progress","data":{"value":1,"max":0}}"#,
            r#"{"type":"executed","data":{"node":{},"output":null}}"#,
        ] {
            assert_eq!(event(message), None, "{message}");
        }
        let null_output = r#"{"type":"executed","data":{"node":"6","output":null}}"#;
        assert!(event(null_output).is_some());
    }

    #[test]
    fn both_preview_types_are_parsed_and_damaged_ones_ignored() {
        let mut first = vec![0, 0, 0, 1, 0, 0, 0, 1];
        first.extend(b"jpeg");
        let read = parse_binary(&first).expect("a preview");
        assert_eq!(read.prompt_id, None);
        let metadata = br#"{"prompt_id":"p","image_type":"image/jpeg"}"#;
        let mut second = vec![0, 0, 0, 4];
        second.extend((metadata.len() as u32).to_be_bytes());
        second.extend(metadata);
        second.extend(b"jpeg");
        let read = parse_binary(&second).expect("a preview");
        assert_eq!(read.prompt_id.as_deref(), Some("p"));
        assert_eq!(
            read.event,
            ServerEvent::Preview {
                picture: b"jpeg".to_vec()
            }
        );
        for broken in [
            &b""[..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 1, 0, 0, 0, 9, 1],
            &[0, 0, 0, 4, 255, 255, 255, 255, 1],
            &[0, 0, 0, 3, 0, 0, 0, 1, b'5', b'x'],
            &[0, 0, 0, 1, 0, 0, 0, 1],
        ] {
            assert_eq!(parse_binary(broken), None, "{broken:?}");
        }
    }
}
