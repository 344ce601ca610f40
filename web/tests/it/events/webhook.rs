//! The webhook, against a server that fails first.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use ring::hmac;
use serde_json::Value;

use super::set_shutter;
use crate::station::Station;
use crate::timing::HANG_TIMEOUT;

const SECRET: &str = "orchid-lantern-hook";

struct Delivery {
    head: String,
    body: String,
}

impl Delivery {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("{name} in {}", self.head)).1
    }

    /// As a receiver does it.
    fn is_genuine(&self, secret: &str) -> bool {
        let (time, signature) = self
            .header("Carrier-Signature")
            .split_once(",v1=")
            .expect("both parts");
        let time = time.strip_prefix("t=").expect("a time");
        assert!(time.parse::<u64>().expect("Unix time") > 1_700_000_000);
        let bytes: Vec<u8> = (0..signature.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("hex"))
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = format!("{time}.{}", self.body);
        hmac::verify(&key, signed.as_bytes(), &bytes).is_ok()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Answers with each of these statuses once, then with 204.
fn server(statuses: &'static [u16]) -> (String, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!(
        "http://{}/hook/s3cret",
        listener.local_addr().expect("bound")
    );
    let (deliveries, received) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter().copied();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            // Connections are kept alive.
            while let Some(delivery) = read(&mut stream) {
                let status = statuses.next().unwrap_or(204);
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                stream.get_mut().write_all(answer.as_bytes()).expect("sent");
                if deliveries.send(delivery).is_err() {
                    return;
                }
            }
        }
    });
    (url, received)
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Delivery> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut delivery = Delivery {
        head,
        body: String::new(),
    };
    let length = delivery.header("Content-Length").parse().expect("a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    delivery.body = String::from_utf8(body).expect("text");
    Some(delivery)
}

#[test]
fn each_event_is_signed_and_sent_again_until_it_is_accepted() {
    let (url, received) = server(&[500, 503]);
    let toml = format!("[events]\nwebhook = '{url}'\nwebhook_secret = '{SECRET}'\n");
    let station = Station::configured(&toml, &["--model", "none"]);
    let next = || received.recv_timeout(HANG_TIMEOUT).expect("a delivery");
    let first = next();
    assert!(
        first.head.starts_with("POST /hook/s3cret HTTP/1.1"),
        "{}",
        first.head
    );
    assert_eq!(first.header("Content-Type"), "application/json");
    assert_eq!(first.json()["type"], "state");
    for again in [next(), next()] {
        assert_eq!(again.body, first.body);
        assert!(again.is_genuine(SECRET) && !again.is_genuine("another"));
    }
    set_shutter(&station, true);
    let shutter = loop {
        let delivery = next();
        assert!(delivery.is_genuine(SECRET));
        let event = delivery.json();
        if event["type"] == "shutter" {
            break event;
        }
    };
    assert_eq!(shutter["closed"], true);
    let log = station.log();
    assert!(log.contains("the webhook failed"), "{log}");
    assert!(!log.contains("s3cret") && !log.contains(SECRET), "{log}");
}

#[test]
fn a_refused_event_is_dropped_and_the_next_one_is_sent() {
    let (url, received) = server(&[422]);
    let toml = format!("[events]\nwebhook = '{url}'\nwebhook_secret = '{SECRET}'\n");
    let station = Station::configured(&toml, &["--model", "none"]);
    let next = || {
        received
            .recv_timeout(HANG_TIMEOUT)
            .expect("a delivery")
            .json()
    };
    assert_eq!(next()["type"], "state");
    set_shutter(&station, true);
    let event = next();
    assert_ne!(event["type"], "state");
}
