//! Zones and counting on the built-in scene, with the embedded model.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::settings::{change, read_path};
use crate::station::{Station, agent, get};
use crate::timing::HANG_TIMEOUT;

const EVERYTHING: [[f32; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];

/// The data of server-sent events.
struct Stream(BufReader<Box<dyn std::io::Read>>);

impl Stream {
    fn open(station: &Station, path: &str) -> Self {
        let answer = agent().get(station.at(path)).call().expect("an answer");
        Self(BufReader::new(Box::new(answer.into_body().into_reader())))
    }

    /// The first event that is as wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + HANG_TIMEOUT;
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("readable") > 0);
            let data = line
                .strip_prefix("data: ")
                .map(serde_json::from_str::<Value>);
            if let Some(Ok(data)) = data
                && wanted(&data)
            {
                return data;
            }
            assert!(Instant::now() < until, "{what}: not yet");
        }
    }
}

fn set(station: &Station, patch: &Value) {
    let changed = change(station, "", None, patch);
    assert_eq!(changed.status, 200, "{}", changed.body);
}

/// Whether something is detected at all: ONNX Runtime may be missing.
fn detects(station: &Station) -> bool {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let state = station.status()["detector"]["state"].clone();
        match state.as_str() {
            Some("running") => return true,
            Some("missing" | "failed") => return false,
            _ => assert!(Instant::now() < until, "{state}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn entered(counts: &Value, zone: &Value) -> u64 {
    let hours = counts["hours"].as_array().expect("a list").iter();
    let here = hours.filter(|hour| hour["zone"] == *zone);
    here.map(|hour| hour["entered"].as_u64().expect("a number"))
        .sum()
}

#[test]
fn zones_mark_tracks_and_events_and_what_they_hold_is_counted_over_a_restart() {
    let mut station = Station::configured("", &["--model", "embedded"]);
    station.wait_ready();
    if !detects(&station) {
        println!("skipped: nothing is detected here");
        return;
    }
    let mut tracks = Stream::open(&station, "/api/tracks");
    let is_seen = |event: &Value| event["tracks"][0].is_object();
    let first = tracks.until("a track", is_seen);
    assert_eq!(first["tracks"][0]["zones"], json!([]));

    let zone = json!({"name": "hall", "points": EVERYTHING, "dwell_s": 1});
    let mut events = Stream::open(&station, "/api/events");
    set(&station, &json!({"zones": [zone]}));
    tracks.until("a track in the zone", |event| {
        event["tracks"][0]["zones"] == json!(["hall"])
    });
    let dwell = events.until("a long stay", |event| event["type"] == "dwell");
    assert_eq!(
        (&dwell["zone"], &dwell["seconds"]),
        (&json!("hall"), &json!(1))
    );
    let state =
        Stream::open(&station, "/api/events").until("the state", |event| event["type"] == "state");
    assert!(state["zones"]["hall"].is_object(), "{state}");
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(
        metrics.contains("carrier_objects_entered_total{zone=\"hall\""),
        "{metrics}"
    );

    // An ignored zone over everything.
    let ignored = json!({"name": "hall", "kind": "ignore", "points": EVERYTHING});
    set(&station, &json!({"zones": [ignored]}));
    tracks.until("no track", |event| event["tracks"] == json!([]));

    let counts = read_path(&station, "/api/counts").body;
    let (whole, hall) = (
        entered(&counts, &Value::Null),
        entered(&counts, &json!("hall")),
    );
    assert!(whole > 0 && hall > 0, "{counts}");
    assert_eq!(counts["kept"], true);
    let seconds = &counts["heat"]["maps"][0]["seconds"];
    assert_eq!(seconds.as_array().map(Vec::len), Some(32 * 18));
    drop((tracks, events));
    station.terminate();
    station.wait_for_end();
    station.start_again();
    let again = read_path(&station, "/api/counts").body;
    assert!(entered(&again, &json!("hall")) >= hall, "{again}");

    let erased = agent()
        .delete(station.at("/api/counts"))
        .header("Authorization", format!("Bearer {}", station.admin_token))
        .call();
    assert_eq!(erased.expect("an answer").status(), 204);
    let none = read_path(&station, "/api/counts").body;
    assert_eq!(entered(&none, &json!("hall")), 0, "{none}");
}

#[test]
fn nothing_is_counted_while_the_shutter_is_closed() {
    let station = Station::configured("[privacy]\nstart_closed = true\n", &["--model", "embedded"]);
    std::thread::sleep(Duration::from_secs(3));
    let counts = read_path(&station, "/api/counts").body;
    assert_eq!(counts["hours"], json!([]));
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(!metrics.contains("carrier_objects{"), "{metrics}");
}
