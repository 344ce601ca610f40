//! The OpenAPI document against the route table and the running station.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use detector::{BBox, Track, Tracks};
use futures_util::StreamExt;
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::routes::contract::documented_path;

/// Those of the document; HEAD and OPTIONS follow from the others.
const DOCUMENTED: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

const BODY_BYTES_MAX: usize = 4 << 20;

struct Answered {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

/// Sends a request with the admin token and reads the answer; of a stream, its beginning.
async fn ask(
    station: &Station,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answered {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request
        .body(Body::from(body.to_owned()))
        .expect("a request");
    request.extensions_mut().insert(ConnectInfo(Caller {
        ip: std::net::Ipv4Addr::from_bits(rand::random()).into(),
        tls: false,
    }));
    let answer = station
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    let (parts, body) = answer.into_parts();
    let kind = header(&parts.headers, "content-type");
    let kind = kind.split(';').next().unwrap_or_default().to_owned();
    let is_stream = ["text/event-stream", "multipart/x-mixed-replace"].contains(&kind.as_str());
    let body = if is_stream {
        let mut parts = body.into_data_stream();
        let first = timeout(Duration::from_secs(60), parts.next()).await;
        first
            .expect("it begins")
            .expect("a part")
            .expect("readable")
            .to_vec()
    } else {
        to_bytes(body, BODY_BYTES_MAX)
            .await
            .expect("readable")
            .to_vec()
    };
    Answered {
        status: parts.status.as_u16(),
        kind,
        body,
    }
}

fn token(token: &str) -> (&'static str, &str) {
    ("authorization", token)
}

fn one_track() -> Tracks {
    let bbox = BBox {
        x1: 1.0,
        y1: 2.0,
        x2: 30.0,
        y2: 40.0,
    };
    Tracks {
        captured_at: Instant::now(),
        source_number: 0,
        frame_seq: 1,
        frame_width: 1280,
        frame_height: 720,
        labels: ["person".to_owned()].into(),
        items: vec![Track::still(1, 0, 0.9, bbox)],
        mounting: capture::Mounting::default(),
    }
}

/// The document, and what answers have to be by it.
struct Contract {
    document: Value,
    validators: BTreeMap<String, Validator>,
}

impl Contract {
    async fn of(station: &Station) -> Self {
        let answer = ask(station, &Method::GET, "/api/openapi.json", &[], "").await;
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            (200, "application/json")
        );
        Self {
            document: serde_json::from_slice(&answer.body).expect("JSON"),
            validators: BTreeMap::new(),
        }
    }

    fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let each = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().expect("methods").keys();
            let pair = |method: &String| (path.clone(), method.to_uppercase());
            methods.map(pair).collect::<Vec<_>>()
        };
        paths.iter().flat_map(each).collect()
    }

    /// Checks status, media type and body.
    fn check(&mut self, what: &str, path: &str, method: &Method, answer: &Answered) {
        let operation = &self.document["paths"][path][method.as_str().to_lowercase()];
        let answers = &operation["responses"];
        let status = answer.status.to_string();
        let is_error = answer.status >= 400;
        let described = match answers.get(&status) {
            Some(described) => described.clone(),
            // A page that asks for the token, and files that have not changed.
            None if answer.kind == "text/html" && answer.status == 401 => return,
            None if is_error => answers["default"].clone(),
            None => panic!("{what}: {status} is not in the document"),
        };
        let Some(kinds) = described["content"].as_object() else {
            assert!(answer.body.is_empty(), "{what}: {status} has a body");
            return;
        };
        // One status may have several: /api/tracks is a page for browsers.
        let Some(content) = kinds.get(&answer.kind).or_else(|| kinds.get("*/*")) else {
            panic!("{what}: {status} as {:?} is not in {kinds:?}", answer.kind);
        };
        let mut schema = content["schema"].clone();
        let mut body = answer.body.as_slice();
        if answer.kind == "text/event-stream" {
            schema = schema["contentSchema"].clone();
            let text = std::str::from_utf8(body).expect("text");
            let data = text.lines().find_map(|line| line.strip_prefix("data: "));
            body = data.unwrap_or_else(|| panic!("{what}: {text}")).as_bytes();
        } else if !answer.kind.ends_with("json") {
            return;
        }
        let body: Value =
            serde_json::from_slice(body).unwrap_or_else(|error| panic!("{what}: {error}"));
        let components = &self.document["components"];
        let validator = self
            .validators
            .entry(schema.to_string())
            .or_insert_with(|| {
                let whole = json!({"allOf": [schema], "components": components});
                jsonschema::validator_for(&whole).expect("a schema")
            });
        let errors: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:?} in {body}");
        if is_error {
            assert_eq!(body["status"], answer.status, "{what}");
            let detail = body["detail"].as_str().expect("text");
            assert!(
                !detail.is_empty() && detail == detail.trim(),
                "{what}: {detail:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_each_route_and_method_and_no_other() {
    let station = Station::start(&configuration());
    let admin = format!("Bearer {ADMIN}");
    let mut accepted = BTreeSet::new();
    for route in table() {
        let path = example(&route);
        for method in DOCUMENTED {
            let answer = ask(&station, &method, &path, &shown(&admin), "").await;
            // WHEP and WHIP answer it with 405 or without content (RFC 9725 4.3).
            let is_not_there = answer.status == 405
                || (answer.status == 204 && method == Method::GET && path.starts_with("/wh"));
            if !is_not_there {
                accepted.insert((documented_path(route.path), method.to_string()));
            }
        }
    }
    let documented = Contract::of(&station).await.operations();
    let missing: Vec<_> = accepted.difference(&documented).collect();
    assert!(missing.is_empty(), "not in the document: {missing:?}");
    let surplus: Vec<_> = documented.difference(&accepted).collect();
    assert!(surplus.is_empty(), "only in the document: {surplus:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_is_as_the_document_says() {
    let station = Station::start(&configuration());
    let mut contract = Contract::of(&station).await;
    station.app.slots.tracks.publish(one_track());
    let (admin, viewer) = (format!("Bearer {ADMIN}"), format!("Bearer {VIEWER}"));
    let json_type = ("content-type", "application/json");
    for route in table() {
        let (path, documented) = (example(&route), documented_path(route.path));
        for method in DOCUMENTED {
            let is_known = contract
                .operations()
                .contains(&(documented.clone(), method.to_string()));
            for (headers, body) in [
                (vec![], ""),
                (vec![token(&viewer)], ""),
                (vec![token(&admin)], ""),
                (vec![token("Bearer a-wrong-token")], ""),
                (vec![token(&admin), json_type], "{\"surplus\": "),
                (vec![token(&admin), json_type], "{\"surplus\": 1}"),
                (vec![token(&admin), json_type], "[]"),
                (vec![token(&admin), ("origin", "https://evil.test")], ""),
                (vec![token(&admin), ("host", "evil.test")], ""),
                (vec![token(&admin), ("host", "a b")], ""),
                (vec![token(&admin), ("range", "bytes=900000000-")], ""),
            ] {
                let what = format!("{method} {path} {headers:?} {body}");
                let answer = ask(&station, &method, &path, &headers, body).await;
                if is_known {
                    contract.check(&what, &documented, &method, &answer);
                } else if answer.status >= 400 && answer.kind != "text/html" {
                    assert_eq!(answer.kind, "application/problem+json", "{what}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_answered_as_the_document_says() {
    let station = Station::start(&configuration());
    let mut contract = Contract::of(&station).await;
    let admin = format!("Bearer {ADMIN}");
    let json_type = ("content-type", "application/json");
    for (path, method, body) in [
        (
            "/api/shutter",
            Method::PUT,
            json!({"closed": true, "reason": "lunch"}),
        ),
        ("/api/shutter", Method::GET, Value::Null),
        ("/api/events", Method::GET, Value::Null),
        ("/snapshot.jpg", Method::GET, Value::Null),
        ("/readyz", Method::GET, Value::Null),
        ("/api/doctor", Method::GET, Value::Null),
        ("/api/camera", Method::GET, Value::Null),
        ("/api/shutter", Method::PUT, json!({"closed": false})),
        ("/api/settings", Method::PATCH, json!({"boxes": false})),
        ("/api/settings", Method::PATCH, json!({"boxes": 3})),
        ("/api/settings", Method::GET, Value::Null),
        (
            "/api/admin/bitrate",
            Method::PUT,
            json!({"bitrate_bps": 900_000}),
        ),
        ("/api/admin/bitrate", Method::PUT, json!({"bitrate_bps": 3})),
        ("/api/admin/audit", Method::GET, Value::Null),
    ] {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let headers = [token(&admin), json_type];
        let answer = ask(&station, &method, path, &headers, &body).await;
        contract.check(&format!("{method} {path} {body}"), path, &method, &answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_outside_of_the_document_are_problem_details_too() {
    let station = Station::start(&configuration());
    let admin = format!("Bearer {ADMIN}");
    let large = "x".repeat(200 * 1024);
    let json_type = ("content-type", "application/json");
    for (status, method, path, body) in [
        (404, Method::GET, "/nothing/here", ""),
        (404, Method::GET, "/app/none.js", ""),
        (405, Method::POST, "/api/status", ""),
        (413, Method::PUT, "/api/shutter", large.as_str()),
        (415, Method::POST, "/whep", "v=0"),
        (400, Method::GET, "/snapshot.jpg?boxes=perhaps", ""),
    ] {
        let headers = [("authorization", admin.as_str()), json_type];
        let answer = ask(&station, &method, path, &headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.kind, "application/problem+json", "{method} {path}");
        let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(problem["status"], status, "{method} {path}");
    }
}
