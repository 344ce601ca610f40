//! The built-in workflows use nodes as ComfyUI has them. `tests/comfyui/nodes.json` lists those nodes, read from the sources
//! of ComfyUI (0.3.64 of October 2025, and those of 2026 for what is newer); `make test-comfyui` asks a real server.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

/// What `graph` has that ComfyUI does not know.
fn unknown(graph: &Map<String, Value>, known: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    for (id, node) in graph {
        let class = node["class_type"].as_str().unwrap_or_default();
        let Some(description) = known.get(class) else {
            unknown.push(format!("{id}: no node {class}"));
            continue;
        };
        let inputs = node["inputs"].as_object().expect("inputs");
        let required = description["required"].as_object().expect("inputs");
        let missing = required.keys().filter(|name| !inputs.contains_key(*name));
        unknown.extend(missing.map(|name| format!("{id} {class}: lacks {name}")));
        for (name, value) in inputs {
            let wanted = required
                .get(name)
                .or_else(|| description["optional"].get(name));
            let fits = wanted.is_some_and(|wanted| is_valid(value, wanted, graph, known));
            if !fits {
                unknown.push(format!("{id} {class}: {name} = {value}, not {wanted:?}"));
            }
        }
    }
    unknown
}

/// Whether an input that wants a type, or one of a list, takes a value or the output of another node.
fn is_valid(value: &Value, wanted: &Value, graph: &Map<String, Value>, known: &Value) -> bool {
    if let Some([Value::String(from), Value::Number(output)]) = value.as_array().map(Vec::as_slice)
    {
        let class = graph[from]["class_type"].as_str().unwrap_or_default();
        let output = output.as_u64().expect("an index") as usize;
        return known[class]["outputs"][output] == *wanted;
    }
    match wanted {
        Value::Array(options) => options.contains(value),
        Value::String(kind) => match kind.as_str() {
            "INT" => value.is_u64(),
            "FLOAT" => value.is_number(),
            "STRING" | "FILE" => value.is_string(),
            _ => false,
        },
        _ => false,
    }
}

fn known() -> Value {
    serde_json::from_str(include_str!("../../comfyui/nodes.json")).expect("JSON")
}

#[test]
fn the_built_in_workflows_use_nodes_and_inputs_that_comfyui_has() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|file| file.expect("readable").path());
    let graphs: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    assert_eq!(graphs.len(), 4);
    for path in graphs {
        let text = fs::read_to_string(&path).expect("readable");
        let graph: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
        let unknown = unknown(&graph, &known());
        assert!(unknown.is_empty(), "{}: {unknown:#?}", path.display());
    }
}

#[test]
fn what_comfyui_does_not_have_is_found() {
    let graph = serde_json::json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.jpg", "mask": 1}},
        "2": {"class_type": "Paint", "inputs": {}},
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "eular"}},
    });
    let found = unknown(graph.as_object().expect("a graph"), &known());
    let starts = [
        "1 LoadImage: mask",
        "2: no node",
        "3 VAEDecode: lacks vae",
        "3 VAEDecode: samples",
        "4 KSamplerSelect: sampler_name",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    assert!(
        found
            .iter()
            .zip(starts)
            .all(|(one, start)| one.starts_with(start)),
        "{found:#?}"
    );
}
