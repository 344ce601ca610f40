//! Threads of the running program panic or hang: they are restarted, or reported if that does not help.
//!
//! Faults are injected; release builds have no fault injection.
#![cfg(debug_assertions)]

use std::path::Path;
use std::time::{Duration, Instant};

use crate::station::{INJECTED, Station, fresh_folder, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

/// A configuration that starts every thread there is without visitors: publishing, ComfyUI and name
/// resolution, all of which fail.
const ALL_THREADS_TOML: &str = "
    [network]
    engine_threads = 2
    announce = [\"localhost\"]
    [publish]
    url = \"http://127.0.0.1:9/whip\"
    token = \"a-token\"
    [stylise]
    comfyui = \"http://127.0.0.1:9\"
";

/// Names of threads, and the labels of their restarts.
const THREADS: [(&str, &str); 16] = [
    ("announced-names", "announced-names"),
    ("booth-opening", "booth-opening"),
    ("capture", "capture"),
    ("comfyui-survey", "comfyui-survey"),
    ("compose", "compose"),
    ("detect", "detect"),
    ("events", "events"),
    ("http", "http"),
    ("log", "log"),
    ("media-engine", "media-engine"),
    ("media-engine-1", "media-engine"),
    ("publish", "publish"),
    ("stylise-comfyui", "stylise-comfyui"),
    ("stylise-janitor", "stylise-janitor"),
    ("stylise-laptop", "stylise-laptop"),
    ("watchers", "watchers"),
];

fn until<T>(what: &str, mut reached: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + HANG_TIMEOUT;
    loop {
        if let Some(reached) = reached() {
            return reached;
        }
        assert!(Instant::now() < limit, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Atomically: the program polls for the file.
fn inject(home: &Path, lines: &str) {
    let new = home.join("inject.new");
    std::fs::write(&new, lines).expect("writable");
    std::fs::rename(new, home.join(INJECTED)).expect("in place");
}

fn restarts(station: &Station, thread: &str) -> u64 {
    let (_, text) = get(&station.at("/metrics"));
    let name = format!("carrier_thread_restarts_total{{thread=\"{thread}\"}} ");
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(&name)?.parse().ok());
    found.unwrap_or_default()
}

/// What `/healthz` says is wrong.
fn faults(station: &Station) -> Option<String> {
    let (status, text) = get(&station.at("/healthz"));
    let problem: serde_json::Value = serde_json::from_str(&text).ok()?;
    let detail = problem["detail"].as_str().filter(|_| status == 503);
    detail.map(str::to_owned)
}

/// Asserts that the feed is live, snapshots work, and no thread is faulty.
fn assert_recovered(station: &Station) {
    until("live", || {
        (station.status()["source"]["state"] == "live").then_some(())
    });
    until("a picture", || {
        (get_bytes(&station.at("/snapshot.jpg")).0 == 200).then_some(())
    });
    until("healthy", || {
        (get(&station.at("/healthz")) == (200, "ok\n".to_owned())).then_some(())
    });
}

#[test]
fn a_station_in_which_every_thread_panics_once_recovers() {
    let home = fresh_folder();
    let lines: String = THREADS
        .iter()
        .map(|(name, _)| format!("{name} panic\n"))
        .collect();
    inject(&home, &lines);
    let station = Station::in_folder(home, ALL_THREADS_TOML, &[]);
    assert_recovered(&station);
    // The two engine threads are counted together.
    let wanted = |label| THREADS.iter().filter(|(_, other)| *other == label).count() as u64;
    for (name, label) in THREADS {
        until(name, || {
            (restarts(&station, label) >= wanted(label)).then_some(())
        });
    }
    let (_, text) = get(&station.at("/metrics"));
    assert!(
        text.contains("carrier_thread_panics_total{thread=\"detect\"} 1"),
        "{text}"
    );
    assert_recovered(&station);
}

#[test]
fn threads_that_panic_while_streaming_restart_at_once() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    for thread in ["capture", "compose", "media-engine", "http", "watchers"] {
        inject(&station.home, &format!("{thread} panic"));
        until(thread, || {
            // Pictures are composed on demand only.
            let _ = get_bytes(&station.at("/snapshot.jpg"));
            (restarts(&station, thread) == 1).then_some(())
        });
        assert_recovered(&station);
    }
}

#[test]
fn a_thread_that_hangs_fails_healthz_and_a_frozen_picture_is_not_live() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    inject(&station.home, "compose hang");
    let watcher = crate::station::agent()
        .get(station.at("/stream.mjpg"))
        .call();
    // Frames arrive, but none is composed.
    until("not live", || {
        (station.status()["source"]["state"] == "lost").then_some(())
    });
    let (status, words) = get(&station.at("/readyz"));
    assert_eq!(status, 503, "{words}");
    // The other threads report a heartbeat within a second.
    inject(&station.home, "time 40");
    until("unhealthy", || {
        (faults(&station).as_deref() == Some("compose hangs")).then_some(())
    });
    inject(&station.home, "compose none");
    assert_recovered(&station);
    drop(watcher);
}

#[test]
fn a_thread_that_hangs_does_not_keep_the_program_from_ending() {
    let mut station = Station::start(&["--model", "none"]);
    station.wait_ready();
    inject(&station.home, "compose hang");
    let watcher = crate::station::agent()
        .get(station.at("/stream.mjpg"))
        .call();
    until("not live", || {
        (station.status()["source"]["state"] == "lost").then_some(())
    });
    station.terminate();
    assert_eq!(station.end().code(), Some(1), "{}", station.log());
    assert!(station.log().contains("did not end in time"));
    drop(watcher);
}

#[test]
fn a_thread_that_panics_at_each_restart_fails_healthz() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    inject(&station.home, "capture panic-always");
    until("unhealthy", || {
        let wanted = "capture panics again after each restart";
        (faults(&station).as_deref() == Some(wanted)).then_some(())
    });
    until("not live", || {
        (station.status()["source"]["state"] != "live").then_some(())
    });
    inject(&station.home, "capture none");
    assert_recovered(&station);
}

#[test]
fn a_camera_that_is_away_is_no_fault_of_a_thread() {
    let station = Station::start(&["--model", "none", "--source", "mjpeg:http://127.0.0.1:9/"]);
    until("lost", || {
        (station.status()["source"]["state"] == "lost").then_some(())
    });
    assert_eq!(get(&station.at("/healthz")), (200, "ok\n".to_owned()));
    assert_eq!(get(&station.at("/readyz")).0, 503);
}
