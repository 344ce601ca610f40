//! Traces of the whole program, as a collector gets them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::player::client::Player;
use crate::player::runtime;
use crate::station::{Station, agent, get, get_bytes};
use crate::timing::HANG_TIMEOUT;

/// The trace that a proxy began.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const BOUNDARY: &str = "----traced";

/// Takes whatever is sent to it.
struct FakeCollector {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl FakeCollector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let requests = Arc::default();
        let taken: Arc<Mutex<Vec<Value>>> = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = BufReader::new(stream);
                let mut length = 0;
                for line in stream.by_ref().lines().map_while(Result::ok) {
                    let line = line.to_ascii_lowercase();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.parse().expect("a number");
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).expect("a body");
                let request = serde_json::from_slice(&body).expect("JSON");
                let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                taken.push(request);
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
                stream.get_mut().write_all(answer.as_bytes()).expect("sent");
            }
        });
        Self { url, requests }
    }

    fn spans(&self) -> Vec<Value> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let of_request = |request: &Value| {
            let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans.as_array().expect("spans").clone()
        };
        requests.iter().flat_map(of_request).collect()
    }

    /// Waits until a span with each of these names is there.
    fn wait_for(&self, names: &[&str]) -> Vec<Value> {
        let until = Instant::now() + HANG_TIMEOUT;
        loop {
            let spans = self.spans();
            let told: BTreeSet<&str> = spans.iter().map(name).collect();
            let missing: Vec<_> = names.iter().filter(|name| !told.contains(*name)).collect();
            if missing.is_empty() {
                return spans;
            }
            assert!(
                Instant::now() < until,
                "{missing:?} are missing in {told:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn name(span: &Value) -> &str {
    span["name"].as_str().expect("a name")
}

fn time(span: &Value, key: &str) -> u64 {
    span[key]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("nanoseconds")
}

/// The spans with this name in the trace.
fn named<'a>(spans: &'a [Value], trace: &Value, wanted: &str) -> Vec<&'a Value> {
    let of_trace = spans.iter().filter(|span| span["traceId"] == *trace);
    of_trace.filter(|span| name(span) == wanted).collect()
}

/// The one span with this name in the trace; it is a part of `parent` and begins within it.
fn part<'a>(spans: &'a [Value], parent: &Value, wanted: &str) -> &'a Value {
    let found = named(spans, &parent["traceId"], wanted);
    let [found] = found[..] else {
        panic!("{} spans {wanted}", found.len());
    };
    assert_eq!(found["parentSpanId"], parent["spanId"], "{wanted}");
    let begin = time(found, "startTimeUnixNano");
    assert!(begin >= time(parent, "startTimeUnixNano"), "{wanted}");
    assert!(begin <= time(found, "endTimeUnixNano"), "{wanted}");
    found
}

fn order_a_picture(station: &Station) -> String {
    let (_, styles) = get(&station.at("/api/styles"));
    let styles: Value = serde_json::from_str(&styles).expect("JSON");
    let style = styles["styles"][0]["id"].as_str().expect("a style");
    let form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"style\"\r\n\r\n{style}\r\n--{BOUNDARY}--\r\n"
    );
    let mut answer = agent()
        .post(station.at("/api/stylise"))
        .header(
            "Content-Type",
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .send(form)
        .expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    assert_eq!(answer.status(), 202, "{text}");
    let job: Value = serde_json::from_str(&text).expect("JSON");
    job["id"].as_str().expect("an id").to_owned()
}

/// Fetches the finished picture.
fn fetch_picture(station: &Station, job: &str) {
    let until = Instant::now() + HANG_TIMEOUT;
    while get_bytes(&station.at(&format!("/api/stylise/{job}/result.jpg"))).0 != 200 {
        assert!(Instant::now() < until, "no picture");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// From the request with the offer to the first keyframe.
fn assert_join(spans: &[Value]) {
    let request = spans.iter().find(|span| name(span) == "POST /whep");
    let request = request.expect("the request with the offer");
    assert_eq!(
        (&request["kind"], &request["parentSpanId"]),
        (&2.into(), &Value::Null)
    );
    let join = part(spans, request, "carrier.join");
    let steps = ["negotiate", "ice", "dtls", "first_keyframe"]
        .map(|step| part(spans, join, &format!("carrier.join.{step}")));
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["endTimeUnixNano"], pair[1]["startTimeUnixNano"]);
    }
}

/// From the submission, in the trace of a proxy, to the first fetch.
fn assert_job(spans: &[Value]) {
    let trace = Value::from(TRACE);
    let [request] = named(spans, &trace, "POST /api/stylise")[..] else {
        panic!("the request belongs to the trace of the proxy");
    };
    assert_eq!(request["parentSpanId"], "00f067aa0ba902b7");
    let whole = part(spans, request, "carrier.booth.job");
    for step in ["admission", "queue", "fetch"] {
        part(spans, whole, &format!("carrier.booth.{step}"));
    }
    let stylise = part(spans, whole, "carrier.booth.stylise");
    part(spans, stylise, "carrier.booth.store");
}

/// From the capture to the engine.
fn assert_frame(spans: &[Value]) {
    let sent = spans.iter().find(|span| name(span) == "carrier.send");
    let trace = &sent.expect("a frame that was sent")["traceId"];
    let [frame] = named(spans, trace, "carrier.capture")[..] else {
        panic!("a frame is captured once");
    };
    assert_eq!(frame["parentSpanId"], Value::Null);
    part(spans, frame, "carrier.compose");
    for step in ["encode", "packetise", "send"] {
        let found = named(spans, trace, &format!("carrier.{step}"));
        assert!(!found.is_empty(), "{step}");
        let is_part = |span: &&Value| span["parentSpanId"] == frame["spanId"];
        assert!(found.iter().all(is_part), "{step}");
    }
}

#[test]
fn traces_of_joins_jobs_and_frames_say_nothing_about_visitors() {
    let collector = FakeCollector::start();
    let url = &collector.url;
    let toml = format!("[telemetry]\notlp = \"{url}\"\ntrust_traceparent = true\n");
    let station = Station::configured(&toml, &["--model", "none", "--log-format", "json"]);
    station.wait_ready();
    let runtime = runtime();
    let base = station.at("");
    let player = runtime.block_on(async {
        let mut player = Player::join(&base).await;
        player.packet().await;
        player
    });
    let job = order_a_picture(&station);
    fetch_picture(&station, &job);
    let spans = collector.wait_for(&[
        "carrier.send",
        "carrier.booth.fetch",
        "carrier.join.first_keyframe",
    ]);

    assert_join(&spans);
    assert_job(&spans);
    assert_frame(&spans);
    let sent = serde_json::to_string(&spans).expect("JSON");
    let session = player.admission.location.trim_start_matches("whep/");
    for secret in [
        "127.0.0.1",
        &job,
        session,
        &station.admin_token,
        "ufrag",
        "cookie",
    ] {
        assert!(!sent.contains(secret), "{secret} is in the spans");
    }
    close_the_shutter(&station);
    assert_the_last_spans_are_sent_at_the_end(&collector, &station);
}

/// A change that is logged.
fn close_the_shutter(station: &Station) {
    let answer = agent()
        .put(station.at("/api/shutter"))
        .header("Authorization", format!("Bearer {}", station.admin_token))
        .header("Content-Type", "application/json")
        .send("{\"closed\": true}");
    assert_eq!(answer.expect("an answer").status(), 200);
}

/// They come when the program ends; and the log names their trace.
fn assert_the_last_spans_are_sent_at_the_end(collector: &FakeCollector, station: &Station) {
    let id = station.pid().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.expect("kill runs").success());
    let spans = collector.wait_for(&["PUT /api/shutter"]);
    let last = spans.iter().find(|span| name(span) == "PUT /api/shutter");
    let trace = &last.expect("found")["traceId"];
    let log = station.log();
    let mut lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    assert!(lines.any(|line| line["trace_id"] == *trace), "{log}");
}

#[test]
fn nothing_is_traced_unless_configured() {
    let station = Station::start(&["--model", "none", "--log-format", "json"]);
    station.wait_ready();
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(
        !metrics.contains("carrier_telemetry_spans_total{"),
        "{metrics}"
    );
    let counted = r#"carrier_http_requests_total{route="/api/status",method="GET",status="2xx"}"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(!station.log().contains("trace_id"));
}
