//! The station is asked to end while it has work: what clients are told, and that no job is lost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Form, a_style, ended, get, photo, post};
use crate::station::{Station, agent, get as get_url};
use crate::timing::HANG_TIMEOUT;

fn connect(station: &Station) -> TcpStream {
    let address = station.url.trim_start_matches("http://");
    let stream = TcpStream::connect(address.trim_end_matches('/')).expect("connected");
    stream
        .set_read_timeout(Some(HANG_TIMEOUT))
        .expect("a time-out");
    stream
}

/// An open answer, after its head.
fn stream(station: &Station, path: &str) -> BufReader<TcpStream> {
    let mut stream = connect(station);
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line).expect("a status");
    assert!(line.contains(" 200 "), "{path}: {line}");
    answer
}

fn rest(mut answer: impl Read) -> String {
    let mut bytes = Vec::new();
    answer.read_to_end(&mut bytes).expect("a clean end");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last chunk of a chunked body: the answer has ended as HTTP has it, and was not cut off.
const LAST_CHUNK: &str = "\r\n0\r\n\r\n";

#[test]
fn streams_end_cleanly_and_pages_are_told() {
    let mut station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let endless = ["/api/events", "/api/tracks", "/stream.mjpg"];
    let streams = endless.map(|path| stream(&station, path));
    let ready = station.at("/readyz");
    assert_eq!(station.status()["stopping"], false);
    station.terminate();
    let until = Instant::now() + HANG_TIMEOUT;
    while get_url(&ready).0 == 200 {
        assert!(Instant::now() < until, "ready although it stops");
    }
    let (status, text) = get_url(&ready);
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("the station stops"), "{text}");
    assert_eq!(station.status()["stopping"], true);
    let offer = agent()
        .post(station.at("/whep"))
        .header("Content-Type", "application/sdp")
        .send("v=0\r\n")
        .expect("an answer");
    assert_eq!(
        (offer.status(), offer.headers().contains_key("retry-after")),
        (ureq::http::StatusCode::SERVICE_UNAVAILABLE, true)
    );
    for (path, answer) in endless.into_iter().zip(streams) {
        let text = rest_until_last_chunk(answer);
        assert!(text.ends_with(LAST_CHUNK), "{path} is cut off");
        if path != "/stream.mjpg" {
            assert!(text.contains("retry: "), "{path}");
        }
    }
    station.wait_for_end();
}

fn rest_until_last_chunk(mut answer: BufReader<TcpStream>) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    while !text.ends_with(LAST_CHUNK.as_bytes()) {
        let count = answer.read(&mut chunk).expect("in time");
        if count == 0 {
            break;
        }
        text.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn an_upload_that_is_not_complete_is_refused_with_a_time_to_come_again() {
    let mut station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(64, 64));
    let body = form.body();
    let mut upload = connect(&station);
    let head = format!(
        "POST /api/stylise HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=----booth\r\n\r\n",
        body.len()
    );
    upload.write_all(head.as_bytes()).expect("sent");
    upload.write_all(&body[..body.len() / 2]).expect("sent");
    // The handler has read the head when another request is answered on the same thread pool.
    std::thread::sleep(Duration::from_millis(200));
    station.terminate();
    let answer = rest(upload);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert!(answer.contains("the station restarts"), "{answer}");
    station.wait_for_end();
}

#[test]
fn a_new_process_finishes_every_job_once() {
    let mut station = Station::start(&["--model", "none"]);
    let style = a_style(&station);
    let form = Form::style(&style)
        .text("share", "true")
        .image(&photo(1500, 1100));
    let keys = [1, 2, 3].map(|number| format!("00000000-0000-4000-8000-{number:012}"));
    // Without cookies the address is the visitor, before and after.
    let send =
        |station: &Station, key: &str| post(station, &form, &[("Idempotency-Key", key)]).id();
    let ids = keys.each_ref().map(|key| send(&station, key));
    let last = ids.last().expect("three");
    let follower = stream(&station, &format!("/api/stylise/{last}/events"));
    station.terminate();
    let events = rest_until_last_chunk(follower);
    assert!(events.ends_with(LAST_CHUNK), "cut off: {events}");
    let told = events.lines().rfind(|line| line.starts_with("data: "));
    let told: Value = serde_json::from_str(&told.expect("a view")[6..]).expect("JSON");
    if told["state"] != "done" {
        assert_eq!(told["waits_for"], "restart", "{told}");
        assert_eq!(told["error"], Value::Null, "{told}");
    }
    station.wait_for_end();
    station.start_again();
    for id in &ids {
        let job = ended(&station, id);
        assert_eq!(
            (&job["state"], &job["waits_for"]),
            (&"done".into(), &Value::Null)
        );
    }
    let gallery = get(&station, "/api/gallery", &[]).json();
    let pictures = gallery["pictures"].as_array().expect("a list");
    assert_eq!(pictures.len(), ids.len(), "each once");
    for (key, id) in keys.iter().zip(&ids) {
        assert_eq!(send(&station, key), *id, "the order is known");
    }
}
