//! The station's events: server-sent events, the webhook, MQTT.

mod mqtt;
mod webhook;

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::station::{Station, agent};

/// Closes or opens the shutter as the owner.
fn set_shutter(station: &Station, closed: bool) {
    let answer = agent()
        .put(station.at("/api/shutter"))
        .header("Authorization", format!("Bearer {}", station.admin_token))
        .header("Content-Type", "application/json")
        .send(json!({"closed": closed, "reason": "lunch"}).to_string());
    assert_eq!(answer.expect("an answer").status(), 200);
}

struct ServerSentEvents(BufReader<Box<dyn std::io::Read>>);

#[derive(Debug, Default)]
struct Received {
    name: String,
    id: String,
    data: Value,
}

impl ServerSentEvents {
    fn follow(station: &Station, last: Option<&str>) -> Self {
        let mut request = agent().get(station.at("/api/events"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = request.call().expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self(BufReader::new(Box::new(answer.into_body().into_reader())))
    }

    fn next(&mut self) -> Received {
        let mut event = Received::default();
        loop {
            let mut line = String::new();
            assert!(
                self.0.read_line(&mut line).expect("readable") > 0,
                "it goes on"
            );
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("data", data)) => event.data = serde_json::from_str(data).expect("JSON"),
                _ if line.is_empty() && !event.name.is_empty() => return event,
                _ => {}
            }
        }
    }

    fn next_named(&mut self, name: &str) -> Received {
        loop {
            let event = self.next();
            if event.name == name {
                return event;
            }
        }
    }
}

#[test]
fn server_sent_events_begin_with_the_state_and_continue_after_the_last_one() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let mut events = ServerSentEvents::follow(&station, None);
    let state = events.next();
    assert_eq!(state.name, "state");
    assert_eq!(state.data["type"], "state");
    assert_eq!(state.data["id"], state.id);
    assert_eq!(state.data["shutter"]["closed"], false);
    assert_eq!(state.data["source"]["state"], "live");
    assert_eq!(state.data["privacy"], "open");
    assert_eq!(state.data["classes"], json!({}));
    set_shutter(&station, true);
    let closed = events.next_named("shutter");
    assert_eq!(closed.data["closed"], true);
    assert_eq!(closed.data["by"], "person");
    assert_eq!(closed.data["reason"], "lunch");
    assert_eq!(closed.data.get("who"), None, "for the owner alone");
    let source = events.next_named("source");
    assert_eq!(source.data["state"], "closed");
    drop(events);
    // What happens while nobody follows is told to the next one.
    set_shutter(&station, false);
    let mut events = ServerSentEvents::follow(&station, Some(&closed.id));
    let next = events.next();
    assert_eq!(
        (next.name.as_str(), next.id.as_str()),
        ("source", source.id.as_str())
    );
    assert_eq!(events.next_named("shutter").data["closed"], false);
    let mut events = ServerSentEvents::follow(&station, Some("another-1"));
    assert_eq!(events.next().name, "state");
}

#[test]
fn so_many_may_follow() {
    let station = Station::start(&["--model", "none"]);
    let mut following: Vec<_> = (0..64)
        .map(|_| ServerSentEvents::follow(&station, None))
        .collect();
    let refused = agent()
        .get(station.at("/api/events"))
        .call()
        .expect("an answer");
    assert_eq!(refused.status(), 503);
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(following[63].next().name, "state");
}
