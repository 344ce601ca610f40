//! Jobs from an upload or a snapshot to the finished picture and its erasure.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Barrier;

use serde_json::Value;

use super::client::{Form, a_style, delete, ended, get, job, photo, post};
use crate::station::{Station, agent};
use crate::timing::HANG_TIMEOUT;

fn size_of(jpeg: &[u8]) -> (u32, u32) {
    assert!(jpeg.starts_with(&[0xFF, 0xD8]), "a JPEG");
    let picture = image::load_from_memory(jpeg).expect("a picture");
    (picture.width(), picture.height())
}

#[test]
fn a_photo_is_stylised_downloaded_and_erased() {
    let station = Station::start(&["--model", "none"]);
    let style = a_style(&station);
    let posted = post(&station, &Form::style(&style).image(&photo(320, 200)), &[]);
    let id = posted.id();
    let url = format!("/api/stylise/{id}");
    let location = format!("stylise/{id}");
    assert_eq!(posted.header("location"), location, "behind a prefix too");
    assert_eq!(posted.json()["url"], url.as_str());
    assert_eq!(posted.json()["events"], format!("{url}/events"));

    let done = ended(&station, &id);
    assert_eq!(
        (&done["state"], &done["error"]),
        (&"done".into(), &Value::Null),
        "{done}"
    );
    assert_eq!(
        (&done["style"], &done["made_by"]),
        (&style.into(), &"laptop".into())
    );
    assert_eq!(done["share"], false);

    for which in ["result", "source"] {
        let path = done[which].as_str().expect("an address");
        let picture = get(&station, path, &[]);
        let (width, height) = size_of(&picture.body);
        // Styles choose their own resolution.
        let shape = f64::from(width) / f64::from(height);
        assert!((shape - 1.6).abs() < 0.02, "{which}: {width}x{height}");
        assert_eq!(picture.header("content-type"), "image/jpeg");
        assert_eq!(picture.header("cache-control"), "private, no-store");
        assert_eq!(picture.header("x-robots-tag"), "noindex");
        assert_eq!(picture.header("content-disposition"), "");
    }
    let saved = get(&station, &format!("{url}/result.jpg?download=1"), &[]);
    let name = saved.header("content-disposition");
    assert!(
        name.starts_with("attachment; filename=\"photo-booth-"),
        "{name}"
    );

    assert_eq!(delete(&station, &url, &[]).status, 204);
    for path in ["", "/events", "/result.jpg", "/source.jpg", "/preview.jpg"] {
        let gone = get(&station, &format!("{url}{path}"), &[]);
        assert_eq!(gone.status, 404, "{path}");
        assert!(gone.error().contains("no such picture"), "{}", gone.text());
    }
    assert_eq!(delete(&station, &url, &[]).status, 404);
    let left = pictures_below(&station.home.join("DATA/carrier/booth"));
    assert_eq!(left, 0, "pictures on disk");
}

fn pictures_below(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the booth's folder");
    entries
        .map(|entry| entry.expect("readable").path())
        .map(|path| match path.is_dir() {
            true => pictures_below(&path),
            false => usize::from(path.extension().is_some_and(|ending| ending == "jpg")),
        })
        .sum()
}

#[test]
fn without_a_photo_a_snapshot_is_used() {
    let mut station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let id = post(&station, &Form::style(&a_style(&station)), &[]).id();
    let done = ended(&station, &id);
    assert_eq!(done["state"], "done", "{done}");
    let result = get(&station, done["result"].as_str().expect("an address"), &[]);
    assert_eq!(size_of(&result.body), (1280, 720));
    station.assert_feed_runs();
}

#[test]
fn without_a_camera_there_is_no_snapshot_and_photos_still_work() {
    let source = ["--source", "y4m:nothing-here.y4m"];
    let station = Station::start(&["--model", "none", source[0], source[1]]);
    let style = Form::style(&a_style(&station));
    let refused = post(&station, &style, &[]);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.error().contains("camera"), "{}", refused.text());
    let id = post(&station, &style.image(&photo(64, 64)), &[]).id();
    assert_eq!(ended(&station, &id)["state"], "done");
}

/// The jobs in a stream of events, until it ends.
fn told(station: &Station, id: &str) -> (Vec<Value>, String) {
    let url = station.at(&format!("/api/stylise/{id}/events"));
    let mut response = agent().get(url).call().expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let lines = BufReader::new(response.body_mut().as_reader()).lines();
    let text: Vec<String> = lines.map_while(Result::ok).collect();
    let data = text.iter().filter_map(|line| line.strip_prefix("data: "));
    let jobs = data.map(|json| serde_json::from_str(json).expect("JSON"));
    (jobs.collect(), text.join("\n"))
}

#[test]
fn events_tell_each_change_and_end_with_the_job() {
    let station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1200, 900));
    let id = post(&station, &form, &[]).id();
    let (jobs, text) = told(&station, &id);
    assert!(
        text.contains("event: job") && text.contains("retry: 2000"),
        "{text}"
    );
    let last = jobs.last().expect("at least one");
    assert_eq!(last["state"], "done", "{jobs:?}");
    assert!(jobs.windows(2).all(|pair| pair[0] != pair[1]), "{jobs:?}");
    assert_eq!(*last, job(&station, &id), "the same as the job itself");
    // A later follower gets the final state at once.
    let (again, _) = told(&station, &id);
    assert_eq!(again, std::slice::from_ref(last));
}

#[test]
fn a_key_is_one_job_however_often_it_is_sent() {
    let station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(320, 200));
    let key = [("Idempotency-Key", "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11")];
    // Two at once: the page repeats a request while the first is in flight.
    let start = Barrier::new(2);
    let send = || {
        start.wait();
        post(&station, &form, &key).id()
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(send);
        let first = send();
        (first, other.join().expect("an id"))
    });
    assert_eq!(first, second);
    ended(&station, &first);
    assert_eq!(
        post(&station, &form, &key).id(),
        first,
        "also when it is over"
    );
    // A key is for one request of one visitor.
    let other = post(&station, &form.clone().text("share", "true"), &key);
    assert_eq!(other.status, 422, "{}", other.text());
    assert!(
        other.error().contains("Idempotency-Key"),
        "{}",
        other.error()
    );
    let page = get(&station, "/booth", &[]);
    let cookie = page.header("set-cookie").split(';').next().expect("a pair");
    let you = post(&station, &form, &[key[0], ("Cookie", cookie)]);
    assert_ne!(you.id(), first, "another visitor's");
    let other = [("Idempotency-Key", "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a12")];
    assert_ne!(post(&station, &form, &other).id(), first);
}

#[test]
fn an_unfinished_job_is_cancelled_and_stays_to_be_seen() {
    let station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    let first = post(&station, &form, &[]).id();
    let second = post(&station, &form, &[]).id();
    let cancelled = delete(&station, &format!("/api/stylise/{second}"), &[]);
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    assert_eq!(cancelled.json()["state"], "cancelled");
    assert_eq!(job(&station, &second)["state"], "cancelled");
    assert_eq!(job(&station, &second)["source"], Value::Null);
    assert_eq!(ended(&station, &first)["state"], "done");
}

#[test]
fn the_status_tells_of_the_booth_and_of_no_visitor() {
    let station = Station::start(&["--model", "none"]);
    let stylise = station.status()["stylise"].clone();
    assert_eq!(stylise["comfyui"], "off");
    assert_eq!(stylise["waiting"], 0);
    assert!(
        stylise["styles"].as_u64().is_some_and(|styles| styles >= 1),
        "{stylise}"
    );
    let offered = get(&station, "/api/styles", &[]).json();
    assert_eq!(offered["keep_s"], 24 * 60 * 60);
    assert_eq!(
        (&offered["comfyui"], &offered["reason"]),
        (&"off".into(), &Value::Null)
    );
    assert_eq!(offered["styles"][0]["made_by"], "laptop");

    let off = Station::configured("[booth]\nenabled = false\n", &["--model", "none"]);
    assert_eq!(off.status()["stylise"], Value::Null);
    assert_eq!(get(&off, "/api/styles", &[]).status, 404);
    assert_eq!(post(&off, &Form::style("x"), &[]).status, 404);
}

#[test]
fn an_unreachable_comfyui_server_is_reported_and_builtin_styles_work() {
    // Nothing listens on port 9 (RFC 863).
    let toml = "[stylise]\ncomfyui = \"http://127.0.0.1:9\"\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let offered = get(&station, "/api/styles", &[]).json();
    assert_eq!(offered["comfyui"], "away", "{offered}");
    assert!(
        offered["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty())
    );
    assert_eq!(station.status()["stylise"]["comfyui"], "away");
    let form = Form::style(&a_style(&station)).image(&photo(64, 64));
    let done = ended(&station, &post(&station, &form, &[]).id());
    assert_eq!(
        (&done["state"], &done["made_by"]),
        (&"done".into(), &"laptop".into())
    );
}

#[test]
fn followers_of_jobs_need_no_threads() {
    let toml = "[booth]\nper_visitor_max = 100\nqueue_max = 100\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(600, 400));
    let ids: Vec<String> = (0..12).map(|_| post(&station, &form, &[]).id()).collect();
    // Bound: the station's own threads, those that wait for the disk, and those that decode pictures.
    let most = station.threads() + 40;
    let address = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let followers: Vec<TcpStream> = (0..120)
        .map(|number| {
            let mut stream = TcpStream::connect(address).expect("connected");
            let id = &ids[number % ids.len()];
            let request =
                format!("GET /api/stylise/{id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).expect("sent");
            stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
            stream
        })
        .collect();
    let mut seen = 0;
    for id in &ids {
        while job(&station, id)["state"] != "done" {
            seen = seen.max(station.threads());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    assert!(seen <= most, "{seen} threads, at most {most}");
    for stream in followers {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        let done = lines
            .into_iter()
            .any(|line| line.contains("\"state\":\"done\""));
        assert!(done, "each hears the end");
    }
}
