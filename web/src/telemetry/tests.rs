//! Collectors of all kinds, on a socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use capture::Threads;
use capture::trace::{TraceContext, TraceSpan};
use serde_json::Value;

use super::collector::CollectorAddress;
use super::exporter::{BATCH_MAX, Telemetry, WAITING_MAX, check_reachable};
use crate::metrics::{CounterBy, SpanOutcome};

const LONG: Duration = Duration::from_secs(20);

/// The requests that arrive, and the collector's address. `answers`: what it says to each of them, in order; it
/// leaves when there are no more.
fn collector(answers: &'static [&'static str]) -> (Receiver<Value>, CollectorAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (to, requests) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = to.send(request(&mut stream));
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (requests, CollectorAddress::parse(&url).expect("an address"))
}

/// The body of a request.
fn request(stream: &mut TcpStream) -> Value {
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).expect("a request");
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            assert!(head.starts_with("post /v1/traces "), "{head}");
            assert!(head.contains("content-type: application/json"), "{head}");
            let length = head.split_once("content-length: ").expect("a length").1;
            let length: usize = length
                .lines()
                .next()
                .and_then(|l| l.parse().ok())
                .expect("one");
            if body.len() >= length {
                return serde_json::from_str(body).expect("JSON");
            }
        }
        assert!(count > 0, "a whole request");
    }
}

struct Exporting {
    telemetry: Telemetry,
    spans: CounterBy<SpanOutcome>,
}

impl Exporting {
    fn start(to: CollectorAddress) -> Self {
        let spans = CounterBy::default();
        let started = Telemetry::start(to, "a test".into(), &Threads::default(), spans.clone());
        Self {
            telemetry: started.expect("a thread"),
            spans,
        }
    }

    fn record(&self, count: usize) {
        let receive = self.telemetry.receiver();
        for _ in 0..count {
            let now = Instant::now();
            receive(TraceSpan::new(
                TraceContext::root(),
                "carrier.test",
                (now, now),
            ));
        }
    }

    fn count(&self, outcome: SpanOutcome) -> u64 {
        self.spans.get_or_create(&[("outcome", outcome)]).get()
    }

    fn wait_for(&self, outcome: SpanOutcome, count: u64) {
        let deadline = Instant::now() + LONG;
        while self.count(outcome) < count {
            assert!(
                Instant::now() < deadline,
                "{outcome:?}: {}",
                self.count(outcome)
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns how long it took.
    fn stop(self) -> Duration {
        let began = Instant::now();
        self.telemetry.stop();
        began.elapsed()
    }
}

fn spans_of(request: &Value) -> &Vec<Value> {
    let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans.as_array().expect("spans")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

#[test]
fn spans_are_sent_in_batches_and_the_last_ones_at_the_end() {
    let (requests, address) = collector(&[OK, OK]);
    let sender = Exporting::start(address);
    sender.record(BATCH_MAX);
    let first = requests.recv_timeout(LONG).expect("a batch");
    assert_eq!(spans_of(&first).len(), BATCH_MAX);
    sender.record(3);
    let spans = sender.spans.clone();
    sender.stop();
    let last = requests.recv_timeout(LONG).expect("the rest");
    assert_eq!(spans_of(&last).len(), 3);
    let sent = spans.get_or_create(&[("outcome", SpanOutcome::Sent)]);
    assert_eq!(sent.get(), BATCH_MAX as u64 + 3);
}

#[test]
fn a_busy_collector_gets_the_same_spans_again() {
    let (requests, address) = collector(&[
        "this is no HTTP\r\n\r\n",
        "HTTP/1.1 503 Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        OK,
    ]);
    let sender = Exporting::start(address);
    sender.record(BATCH_MAX);
    let first = requests.recv_timeout(LONG).expect("a request");
    for _ in 0..3 {
        assert_eq!(requests.recv_timeout(LONG).expect("again"), first);
    }
    sender.wait_for(SpanOutcome::Sent, BATCH_MAX as u64);
    assert_eq!(sender.count(SpanOutcome::Dropped), 0);
    sender.stop();
}

#[test]
fn refused_spans_are_counted_and_not_sent_again() {
    let (requests, address) = collector(&[
        "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnothing",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\nConnection: close\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"2\"}}",
    ]);
    let sender = Exporting::start(address);
    sender.record(BATCH_MAX);
    requests.recv_timeout(LONG).expect("a request");
    sender.wait_for(SpanOutcome::Refused, BATCH_MAX as u64);
    sender.record(BATCH_MAX);
    requests.recv_timeout(LONG).expect("the next");
    sender.wait_for(SpanOutcome::Sent, 1);
    sender.stop();
}

#[test]
fn without_a_collector_spans_are_dropped_and_nobody_waits() {
    // Nothing listens there.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", taken.local_addr().expect("bound"));
    drop(taken);
    let collector = CollectorAddress::parse(&address).expect("an address");
    assert!(check_reachable(&collector, LONG).is_err());
    let sender = Exporting::start(collector);
    let began = Instant::now();
    sender.record(WAITING_MAX + 2 * BATCH_MAX);
    let took = began.elapsed();
    assert!(sender.count(SpanOutcome::Dropped) > 0);
    assert_eq!(sender.count(SpanOutcome::Sent), 0);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(sender.stop() < Duration::from_secs(5));
}

#[test]
fn the_end_does_not_wait_for_a_slow_collector() {
    let (requests, address) = slow_collector();
    let sender = Exporting::start(address);
    sender.record(BATCH_MAX);
    requests.recv_timeout(LONG).expect("a request");
    let took = sender.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Never answers.
fn slow_collector() -> (Receiver<Value>, CollectorAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (to, requests) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = to.send(request(&mut stream));
        thread::sleep(LONG);
    });
    (requests, CollectorAddress::parse(&url).expect("an address"))
}

#[test]
fn a_collector_is_asked_with_an_empty_request() {
    let (requests, address) = collector(&[OK]);
    assert_eq!(check_reachable(&address, LONG), Ok(()));
    let request = requests.recv_timeout(LONG).expect("a request");
    assert_eq!(request["resourceSpans"], Value::Array(Vec::new()));
}
