//! The shutter of a running station.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::station::{Station, agent, fresh_folder, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

const OFFER: &str = include_str!("../../../signaling/tests/fixtures/chromium.sdp");

fn put(station: &Station, token: Option<&str>, body: &str) -> (u16, String) {
    let mut request = agent()
        .put(station.at("/api/shutter"))
        .header("Content-Type", "application/json");
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut answer = request.send(body).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), text)
}

fn set(station: &Station, body: &str) -> Value {
    let (status, text) = put(station, Some(&station.admin_token), body);
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn state(station: &Station) -> Value {
    serde_json::from_str(&get(&station.at("/api/shutter")).1).expect("JSON")
}

fn audit(station: &Station) -> Vec<Value> {
    let request = agent().get(station.at("/api/admin/audit"));
    let owner = format!("Bearer {}", station.admin_token);
    let mut answer = request
        .header("Authorization", owner)
        .call()
        .expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    body["entries"].as_array().expect("a list").clone()
}

fn wait_for_source(station: &Station, wanted: &str) {
    let until = Instant::now() + HANG_TIMEOUT;
    while station.status()["source"]["state"] != wanted {
        assert!(Instant::now() < until, "{}", station.status()["source"]);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The share of a JPEG's pixels that are as bright as most of the scene is and the card is not.
fn bright_share(jpeg: &[u8]) -> f64 {
    let picture = image::load_from_memory(jpeg).expect("a JPEG").to_luma8();
    let bright = picture.pixels().filter(|pixel| pixel.0[0] > 100).count();
    bright as f64 / picture.pixels().len() as f64
}

fn closed_by_signal(station: &Station) {
    let sent = Command::new("kill")
        .args(["-USR1", &station.pid().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    wait_for_source(station, "closed");
}

#[test]
fn a_closed_shutter_shows_nothing_of_the_camera_anywhere_and_stays_closed() {
    let mut station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let live = bright_share(&get_bytes(&station.at("/snapshot.jpg")).1);
    assert!(live > 0.3, "{live}");
    let closed = set(&station, r#"{"closed": true, "reason": "lunch"}"#);
    assert_eq!(
        (&closed["closed"], &closed["by"]),
        (&true.into(), &"person".into())
    );
    assert_eq!(
        (&closed["reason"], &closed["kept"]),
        (&"lunch".into(), &true.into())
    );

    assert_eq!(station.status()["source"]["state"], "closed");
    let card = bright_share(&get_bytes(&station.at("/snapshot.jpg")).1);
    assert!(card < 0.1, "{card}");
    assert_eq!(get(&station.at("/snapshot.jpg?boxes=0")).0, 503);
    let publish = agent()
        .post(station.at("/whip"))
        .header("Content-Type", "application/sdp")
        .header("Authorization", format!("Bearer {}", station.admin_token));
    assert_eq!(publish.send(OFFER).expect("an answer").status(), 503);
    assert!(station.wait_ready().contains("the camera is closed"));
    assert_eq!(get(&station.at("/healthz")).0, 200);

    station.kill_and_start_again(|_: &Path| {});
    assert_eq!(state(&station)["closed"], true);
    let card = bright_share(&get_bytes(&station.at("/snapshot.jpg")).1);
    assert!(card < 0.1, "from the very first picture: {card}");

    assert_eq!(set(&station, r#"{"closed": false}"#)["closed"], false);
    wait_for_source(&station, "live");
    station.assert_feed_runs();
    let entries = audit(&station);
    let whats: Vec<&Value> = entries.iter().map(|entry| &entry["what"]).collect();
    assert_eq!(whats, ["shutter opened", "shutter closed"]);
    assert_eq!(
        (&entries[1]["reason"], &entries[1]["who"]),
        (&"lunch".into(), &"admin".into())
    );
}

#[test]
fn only_the_owner_changes_it_and_wrong_bodies_change_nothing() {
    let station = Station::start(&["--model", "none"]);
    let body = r#"{"closed": true}"#;
    assert_eq!(put(&station, None, body).0, 401);
    assert_eq!(put(&station, Some("wrong"), body).0, 401);
    let long = format!(r#"{{"closed": true, "reason": "{}"}}"#, "x".repeat(201));
    for wrong in [
        "",
        "{}",
        "[]",
        r#"{"closed": "yes"}"#,
        r#"{"closed": true, "by": "x"}"#,
        &long,
    ] {
        let (status, text) = put(&station, Some(&station.admin_token), wrong);
        assert!((400..500).contains(&status), "{wrong}: {status} {text}");
    }
    assert_eq!(state(&station)["closed"], false);
    assert!(audit(&station).is_empty());
}

#[test]
fn sigusr1_closes_and_never_opens() {
    let station = Station::start(&["--model", "none"]);
    closed_by_signal(&station);
    assert_eq!(state(&station)["by"], "signal");
    closed_by_signal(&station);
    assert_eq!(state(&station)["closed"], true);
}

#[test]
fn a_damaged_state_file_means_closed() {
    let home = fresh_folder();
    let folder = home.join("STATE/carrier");
    std::fs::create_dir_all(&folder).expect("created");
    std::fs::write(folder.join("shutter.json"), "{\"closed\": fal").expect("written");
    let station = Station::in_folder(home, "", &["--model", "none"]);
    assert_eq!(state(&station)["by"], "state_file");
    assert_eq!(station.status()["source"]["state"], "closed");
    set(&station, r#"{"closed": false}"#);
    wait_for_source(&station, "live");
}

#[test]
fn a_rule_closes_it_and_a_person_overrules_the_rule() {
    let schedule =
        "[privacy]\nschedule = [{ from = \"00:00\", to = \"00:00\", state = \"closed\" }]\n";
    let station = Station::configured(schedule, &["--model", "none"]);
    wait_for_source(&station, "closed");
    assert_eq!(state(&station)["by"], "schedule");
    set(&station, r#"{"closed": false}"#);
    wait_for_source(&station, "live");
    // Longer than the rules' interval.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(state(&station)["closed"], false);
}

#[test]
fn it_closes_where_the_state_folder_cannot_be_written_and_says_so() {
    let home = fresh_folder();
    // A folder in the place of the file that is written first: nobody can write that, not even root.
    std::fs::create_dir_all(home.join("STATE/carrier/shutter.new")).expect("created");
    let station = Station::in_folder(home, "", &["--model", "none"]);
    let closed = set(&station, r#"{"closed": true}"#);
    assert_eq!(
        (&closed["closed"], &closed["kept"]),
        (&true.into(), &false.into())
    );
    assert_eq!(station.status()["source"]["state"], "closed");
}
