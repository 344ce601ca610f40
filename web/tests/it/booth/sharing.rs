//! The owner's rules for what visitors share: approval first, a pause, several pictures at once, the export.

use serde_json::{Value, json};

use super::client::{
    Answer, Form, a_style, delete, ended, get, job, patch, photo, post, post_json_as,
};
use crate::station::Station;

const ADMIN: [(&str, &str); 1] = [("Authorization", "Bearer test-admin-token")];

fn station() -> Station {
    Station::start(&["--model", "none"])
}

fn pictures(station: &Station, more: &[(&str, &str)]) -> Vec<Value> {
    let gallery = get(station, "/api/gallery", more).json();
    gallery["pictures"].as_array().expect("a list").clone()
}

/// A shared picture, by its job's id.
fn shared(station: &Station) -> String {
    let form = Form::style(&a_style(station)).text("share", "true");
    let id = post(station, &form.image(&photo(320, 200)), &[]).id();
    assert_eq!(ended(station, &id)["state"], "done");
    id
}

fn set(station: &Station, key: &str, value: bool) {
    let body = json!({"booth": {key: value}}).to_string();
    assert_eq!(patch(station, "/api/settings", &body, &ADMIN).status, 200);
}

fn change_all(station: &Station, body: &Value, more: &[(&str, &str)]) -> Answer {
    post_json_as(station, "/api/admin/gallery", &body.to_string(), more)
}

fn audit(station: &Station) -> Vec<String> {
    let audit = get(station, "/api/admin/audit", &ADMIN).json();
    let entries = audit["entries"].as_array().expect("a list");
    let what = |entry: &Value| entry["what"].as_str().expect("words").to_owned();
    entries.iter().map(what).collect()
}

#[test]
fn with_approval_first_nobody_but_the_owner_sees_a_picture_before() {
    let station = station();
    let before = shared(&station);
    set(&station, "approve_first", true);
    let after = shared(&station);
    for id in [&before, &after] {
        let view = job(&station, id);
        assert_eq!(
            (&view["withheld"], &view["share"]),
            (&"waits".into(), &true.into())
        );
        assert_eq!(view["gallery"], Value::Null);
    }
    assert!(pictures(&station, &[]).is_empty());
    let waiting = pictures(&station, &ADMIN);
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|picture| picture["waits"] == true));
    let url = waiting[0]["url"].as_str().expect("an address");
    assert_eq!(
        get(&station, url, &[]).status,
        404,
        "not even by its address"
    );
    assert_eq!(get(&station, url, &ADMIN).status, 200);

    let ids: Vec<&Value> = waiting.iter().map(|picture| &picture["id"]).collect();
    let body = json!({"action": "show", "ids": [ids[0]]});
    assert_eq!(change_all(&station, &body, &[]).status, 401);
    assert_eq!(change_all(&station, &body, &ADMIN).status, 200);
    let one = format!("/api/admin/gallery/{}", ids[1].as_str().expect("an id"));
    assert_eq!(
        patch(&station, &one, r#"{"hidden": true}"#, &ADMIN).status,
        204
    );
    assert_eq!(pictures(&station, &[]).len(), 1);
    assert_eq!(get(&station, url, &[]).status, 200);
    assert_eq!(job(&station, &after)["withheld"], Value::Null);
    assert_eq!(job(&station, &before)["withheld"], "refused");
    assert_eq!(
        patch(&station, &one, r#"{"hidden": false}"#, &ADMIN).status,
        204
    );
    assert_eq!(pictures(&station, &[]).len(), 2);
    let audit = audit(&station);
    let expected = [
        "gallery pictures shown: 1",
        "gallery pictures hidden: 1",
        "gallery pictures shown: 1",
    ];
    assert_eq!(audit[..3], expected, "{audit:?}");
}

#[test]
fn while_sharing_is_paused_no_further_picture_is_shared() {
    let station = station();
    shared(&station);
    assert_eq!(
        get(&station, "/api/styles", &[]).json()["sharing_paused"],
        false
    );
    set(&station, "pause_sharing", true);
    assert_eq!(
        get(&station, "/api/styles", &[]).json()["sharing_paused"],
        true
    );
    let form = Form::style(&a_style(&station)).text("share", "true");
    let form = form.image(&photo(320, 200));
    let key = [("Idempotency-Key", "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11")];
    let id = post(&station, &form, &key).id();
    assert_eq!(ended(&station, &id)["share"], false);
    let address = format!("/api/stylise/{id}");
    let refused = patch(&station, &address, r#"{"share": true}"#, &[]);
    assert_eq!(refused.status, 409);
    assert!(refused.error().contains("paused"), "{}", refused.error());
    assert_eq!(pictures(&station, &[]).len(), 1, "what was shared stays");

    set(&station, "pause_sharing", false);
    assert_eq!(post(&station, &form, &key).id(), id, "the same request");
    assert_eq!(
        patch(&station, &address, r#"{"share": true}"#, &[]).status,
        200
    );
    assert_eq!(pictures(&station, &[]).len(), 2);
}

#[test]
fn several_pictures_are_erased_with_one_answer_for_each() {
    let station = station();
    let jobs = [shared(&station), shared(&station), shared(&station)];
    let list = pictures(&station, &[]);
    let id = |at: usize| list[at]["id"].as_str().expect("an id");
    let unknown = "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
    let body = json!({"action": "erase", "ids": [id(0), unknown, "../x", id(1), id(1)]});
    assert_eq!(change_all(&station, &body, &[]).status, 401);
    let answer = change_all(&station, &body, &ADMIN);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let results = answer.json()["results"].clone();
    let outcomes = results.as_array().expect("a list").iter();
    let outcomes: Vec<_> = outcomes
        .map(|one| one["outcome"].as_str().expect("text"))
        .collect();
    assert_eq!(outcomes, ["done", "unknown", "unknown", "done", "unknown"]);
    assert_eq!(results[2]["id"], "../x");
    assert_eq!(pictures(&station, &ADMIN).len(), 1);
    // The newest is first in the list.
    assert_eq!(job(&station, &jobs[0])["state"], "done");
    assert_eq!(
        get(&station, &format!("/api/stylise/{}", jobs[2]), &[]).status,
        404
    );
    assert_eq!(audit(&station)[0], "gallery pictures erased: 2");
    let many = json!({"action": "hide", "ids": vec![unknown; 501]});
    assert_eq!(change_all(&station, &many, &ADMIN).status, 422);
    let what = json!({"action": "print", "ids": []});
    assert_eq!(change_all(&station, &what, &ADMIN).status, 422);
}

#[test]
fn the_export_has_what_visitors_share_and_a_table_of_it() {
    let station = station();
    let open = shared(&station);
    shared(&station);
    let form = Form::style(&a_style(&station)).image(&photo(320, 200));
    let private = post(&station, &form, &[]).id();
    assert_eq!(ended(&station, &private)["state"], "done");
    let list = pictures(&station, &[]);
    let hidden = json!({"action": "hide", "ids": [list[0]["id"]]});
    assert_eq!(change_all(&station, &hidden, &ADMIN).status, 200);

    let path = "/api/admin/gallery.zip";
    assert_eq!(get(&station, path, &[]).status, 401);
    let names = |path: &str| {
        let answer = get(&station, path, &ADMIN);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/zip")
        );
        assert!(
            answer
                .header("content-disposition")
                .starts_with("attachment")
        );
        // The central directory and its end are in this one part.
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let result = get(&station, &format!("/api/stylise/{open}/result.jpg"), &[]).body;
        let is_whole = answer.body.windows(result.len()).any(|part| part == result);
        assert!(is_whole, "the picture is stored as it is");
        assert!(answer.body.starts_with(b"PK\x03\x04") && text.contains("PK\x05\x06"));
        text.matches(".jpg,").count()
    };
    assert_eq!(names(path), 1);
    assert_eq!(
        names(&format!("{path}?all=1")),
        2,
        "never what nobody shared"
    );
    assert_eq!(
        audit(&station)[..2],
        ["gallery exported: 2", "gallery exported: 1"]
    );
    assert_eq!(delete(&station, path, &ADMIN).status, 405);
}
