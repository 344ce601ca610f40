mod reference;

use serde_json::{Value, json};

fn document() -> Value {
    super::document(&super::super::needs_by_path(), "")
}

#[test]
fn references_lead_to_schemas() {
    fn check(value: &Value, schemas: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    let name = to.strip_prefix("#/components/schemas/").expect(to);
                    assert!(schemas.get(name).is_some(), "{to}");
                }
                members.values().for_each(|value| check(value, schemas));
            }
            Value::Array(items) => items.iter().for_each(|value| check(value, schemas)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document["components"]["schemas"]);
}

#[test]
fn each_operation_says_what_it_needs() {
    let document = document();
    let needs = |path: &str, method: &str| &document["paths"][path][method]["x-needs"];
    assert_eq!(needs("/api/openapi.json", "get"), "nothing");
    assert_eq!(needs("/api/events", "get"), "watch");
    assert_eq!(needs("/metrics", "get"), "metrics");
    assert_eq!(needs("/api/settings", "get"), "admin");
    assert_eq!(needs("/api/shutter", "get"), "watch");
    assert_eq!(needs("/api/shutter", "put"), "admin");
    let put = &document["paths"]["/api/shutter"]["put"];
    assert_eq!(put["security"], json!([{"admin": []}]));
}

#[test]
fn a_field_with_a_default_may_be_left_out_of_a_request_only() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["ShutterChange"]["required"], json!(["closed"]));
    let required = schemas["ShutterBody"]["required"]
        .as_array()
        .expect("a list");
    assert!(required.contains(&json!("reason")), "{required:?}");
}
