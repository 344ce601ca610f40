//! Codes by which a phone takes over a job that was made at a shared device.

use serde_json::{Value, json};

use super::client::{Answer, Form, a_style, delete, ended, get, patch, photo, post};
use super::join::read;
use crate::station::{Station, agent};

const PHONE: &str = "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
const OTHER: &str = "0b8e3a52-8f1e-4c77-9c1d-0d6a0c8f1b22";

fn send(station: &Station, path: &str, body: &str) -> Answer {
    let request = agent()
        .post(station.at(path))
        .header("Content-Type", "application/json");
    Answer::of(request.send(body).expect("an answer"))
}

fn redeem(station: &Station, secret: &str, by: &str) -> Answer {
    let path = format!("/api/handovers/{secret}");
    send(station, &path, &json!({ "by": by }).to_string())
}

fn new_handover(station: &Station, id: &str) -> Value {
    let answer = send(station, &format!("/api/stylise/{id}/handover"), "");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "private, no-store");
    answer.json()
}

#[test]
fn a_code_gives_a_job_to_one_phone() {
    let station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(320, 200));
    let id = post(&station, &form, &[]).id();
    let handover = new_handover(&station, &id);
    let secret = handover["secret"].as_str().expect("text");
    let page = format!("{}#handover={secret}", station.at("/booth"));
    assert_eq!(handover["url"], page.as_str());
    assert!(
        !handover.to_string().contains(&id),
        "the code is not the job's address"
    );
    let code = handover["code"].as_str().expect("a picture");
    assert_eq!(read(code), page);
    let path = format!("/api/handovers/{secret}");
    assert_eq!(get(&station, &path, &[]).json()["taken"], false);

    assert_eq!(redeem(&station, secret, "me").status, 422, "no UUID");
    assert_eq!(redeem(&station, secret, PHONE).json()["id"], id.as_str());
    let repeated = redeem(&station, secret, PHONE);
    assert_eq!(
        repeated.json()["id"],
        id.as_str(),
        "the first answer may be lost"
    );
    let refused = redeem(&station, secret, OTHER);
    assert_eq!(refused.status, 404);
    assert!(
        refused.error().contains("used already"),
        "{}",
        refused.error()
    );
    assert_eq!(get(&station, &path, &[]).json()["taken"], true);

    let unknown = get(&station, &format!("/api/handovers/{OTHER}"), &[]);
    assert_eq!(unknown.status, 404);
    assert_eq!(
        send(&station, &format!("/api/stylise/{OTHER}/handover"), "").status,
        404
    );
    let log = station.log();
    assert!(!log.contains(secret), "the secret is in no log");
}

#[test]
fn a_shared_job_names_its_picture_in_the_gallery() {
    let station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(320, 200));
    let id = post(&station, &form, &[]).id();
    assert_eq!(ended(&station, &id)["gallery"], Value::Null);
    let job = format!("/api/stylise/{id}");
    let shared = patch(&station, &job, r#"{"share": true}"#, &[]).json();
    let shown = get(&station, "/api/gallery", &[]).json();
    assert_eq!(shared["gallery"], shown["pictures"][0]["id"]);
    assert_ne!(shared["gallery"], id.as_str());
    let unshared = patch(&station, &job, r#"{"share": false}"#, &[]).json();
    assert_eq!(unshared["gallery"], Value::Null);
    assert_eq!(delete(&station, &job, &[]).status, 204);
}
