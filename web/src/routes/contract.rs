//! The OpenAPI document of this service, from the route table and the operations that each module of routes describes.
//! Tests compare it with the table, and the answers of a running station with it.

pub(super) mod operation;

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use self::operation::{Content, Operation, SchemaOf};
use super::stylise::{previews, submit};
use super::{admin, camera, carriers, counts, events, feed, gallery, health, join, network};
use super::{offers, page, play, portal, print, screen, settings, shutter, status};
use super::{stylise, tracks, whep_whip, worker};
use crate::http::bodies::ProblemBody;
use crate::layers::identify::Needs;

const PROBLEM: &str = "application/problem+json";
/// Where the schemas stand in the document.
const SCHEMAS: &str = "/components/schemas";

/// All operations, in groups.
pub(super) fn operations() -> Vec<(&'static str, Vec<Operation>)> {
    vec![
        ("Station", status::operations()),
        ("Feed", feed::operations()),
        ("Tracks and events", tracks::operations()),
        ("Tracks and events", events::operations()),
        ("Tracks and events", counts::operations()),
        ("WHEP and WHIP", whep_whip::operations()),
        ("Shutter", shutter::operations()),
        ("Settings", settings::operations()),
        ("Settings", offers::operations()),
        ("Settings", camera::operations()),
        ("Settings", network::operations()),
        ("Captive portal", portal::operations()),
        ("Control", admin::operations()),
        ("Control", health::operations()),
        ("Control", carriers::operations()),
        (
            "Photo booth",
            vec![submit::operation(), previews::operation()],
        ),
        ("Photo booth", stylise::operations()),
        ("Photo booth", stylise::handover::operations()),
        ("Photo booth", print::operations()),
        ("Gallery", gallery::operations()),
        ("Games", play::operations()),
        ("Join", join::operations()),
        ("Screen", screen::operations()),
        ("Pages", page::operations()),
        ("Pages", worker::operations()),
        ("Contract", own_operations()),
    ]
}

fn own_operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/openapi.json", "This document.").media(200, "application/json"),
        Operation::get("/api/docs", "This document as a page.").media(200, "text/html"),
        Operation::get("/docs/{file}", "A file of that page.").media(200, "*/*"),
    ]
}

/// `needs`: of each documented path. `prefix`: of all paths.
pub(super) fn document(needs: &BTreeMap<String, Needs>, prefix: &str) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.answer(|generator| generator.subschema_for::<ProblemBody<'static>>());
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    for (tag, operations) in operations() {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        for operation in operations {
            let needs = needs.get(operation.path).copied();
            let needs = needs.unwrap_or(Needs::Nothing);
            let needs = needs.of_method(&operation.method);
            let described = describe(&operation, (tag, needs), &problem, &mut schemas);
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method.as_str().to_lowercase()] = described;
        }
    }
    let server = if prefix.is_empty() { "/" } else { prefix };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "carrier",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "A live object-detection station. A token is sent as `Authorization: Bearer TOKEN`. \
                            What needs the viewer token is open to everybody while the station has none.",
        },
        "servers": [{"url": server}],
        "tags": tags.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.definitions(),
            "securitySchemes": {
                "viewer": scheme("The viewer token, `[viewers] token`, if there is one."),
                "metrics": scheme("`[http] metrics_token`, if there is one."),
                "admin": scheme("The admin token."),
            },
        },
    })
}

/// OpenAPI has no wildcards: a rest of the path is one parameter.
pub(super) fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

fn scheme(description: &str) -> Value {
    json!({"type": "http", "scheme": "bearer", "description": description})
}

fn describe(
    operation: &Operation,
    (tag, needs): (&str, Needs),
    problem: &Value,
    schemas: &mut Schemas,
) -> Value {
    let mut answers = Map::new();
    for answer in &operation.answers {
        // One status may have several media types.
        let described = answers
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({"description": answer.reason()}));
        if let Some((kind, schema)) = content(&answer.content, |of| schemas.answer(of)) {
            described["content"][kind] = json!({"schema": schema});
        }
    }
    let error = json!({
        "description": "An error: problem details (RFC 9457).",
        "content": {PROBLEM: {"schema": problem}},
    });
    answers.insert("default".to_owned(), error);
    let mut described = json!({
        "tags": [tag],
        "summary": operation.summary,
        "responses": answers,
        "security": security(needs),
        "x-needs": needs_word(needs),
    });
    if let Some(note) = operation.note {
        described["description"] = note.into();
    }
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    let body = operation.body.as_ref();
    if let Some((kind, schema)) = body.and_then(|body| content(body, |of| schemas.request(of))) {
        described["requestBody"] = json!({"required": true, "content": {kind: {"schema": schema}}});
    }
    described
}

/// Media type and schema.
fn content(
    content: &Content,
    schema: impl FnOnce(SchemaOf) -> Value,
) -> Option<(&'static str, Value)> {
    Some(match *content {
        Content::None => return None,
        Content::Media(kind) => (kind, json!({})),
        Content::Json(of) => ("application/json", schema(of)),
        Content::Events(of) => {
            let event = json!({
                "type": "string",
                "description": "Server-sent events, with this JSON as data.",
                "contentMediaType": "application/json",
                "contentSchema": schema(of),
            });
            ("text/event-stream", event)
        }
    })
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
    });
    let others = operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": parameter.place,
            "description": parameter.description,
            "schema": {"type": "string"},
        })
    });
    in_path.chain(others).collect()
}

fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::Watch => json!([{}, {"viewer": []}, {"admin": []}]),
        Needs::Metrics => json!([{}, {"metrics": []}, {"admin": []}]),
        Needs::Admin | Needs::AdminToChange => json!([{"admin": []}]),
    }
}

fn needs_word(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "nothing",
        Needs::Watch => "watch",
        Needs::Metrics => "metrics",
        Needs::Admin | Needs::AdminToChange => "admin",
    }
}

/// Schemas of requests and answers differ: a field with a default may be left out of a request only.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }

    fn request(&mut self, of: SchemaOf) -> Value {
        of(&mut self.requests).to_value()
    }

    fn answer(&mut self, of: SchemaOf) -> Value {
        of(&mut self.answers).to_value()
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.requests.take_definitions(true);
        all.append(&mut self.answers.take_definitions(true));
        all
    }
}

#[cfg(test)]
mod tests;
