//! The gallery: consent, hiding and erasing.

use serde_json::Value;

use super::client::{Form, a_style, delete, ended, get, patch, photo, post};
use crate::station::Station;

const ADMIN: [(&str, &str); 1] = [("Authorization", "Bearer test-admin-token")];

fn shown(station: &Station, more: &[(&str, &str)]) -> Vec<Value> {
    let gallery = get(station, "/api/gallery", more).json();
    gallery["pictures"].as_array().expect("a list").clone()
}

fn made(station: &Station, share: &str) -> String {
    let form = Form::style(&a_style(station)).text("share", share);
    let id = post(station, &form.image(&photo(320, 200)), &[]).id();
    assert_eq!(ended(station, &id)["state"], "done");
    id
}

#[test]
fn only_shared_pictures_are_in_the_gallery_until_consent_ends() {
    let station = Station::start(&["--model", "none"]);
    let secret = made(&station, "false");
    assert!(shown(&station, &[]).is_empty());
    let open = made(&station, "true");
    let list = shown(&station, &[]);
    assert_eq!(list.len(), 1, "{list:?}");
    let text = list[0].to_string();
    assert!(!text.contains(&open) && !text.contains(&secret), "{text}");
    assert_eq!(
        (&list[0]["made_by"], &list[0]["hidden"]),
        (&"laptop".into(), &false.into())
    );
    assert!(
        list[0]["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty())
    );

    let url = list[0]["url"].as_str().expect("an address");
    let picture = get(&station, url, &[]);
    assert!(picture.body.starts_with(&[0xFF, 0xD8]), "a JPEG");
    assert_eq!(picture.header("cache-control"), "private, no-cache");
    let tag = [("If-None-Match", picture.header("etag"))];
    assert_eq!(get(&station, url, &tag).status, 304);

    let job = format!("/api/stylise/{open}");
    let changed = patch(&station, &job, r#"{"share": false}"#, &[]);
    assert_eq!(
        (changed.status, &changed.json()["share"]),
        (200, &false.into())
    );
    assert!(shown(&station, &[]).is_empty());
    assert_eq!(
        get(&station, url, &tag).status,
        404,
        "not even by its address"
    );
    let changed = patch(&station, &job, r#"{"share": true}"#, &[]);
    assert_eq!(changed.json()["share"], true);
    assert_eq!(shown(&station, &[]).len(), 1);
    assert_eq!(delete(&station, &job, &[]).status, 204);
    assert!(shown(&station, &[]).is_empty());
}

#[test]
fn the_admin_hides_and_erases() {
    let station = Station::start(&["--model", "none"]);
    let job = made(&station, "true");
    let picture = shown(&station, &[]).remove(0);
    let url = picture["url"].as_str().expect("an address");
    let admin = format!(
        "/api/admin/gallery/{}",
        picture["id"].as_str().expect("an id")
    );

    assert_eq!(
        patch(&station, &admin, r#"{"hidden": true}"#, &[]).status,
        401
    );
    assert_eq!(delete(&station, &admin, &[]).status, 401);
    assert_eq!(shown(&station, &[]).len(), 1);

    assert_eq!(
        patch(&station, &admin, r#"{"hidden": true}"#, &ADMIN).status,
        204
    );
    assert!(shown(&station, &[]).is_empty());
    assert_eq!(get(&station, url, &[]).status, 404);
    assert_eq!(shown(&station, &ADMIN)[0]["hidden"], true);
    assert_eq!(get(&station, url, &ADMIN).status, 200);
    assert_eq!(
        patch(&station, &admin, r#"{"hidden": false}"#, &ADMIN).status,
        204
    );
    assert_eq!(shown(&station, &[]).len(), 1);

    assert_eq!(delete(&station, &admin, &ADMIN).status, 204);
    assert!(shown(&station, &ADMIN).is_empty());
    assert_eq!(get(&station, url, &ADMIN).status, 404);
    assert_eq!(
        get(&station, &format!("/api/stylise/{job}"), &[]).status,
        404
    );
    assert_eq!(delete(&station, &admin, &ADMIN).status, 404);
}

#[test]
fn a_closed_gallery_shows_nothing_to_visitors_and_erases_nothing() {
    let station = Station::start(&["--model", "none"]);
    let job = made(&station, "true");
    let picture = shown(&station, &[]).remove(0);
    let url = picture["url"].as_str().expect("an address");
    let set = |open: bool| {
        let body = format!(r#"{{"booth": {{"gallery": {open}}}}}"#);
        assert_eq!(patch(&station, "/api/settings", &body, &ADMIN).status, 200);
    };
    set(false);
    assert!(shown(&station, &[]).is_empty());
    assert_eq!(get(&station, url, &[]).status, 404);
    assert_eq!(shown(&station, &ADMIN).len(), 1, "the owner still sees it");
    assert_eq!(get(&station, "/api/styles", &[]).json()["gallery"], false);
    let again = patch(
        &station,
        &format!("/api/stylise/{job}"),
        r#"{"share": true}"#,
        &[],
    );
    assert_eq!(again.status, 409);
    let meanwhile = made(&station, "true");
    let view = get(&station, &format!("/api/stylise/{meanwhile}"), &[]).json();
    assert_eq!(view["share"], false);
    set(true);
    assert_eq!(shown(&station, &[]).len(), 1);
}
