//! docs/api.md, from the OpenAPI document.

use std::fmt::Write;

use serde_json::Value;

use super::document;
use crate::generated_page;

const PAGE: &str = "api.md";

const INTRODUCTION: &str = "# HTTP API

<!-- Generated from the OpenAPI document. CONTRIBUTING.md says how. -->

Every route of the station. The same is served by each station as a page (`/api/docs`) and as an OpenAPI 3.1 document
(`/api/openapi.json`).

- **Rights.** A token is sent as `Authorization: Bearer TOKEN`. *watch*: the viewer token (`[viewers] token`), if the
  station has one; else everybody. *metrics*: `[http] metrics_token` where that or a viewer token is configured. *admin*:
  the admin token (`carrier token` prints it). The admin token has all rights. After ten wrong tokens an address gets 429.
- **Errors** are problem details (`application/problem+json`, RFC 9457) on every route.
- **Host.** The station answers only under names that it knows; others get 421. `[http] hosts` adds some.
- **Limits.** A body of more than 128 kB is refused with 413, except for photos (12 MB).
- **Events.** `text/event-stream` has one JSON object in each `data:` line; the type is the one that is named.

The examples use `STATION` for the address and these variables:

```sh
STATION=http://localhost:8080
ADMIN_TOKEN=$(carrier token)
ID=the-id-of-a-job
SECRET=the-secret-of-a-handover
```

[WHEP and WHIP](players.md) has the commands for players and publishers.
";

/// Bodies of the examples, by path.
const BODIES: &[(&str, &str)] = &[
    ("/api/shutter", r#"{"closed": true}"#),
    ("/api/settings", r#"{"privacy": {"mode": "blur_faces"}}"#),
    ("/api/stylise/{id}", r#"{"share": true}"#),
    ("/api/stylise/{id}/print", r#"{"copies": 1}"#),
    ("/api/admin/prints/{id}", r#"{"approved": true}"#),
    (
        "/api/handovers/{secret}",
        r#"{"by": "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11"}"#,
    ),
    ("/api/play/rounds", r#"{"game": "how-many"}"#),
    (
        "/api/carriers",
        r#"{"code": "acorn amber apple arrow badge baker banjo beach"}"#,
    ),
    ("/api/admin/bitrate", r#"{"bitrate_bps": 2000000}"#),
    ("/api/admin/gallery/{id}", r#"{"hidden": true}"#),
    (
        "/api/admin/gallery",
        r#"{"action": "erase", "ids": ["6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11"]}"#,
    ),
];

/// What the examples ask for, of routes that answer nothing without.
const QUERIES: [(&str, &str); 1] = [("/api/screen", "?width=1280&height=720")];

#[test]
fn the_page_is_what_the_code_says() {
    generated_page::assert_is_current(PAGE, &page());
}

#[test]
#[ignore = "writes docs/api.md"]
fn write_page() {
    generated_page::write(PAGE, &page());
}

#[test]
fn each_json_body_has_an_example() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        if json_body(operation).is_some() {
            assert!(body_of(path).is_some(), "no example for {method} {path}");
        }
    }
}

/// Method in capitals, path, operation.
fn operations(document: &Value) -> Vec<(String, &str, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            all.push((method.to_uppercase(), path.as_str(), operation));
        }
    }
    all
}

fn page() -> String {
    let document = document();
    let operations = operations(&document);
    let mut page = INTRODUCTION.to_owned();
    let tags = document["tags"].as_array().expect("tags");
    for tag in tags {
        let of_tag: Vec<_> = operations
            .iter()
            .filter(|(_, _, one)| one["tags"][0] == tag["name"])
            .collect();
        let _ = write!(page, "\n## {}\n", text(&tag["name"]));
        for (method, path, operation) in of_tag {
            describe(&mut page, method, path, operation);
        }
    }
    page.push_str("\n## Types\n");
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for (name, schema) in schemas {
        describe_type(&mut page, name, schema);
    }
    page
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn describe(page: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        page,
        "\n### `{method} {path}`\n\n{}",
        text(&operation["summary"])
    );
    if let Some(note) = operation["description"].as_str() {
        let _ = write!(page, " {note}");
    }
    let _ = write!(page, "\n\n- Right: {}\n", text(&operation["x-needs"]));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "path" {
            continue;
        }
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let _ = writeln!(
            page,
            "- {} `{name}`: {}",
            capitalised(place),
            text(&parameter["description"])
        );
    }
    for (media, content) in operation["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let _ = writeln!(page, "- Body: {}", with_type(media, &content["schema"]));
    }
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        if status == "default" {
            continue;
        }
        let contents = answer["content"].as_object().into_iter().flatten();
        let contents: Vec<String> = contents
            .map(|(media, content)| with_type(media, &content["schema"]))
            .collect();
        let what = if contents.is_empty() {
            "no body".to_owned()
        } else {
            contents.join(", or ")
        };
        let _ = writeln!(page, "- Answer {status}: {what}");
    }
    if let Some(command) = curl(method, path, operation) {
        let _ = write!(page, "\n```sh\n{command}\n```\n");
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn with_type(media: &str, schema: &Value) -> String {
    let schema = schema.get("contentSchema").unwrap_or(schema);
    match schema.as_object().is_some_and(|schema| !schema.is_empty()) {
        true => format!("`{media}`, {}", kind(schema)),
        false => format!("`{media}`"),
    }
}

fn json_body(operation: &Value) -> Option<&Value> {
    operation["requestBody"]["content"].get("application/json")
}

fn body_of(path: &str) -> Option<&'static str> {
    BODIES
        .iter()
        .find(|(of, _)| *of == path)
        .map(|(_, body)| *body)
}

/// `None`: for browsers, or for WebRTC.
fn curl(method: &str, path: &str, operation: &Value) -> Option<String> {
    let bodies = operation["requestBody"]["content"].as_object();
    let body = bodies
        .and_then(|media| media.keys().next())
        .map(String::as_str);
    let answers = operation["responses"]
        .as_object()?
        .iter()
        .filter(|(status, _)| *status != "default");
    let answers: Vec<&str> = answers
        .flat_map(|(_, one)| one["content"].as_object().into_iter().flatten())
        .map(|(media, _)| media.as_str())
        .collect();
    let is_for_browsers = answers
        .iter()
        .any(|media| ["text/html", "*/*"].contains(media))
        && path != "/api/tracks";
    if is_for_browsers || path.starts_with("/whep") || path.starts_with("/whip") {
        return None;
    }
    let mut words = vec!["curl".to_owned()];
    if answers.contains(&"text/event-stream") || answers.contains(&"multipart/x-mixed-replace") {
        words.push("-N".to_owned());
    }
    if answers.contains(&"image/jpeg") {
        words.push("-o picture.jpg".to_owned());
    }
    match (method, body) {
        (_, Some("application/json")) => {
            words.extend((method != "POST").then(|| format!("-X {method}")));
            words.push(format!("--json '{}'", body_of(path)?));
        }
        (_, Some("multipart/form-data")) => {
            words.push("-F style=watercolour -F image=@me.jpg".to_owned())
        }
        ("GET", None) => {}
        (_, None) => words.push(format!("-X {method}")),
        _ => return None,
    }
    if operation["x-needs"] == "admin" {
        words.push("-H \"Authorization: Bearer $ADMIN_TOKEN\"".to_owned());
    }
    words.push(example_address(path));
    Some(words.join(" "))
}

/// With values for the parameters.
fn example_address(path: &str) -> String {
    let query = QUERIES.iter().find(|(of, _)| *of == path);
    let path = path
        .replace("{id}", "$ID")
        .replace("{secret}", "$SECRET")
        .replace("{picture}", "result.jpg")
        .replace("{name}", "booth.svg")
        .replace("{file}", "en.json");
    match query {
        Some((_, query)) => format!("\"$STATION{path}{query}\""),
        None => format!("$STATION{path}"),
    }
}

fn describe_type(page: &mut String, name: &str, schema: &Value) {
    let _ = write!(page, "\n### {name} (type)\n");
    if let Some(description) = schema["description"].as_str() {
        let _ = write!(page, "\n{}\n", prose(description));
    }
    let alternatives = ["oneOf", "anyOf"]
        .iter()
        .find_map(|list| schema[*list].as_array());
    match alternatives {
        None if schema["properties"].is_object() => fields(page, schema),
        None => {
            let _ = write!(page, "\n{}\n", kind(schema));
        }
        Some(alternatives) => {
            page.push_str("\nOne of:\n\n");
            for one in alternatives {
                let description = one["description"]
                    .as_str()
                    .map(|text| format!(": {}", prose(text)));
                let _ = writeln!(page, "- {}{}", kind(one), description.unwrap_or_default());
            }
            if schema["properties"].is_object() {
                fields(page, schema);
            }
        }
    }
}

fn fields(page: &mut String, schema: &Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    page.push_str("\n| field | type | |\n|---|---|---|\n");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let optional = if required.iter().any(|one| one == name) {
            ""
        } else {
            ", optional"
        };
        let description = prose(text(&field["description"]));
        let _ = writeln!(
            page,
            "| `{name}` | {}{optional} | {description} |",
            kind(field).replace('|', "\\|")
        );
    }
}

/// On one line, and not as HTML or a link of rustdoc.
fn prose(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace("[`", "`").replace("`]", "`");
    line.replace('<', "&lt;").replace('|', "\\|")
}

/// The type in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return format!("[{name}](#{}-type)", name.to_lowercase());
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{constant}`");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    if let Some(all) = ["anyOf", "oneOf"]
        .iter()
        .find_map(|list| schema[*list].as_array())
    {
        return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        Value::String(kind) => vec![kind],
        _ => vec!["any"],
    };
    let words = kinds.into_iter().map(|kind| match kind {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => list(schema),
        "object" => object(schema),
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn list(schema: &Value) -> String {
    if let Some(items) = schema["prefixItems"].as_array() {
        let items: Vec<String> = items.iter().map(kind).collect();
        return format!("[{}]", items.join(", "));
    }
    format!("list of {}", kind(&schema["items"]))
}

fn object(schema: &Value) -> String {
    if let Some(fields) = schema["properties"].as_object() {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, field)| format!("`{name}`: {}", kind(field)))
            .collect();
        return format!("{{{}}}", fields.join(", "));
    }
    match schema
        .get("additionalProperties")
        .filter(|values| values.is_object())
    {
        Some(values) => format!("object of {}", kind(values)),
        None => "object".to_owned(),
    }
}
