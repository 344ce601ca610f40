//! Previews of the visitor's own picture in each style, and mosaics of the gallery.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Answer, Form, a_style, connect_from, delete, ended, get, patch, photo, post};
use crate::station::{Station, agent};
use crate::timing::HANG_TIMEOUT;

const ADMIN: [(&str, &str); 1] = [("Authorization", "Bearer test-admin-token")];
/// Of a mosaic.
const PICTURES_MIN: usize = 12;

fn previews(station: &Station, picture: &[u8]) -> Answer {
    let request = agent().post(station.at("/api/styles/previews"));
    let request = request.header("Content-Type", "image/jpeg");
    Answer::of(request.send(picture).expect("an answer"))
}

/// Until they are made: the machine may be busy.
fn made_previews(station: &Station) -> Answer {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let answer = previews(station, &photo(320, 240));
        if answer.status == 200 {
            return answer;
        }
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(Instant::now() < until, "{}", answer.text());
    }
}

fn offered(station: &Station) -> Vec<String> {
    let styles = get(station, "/api/styles", &[]).json();
    let styles = styles["styles"].as_array().expect("a list").iter();
    styles
        .map(|style| style["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn previews_show_the_picture_in_the_offered_styles_and_leave_nothing() {
    let station = Station::start(&["--model", "none"]);
    let answer = made_previews(&station);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("content-type"), "image/jpeg");
    let styles: Vec<&str> = answer.header("carrier-styles").split(',').collect();
    let offered = offered(&station);
    assert!(!styles.is_empty() && styles.iter().all(|id| offered.iter().any(|one| one == id)));
    let sheet = image::load_from_memory(&answer.body).expect("a JPEG");
    assert_eq!(
        (sheet.width(), sheet.height()),
        (288, 216 * styles.len() as u32)
    );
    assert_eq!(answer.header("carrier-portrait"), "", "no face");
    assert_eq!(station.status()["stylise"]["waiting"], 0);
}

#[test]
fn pictures_that_cannot_be_previewed_are_refused() {
    let station = Station::start(&["--model", "none"]);
    assert_eq!(previews(&station, b"no picture").status, 415);
    assert_eq!(previews(&station, b"").status, 422);
    assert_eq!(previews(&station, &vec![0xFF; (1 << 20) + 1]).status, 413);
    let huge = previews(&station, &photo(2000, 1500));
    assert_eq!(huge.status, 413, "{}", huge.text());
    let closed = r#"{"booth": {"open": false}}"#;
    assert_eq!(patch(&station, "/api/settings", closed, &ADMIN).status, 200);
    assert_eq!(previews(&station, &photo(64, 64)).status, 404);
    let without = Station::configured("[booth]\nbuiltin = false\n", &["--model", "none"]);
    assert_eq!(previews(&without, &photo(64, 64)).status, 404);
}

#[test]
fn visitors_who_go_on_leave_the_turn_to_others() {
    let station = Station::start(&["--model", "none"]);
    let picture = photo(640, 480);
    for _ in 0..3 {
        let mut stream = connect_from([127, 0, 0, 1], &station);
        let head = format!(
            "POST /api/styles/previews HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            picture.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(&picture).expect("sent");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(made_previews(&station).status, 200);
}

#[test]
fn a_mosaic_needs_enough_shared_pictures_that_nobody_withdrew() {
    let toml = "[booth]\nper_visitor_max = 100\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let quick = "pixel-art";
    assert!(offered(&station).iter().any(|style| style == quick));
    let form = Form::style(quick)
        .text("share", "true")
        .image(&photo(90, 60));
    let jobs: Vec<String> = (0..PICTURES_MIN)
        .map(|_| post(&station, &form, &[]).id())
        .collect();
    for job in &jobs {
        assert_eq!(ended(&station, job)["state"], "done");
    }
    let offers_mosaic = || offered(&station).iter().any(|style| style == "mosaic");
    assert!(offers_mosaic());
    let mosaic = Form::style("mosaic").image(&photo(320, 200));
    let made = ended(&station, &post(&station, &mosaic, &[]).id());
    assert_eq!(made["state"], "done", "{made}");

    let set_open = |is_open: bool| {
        let body = format!(r#"{{"booth": {{"gallery": {is_open}}}}}"#);
        assert_eq!(patch(&station, "/api/settings", &body, &ADMIN).status, 200);
    };
    set_open(false);
    assert!(!offers_mosaic(), "of a closed gallery");
    set_open(true);
    assert!(offers_mosaic());
    let job = format!("/api/stylise/{}", jobs[0]);
    let withdrawn = patch(&station, &job, r#"{"share": false}"#, &[]);
    assert_eq!(withdrawn.status, 200);
    assert!(!offers_mosaic(), "one was withdrawn");
    assert_eq!(post(&station, &mosaic, &[]).status, 422);
    assert_eq!(patch(&station, &job, r#"{"share": true}"#, &[]).status, 200);
    assert!(offers_mosaic());
    assert_eq!(delete(&station, &job, &[]).status, 204);
    assert!(!offers_mosaic(), "one was erased");
    assert_ne!(a_style(&station), "mosaic");
}
