//! The feed without WebRTC: snapshot, MJPEG, status, events, metrics.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use crate::station::{Station, agent, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

#[test]
fn snapshots_come_with_and_without_boxes() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    for path in [
        "/snapshot.jpg",
        "/snapshot.jpg?boxes=0",
        "/snapshot.jpg?boxes=1",
    ] {
        let (status, jpeg) = get_bytes(&station.at(path));
        assert_eq!(status, 200, "{path}");
        let picture = image::load_from_memory(&jpeg).expect("a JPEG");
        assert_eq!((picture.width(), picture.height()), (1280, 720), "{path}");
    }
}

#[test]
fn mjpeg_streams_and_its_viewer_is_counted() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let response = agent()
        .get(station.at("/stream.mjpg?fps=10"))
        .call()
        .expect("an answer");
    let kind = response
        .headers()
        .get("content-type")
        .expect("typed")
        .to_str()
        .expect("text");
    assert!(
        kind.starts_with("multipart/x-mixed-replace; boundary="),
        "{kind}"
    );
    let mut body = BufReader::new(response.into_body().into_reader());
    let first = next_jpeg(&mut body);
    // The scene moves; on a busy machine the same frame may come twice.
    let until = Instant::now() + HANG_TIMEOUT;
    while next_jpeg(&mut body) == first {
        assert!(Instant::now() < until, "the picture stands still");
    }
    let last = image::load_from_memory(&next_jpeg(&mut body)).expect("a JPEG");
    assert_eq!(last.width(), 1280);
}

fn next_jpeg(body: &mut impl BufRead) -> Vec<u8> {
    let mut length = None;
    loop {
        let mut line = String::new();
        assert!(
            body.read_line(&mut line).expect("readable") > 0,
            "the stream goes on"
        );
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse::<usize>().ok();
        }
        if let (true, Some(length)) = (line == "\r\n", length) {
            let mut jpeg = vec![0; length];
            body.read_exact(&mut jpeg).expect("a whole part");
            return jpeg;
        }
    }
}

#[test]
fn nobody_watching_means_nothing_encoded() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let encoded = || metric(&station, "carrier_encode_seconds_count");
    let before = encoded();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(encoded(), before);
}

/// The sum of all samples whose name and labels start with `name`.
fn metric(station: &Station, name: &str) -> f64 {
    let (status, text) = get(&station.at("/metrics"));
    assert_eq!(status, 200);
    let samples = text.lines().filter(|line| line.starts_with(name));
    samples
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[test]
fn metrics_are_well_formed_and_name_every_stage() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let (_, text) = get(&station.at("/metrics"));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "carrier_",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// Without a pulled model and a network, the embedded model detects.
#[test]
fn a_first_run_detects_with_the_embedded_model() {
    let station = Station::start(&[]);
    let ready = station.wait_ready();
    if ready.contains("make runtime") {
        println!("skipped: ONNX Runtime is not installed");
        return;
    }
    let detector = &station.status()["detector"];
    assert_eq!(detector["state"], "running", "{detector}");
    assert_eq!(detector["model"], "embedded");
    assert!(detector["experimental"].is_boolean());
    let telemetry = station.home.join(".ses");
    assert!(
        !telemetry.exists(),
        "ONNX Runtime's client for usage reports has started"
    );
}

#[test]
fn a_missing_model_is_said_with_the_command_that_fixes_it() {
    let station = Station::start(&["--model", "yolox_nano"]);
    let ready = station.wait_ready();
    assert!(ready.contains("without detection"), "{ready}");
    let status = station.status();
    assert_eq!(status["detector"]["state"], "missing", "{status}");
    let fix = status["detector"]["fix"].as_str().expect("a fix");
    assert!(
        fix.contains("carrier models pull") || fix.contains("make runtime"),
        "{fix}"
    );
}
