//! Games on the feed of a running station.

mod displays;
mod duel;
mod hunt;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::settings::{change, read_path};
use crate::station::{Station, agent, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

const VISITORS: &str = "[play]\nvisitors_may_start = true\n";

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A request by a visitor with a key, or by the owner.
pub(crate) fn ask(
    station: &Station,
    method: &str,
    path: &str,
    (name, value): (&str, &str),
    body: &Value,
) -> Answer {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(station.at(path))
        .header("Content-Type", "application/json")
        .header(name, value);
    let mut answer = match body {
        Value::Null => agent().run(request.body(()).expect("a request")),
        body => agent().run(request.body(body.to_string()).expect("a request")),
    }
    .expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().expect("text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, body }
}

pub(crate) fn owner(station: &Station) -> (&'static str, String) {
    ("Authorization", format!("Bearer {}", station.admin_token))
}

pub(crate) fn start(station: &Station, game: &str, who: (&str, &str)) -> Answer {
    ask(
        station,
        "POST",
        "/api/play/rounds",
        who,
        &json!({"game": game}),
    )
}

pub(crate) fn state(station: &Station) -> Value {
    let (status, text) = get(&station.at("/api/play"));
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// With the built-in scene. `None`, which is said: nothing is detected on this machine.
fn station(toml: &str) -> Option<Station> {
    station_with(toml, &["--model", "embedded"])
}

/// With a picture of a person, and a model that finds persons and no faces.
pub(crate) fn station_with_person(toml: &str) -> Option<Station> {
    let Some(shared) = std::env::var_os("CARRIER_SHARED").map(PathBuf::from) else {
        println!("skipped: CARRIER_SHARED is not set");
        return None;
    };
    let file = |path: &str| shared.join(path).display().to_string();
    let picture = file("media/person.jpg");
    let model = file("models/yolox_nano.onnx");
    station_with(toml, &["--source", &picture, "--loop", "--model", &model])
}

fn station_with(toml: &str, args: &[&str]) -> Option<Station> {
    let station = Station::configured(toml, args);
    if station.wait_ready().contains("make runtime") {
        println!("skipped: ONNX Runtime is not installed");
        return None;
    }
    let until = Instant::now() + HANG_TIMEOUT;
    let can_be_played = || {
        let games = read_path(&station, "/api/play").body["games"].clone();
        let games = games.as_array().expect("a list").clone();
        let mut games = games.iter().filter(|one| one["game"] == "how-many");
        games.any(|one| one["refusal"].is_null())
    };
    while !can_be_played() {
        assert!(Instant::now() < until, "{}", station.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(station)
}

struct Events(BufReader<Box<dyn std::io::Read>>);

impl Events {
    fn follow(station: &Station) -> Self {
        let answer = agent().get(station.at("/api/play/events")).call();
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        Self(BufReader::new(Box::new(answer.into_body().into_reader())))
    }

    fn next(&mut self) -> (String, Value) {
        let (mut name, mut data) = (String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert!(
                self.0.read_line(&mut line).expect("readable") > 0,
                "it goes on"
            );
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", event)) => event.clone_into(&mut name),
                Some(("data", text)) => data = serde_json::from_str(text).expect("JSON"),
                _ if line.is_empty() && !name.is_empty() => return (name, data),
                _ => {}
            }
        }
    }

    /// The next game event of that kind.
    fn game(&mut self, kind: &str) -> Value {
        loop {
            let (name, data) = self.next();
            if name == "game" && data["event"] == kind {
                return data;
            }
        }
    }

    fn state(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (name, data) = self.next();
            if name == "state" && is_wanted(&data) {
                return data;
            }
        }
    }
}

fn snapshot(station: &Station) -> image::GrayImage {
    let (_, jpeg) = get_bytes(&station.at("/snapshot.jpg"));
    image::load_from_memory(&jpeg).expect("a JPEG").to_luma8()
}

/// In the lower middle of the picture, where a game is painted.
fn dark_pixels(picture: &image::GrayImage) -> usize {
    let (width, height) = picture.dimensions();
    let (x, y) = (width / 3, height * 3 / 4);
    let stack = image::imageops::crop_imm(picture, x, y, width / 3, height / 5);
    let stack = stack.to_image();
    stack.pixels().filter(|pixel| pixel.0[0] < 60).count()
}

#[test]
fn a_visitor_starts_a_round_that_everybody_sees_and_only_its_key_stops() {
    let Some(station) = station(VISITORS) else {
        return;
    };
    let mut events = Events::follow(&station);
    let first = events.state(|_| true);
    assert!(first["view"].is_null() && first["now_ms"].as_u64() > Some(0));
    let before = snapshot(&station);
    let started = start(&station, "red-light", ("X-Nothing", "x"));
    assert_eq!(started.status, 201, "{}", started.body);
    let round = started.body["round"].as_u64().expect("a number");
    let key = started.body["key"].as_str().expect("a key");
    assert_eq!(events.game("round_started")["by"], "visitor");
    let shown = events.state(|state| state["view"]["round"] == round);
    assert_eq!(shown["view"]["countdown"]["total_ms"], 4000);
    assert_eq!(events.game("clock_started")["round"], round);
    events.state(|state| state["view"]["big_word"]["key"] == "play.red-light.green");

    let (before, after) = (dark_pixels(&before), dark_pixels(&snapshot(&station)));
    assert!(
        after > before * 2 + 1000,
        "{before} dark pixels became {after}"
    );
    only_its_key_ends(&station, &mut events, round, key);
}

fn only_its_key_ends(station: &Station, events: &mut Events, round: u64, key: &str) {
    let again = start(station, "how-many", ("X-Nothing", "x"));
    assert_eq!(
        (again.status, &again.body["text"]["key"]),
        (409, &json!("play.start.round-running"))
    );
    let path = format!("/api/play/rounds/{round}");
    for wrong in ["", "0123456789abcdef0123456789abcdef"] {
        let refused = ask(
            station,
            "DELETE",
            &path,
            ("X-Round-Key", wrong),
            &Value::Null,
        );
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    let skipped = ask(
        station,
        "POST",
        &format!("{path}/skip"),
        ("X-Round-Key", key),
        &Value::Null,
    );
    assert_eq!(skipped.status, 204, "{}", skipped.body);
    let stopped = ask(station, "DELETE", &path, ("X-Round-Key", key), &Value::Null);
    assert_eq!(stopped.status, 204, "{}", stopped.body);
    assert_eq!(events.game("round_ended")["end"], "stopped");
    events.state(|state| state["view"].is_null());
    let gone = ask(station, "DELETE", &path, ("X-Round-Key", key), &Value::Null);
    assert_eq!(gone.status, 404, "it is over");
    let strip = ask(
        station,
        "GET",
        &format!("{path}/strip.jpg"),
        ("X-Round-Key", key),
        &Value::Null,
    );
    assert_eq!(strip.status, 404, "it was stopped");
    let soon = start(station, "how-many", ("X-Nothing", "x"));
    assert_eq!(soon.status, 429, "{}", soon.body);
}

#[test]
fn visitors_start_nothing_unless_the_owner_allows_it() {
    let Some(station) = station("") else {
        return;
    };
    let refused = start(&station, "how-many", ("X-Nothing", "x"));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(refused.body["text"]["key"], "play.start.visitors-may-not");
    assert_eq!(state(&station)["visitors_may_start"], false);
    let (name, token) = owner(&station);
    let started = start(&station, "how-many", (name, &token));
    assert_eq!(started.status, 201, "{}", started.body);
    let wrong = start(&station, "chess", (name, &token));
    assert_eq!(wrong.status, 422, "{}", wrong.body);

    let patch = json!({"play": {"visitors_may_start": true, "games": ["red-light"]}});
    let changed = change(&station, "", None, &patch);
    assert_eq!(changed.status, 200, "{}", changed.body);
    let until = Instant::now() + HANG_TIMEOUT;
    while state(&station)["visitors_may_start"] != true {
        assert!(Instant::now() < until, "{}", state(&station));
        std::thread::sleep(Duration::from_millis(50));
    }
    let games = state(&station)["games"].clone();
    assert_eq!(games.as_array().map(Vec::len), Some(1), "{games}");
}

/// A whole round, 25 seconds.
#[test]
fn a_round_has_a_result_a_picture_to_take_home_and_a_place_that_survives_a_restart() {
    let Some(mut station) = station_with_person(VISITORS) else {
        return;
    };
    let mut events = Events::follow(&station);
    let started = start(&station, "how-many", ("X-Nothing", "x"));
    assert_eq!(started.status, 201, "{}", started.body);
    let round = started.body["round"].as_u64().expect("a number");
    let key = started.body["key"].as_str().expect("a key").to_owned();
    let ended = events.game("round_ended");
    assert_eq!(
        (&ended["end"], &ended["round"]),
        (&json!("finished"), &json!(round))
    );
    let score = ended["outcome"]["score"].as_u64().expect("a score");
    assert!(score > 0, "a person is in view: {ended}");
    let state = events.state(|state| !state["result"]["strip"].is_null());
    assert_eq!(state["leaderboard"][0]["entries"][0]["score"], score);
    let expires_at = state["result"]["strip"]["expires_at_ms"].as_u64();
    assert!(expires_at > state["now_ms"].as_u64());

    let path = format!("/api/play/rounds/{round}/strip.jpg");
    let picture = agent()
        .get(station.at(&path))
        .header("X-Round-Key", &key)
        .call();
    let bytes = picture.expect("an answer").body_mut().read_to_vec();
    let picture = image::load_from_memory(&bytes.expect("a body")).expect("a JPEG");
    assert!(picture.width() >= 1000, "{}", picture.width());
    let handover = format!("/api/play/rounds/{round}/handover");
    let handed = ask(
        &station,
        "POST",
        &handover,
        ("X-Round-Key", &key),
        &Value::Null,
    );
    assert_eq!(handed.status, 201, "{}", handed.body);
    let secret = handed.body["secret"].as_str().expect("a secret");
    let by = json!({"by": "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11"});
    let redeemed = ask(
        &station,
        "POST",
        &format!("/api/handovers/{secret}"),
        ("X-Nothing", "x"),
        &by,
    );
    let job = redeemed.body["id"].as_str().expect("a job");
    let (status, job) = get(&station.at(&format!("/api/stylise/{job}")));
    let job: Value = serde_json::from_str(&job).expect("JSON");
    assert_eq!((status, &job["state"]), (200, &json!("done")), "{job}");

    station.kill_and_start_again(|_| {});
    let entries = self::state(&station)["leaderboard"][0]["entries"].clone();
    assert_eq!(entries[0]["score"], score, "{entries}");
    let gone = ask(&station, "GET", &path, ("X-Round-Key", &key), &Value::Null);
    assert_eq!(gone.status, 403, "keys end with the program");
}

#[test]
fn a_group_photo_is_a_picture_of_the_booth() {
    let config = format!("{VISITORS}group_faces = 1\n");
    let Some(station) = station_with_person(&config) else {
        return;
    };
    let mut events = Events::follow(&station);
    let started = start(&station, "group-photo", ("X-Nothing", "x"));
    assert_eq!(started.status, 201, "{}", started.body);
    let (round, key) = (&started.body["round"], &started.body["key"]);
    assert!(events.game("take_photo")["moment"]["caption"].is_object());
    events.state(|state| !state["result"]["strip"].is_null());
    let picture = agent()
        .get(station.at(&format!("/api/play/rounds/{round}/strip.jpg")))
        .header("X-Round-Key", key.as_str().expect("a key"))
        .call();
    let bytes = picture.expect("an answer").body_mut().read_to_vec();
    let photo = image::load_from_memory(&bytes.expect("a body")).expect("a JPEG");
    let (_, clean) = get_bytes(&station.at("/snapshot.jpg?boxes=0"));
    let clean = image::load_from_memory(&clean).expect("a JPEG");
    assert_eq!(
        (photo.width(), photo.height()),
        (clean.width(), clean.height())
    );
    let pairs = photo
        .to_luma8()
        .into_raw()
        .into_iter()
        .zip(clean.to_luma8().into_raw());
    let differing = pairs
        .filter(|(one, other)| one.abs_diff(*other) > 24)
        .count();
    let all = photo.width() as usize * photo.height() as usize;
    assert!(
        differing * 100 < all,
        "nothing is painted on it: {differing} of {all}"
    );
}

#[test]
fn silhouettes_keep_no_picture() {
    let Some(station) =
        station("[privacy]\nmode = \"silhouettes\"\n[play]\nvisitors_may_start = true\n")
    else {
        return;
    };
    let refused = start(&station, "group-photo", ("X-Nothing", "x"));
    assert_eq!(
        (refused.status, &refused.body["text"]["key"]),
        (409, &json!("play.start.no-pictures"))
    );
    let started = start(&station, "how-many", ("X-Nothing", "x"));
    assert_eq!(started.status, 201, "{}", started.body);
}

#[test]
fn without_games_there_is_nothing() {
    let station = Station::configured("[play]\nenabled = false\n", &["--model", "none"]);
    for path in ["/api/play", "/api/play/events"] {
        assert_eq!(get(&station.at(path)).0, 404);
    }
    let (name, token) = owner(&station);
    assert_eq!(start(&station, "how-many", (name, &token)).status, 404);
}
