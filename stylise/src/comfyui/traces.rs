//! Which files of a finished order are its pictures, by its entry in the history.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answers::Garbled;
use super::events::{PictureRef, files};

/// The pictures that nodes made of the photo that is called `photo`, and kept in `temp` or `output`. What
/// else a node may name is the owner's: an input, or a picture that has nothing to do with the photo.
pub(super) fn files_of(
    answer: &[u8],
    order: &str,
    photo: &str,
) -> Result<Vec<PictureRef>, Garbled> {
    let history: Value = serde_json::from_slice(answer).map_err(|_| Garbled)?;
    let history = history.as_object().ok_or(Garbled)?;
    let Some(entry) = history.get(order) else {
        return Ok(Vec::new());
    };
    let graph = entry.get("prompt").and_then(|item| item.get(2));
    let made_of_it = graph.and_then(|graph| fed_by(graph, photo));
    let outputs = entry.get("outputs").and_then(Value::as_object);
    let outputs = outputs.into_iter().flatten();
    // An entry without its graph is from no ComfyUI that is known; our order holds only what its output needs.
    // A node that is not in it was put in by another one, which stands for several.
    let is_ours = |node: &str| {
        let is_known = graph.is_some_and(|graph| graph.get(node).is_some());
        !is_known || made_of_it.as_ref().is_none_or(|nodes| nodes.contains(node))
    };
    let of_photo = outputs.filter(|(node, _)| is_ours(node.as_str()));
    let found = of_photo.flat_map(|(_, output)| files(output));
    Ok(found
        .filter(|file| ["temp", "output"].contains(&file.kind.as_str()))
        .collect())
}

/// The nodes that the photo flows into, by the links between them; none when no node takes it.
fn fed_by<'a>(graph: &'a Value, photo: &str) -> Option<BTreeSet<&'a str>> {
    let nodes = graph.as_object()?;
    let inputs = |node: &'a Value| {
        let inputs = node.get("inputs").and_then(Value::as_object);
        inputs.into_iter().flat_map(|inputs| inputs.values())
    };
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
    use serde_json::json;

    use super::*;

    fn names(entry: Value) -> Vec<String> {
        let answer = json!({"p": entry}).to_string();
        let found = files_of(answer.as_bytes(), "p", "carrier-1.jpg").expect("a history");
        found.into_iter().map(|file| file.filename).collect()
    }

    fn file(name: &str, kind: &str) -> Value {
        json!({"filename": name, "subfolder": "", "type": kind})
    }

    #[test]
    fn what_was_made_of_the_photo_is_found_and_nothing_of_the_owners() {
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
    fn an_entry_without_a_graph_names_all_it_has() {
        let entry = json!({"outputs": {"3": {"images": [file("made.png", "temp")]}}});
        assert_eq!(names(entry), ["made.png"]);
        assert_eq!(files_of(b"{}", "p", "x"), Ok(Vec::new()));
        assert_eq!(files_of(b"[]", "p", "x"), Err(Garbled));
    }
}
