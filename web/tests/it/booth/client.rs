//! An HTTP client for the photo booth.

use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::station::{Station, agent};
use crate::timing::HANG_TIMEOUT;

const BOUNDARY: &str = "----booth";

pub(super) struct Answer {
    pub(super) status: u16,
    headers: ureq::http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let body = response.body_mut().with_config().limit(64 << 20);
        let body = body.read_to_vec().expect("a body");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The message of an error.
    pub(super) fn error(&self) -> String {
        let json = self.json();
        json["error"].as_str().expect("words").to_owned()
    }

    /// The id of an accepted job.
    pub(super) fn id(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.text());
        self.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// A multipart form.
#[derive(Clone, Default)]
pub(super) struct Form(Vec<u8>);

impl Form {
    pub(super) fn style(style: &str) -> Self {
        Self::default().text("style", style)
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    pub(super) fn image(self, bytes: &[u8]) -> Self {
        self.part("name=\"image\"; filename=\"photo\"", bytes)
    }

    fn part(mut self, head: &str, body: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(body);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let end = format!("--{BOUNDARY}--\r\n");
        [&self.0, end.as_bytes()].concat()
    }
}

pub(super) fn post(station: &Station, form: &Form, more: &[(&str, &str)]) -> Answer {
    let mut request = agent().post(station.at("/api/stylise")).header(
        "Content-Type",
        format!("multipart/form-data; boundary={BOUNDARY}"),
    );
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::of(request.send(&form.body()[..]).expect("an answer"))
}

/// As [`post`], from another address of this machine; returns the status alone.
pub(super) fn post_from(address: [u8; 4], station: &Station, form: &Form, cookie: &str) -> u16 {
    let mut stream = connect_from(address, station);
    let body = form.body();
    let head = format!(
        "POST /api/stylise HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&body).expect("sent");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {line}"))
}

pub(super) fn connect_from(address: [u8; 4], station: &Station) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from = SocketAddr::from((address, 0));
    socket
        .bind(&from.into())
        .expect("an address of this machine");
    let to: SocketAddr = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()
        .expect("an address");
    socket.connect(&to.into()).expect("connected");
    socket.into()
}

pub(super) fn get(station: &Station, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = agent().get(station.at(path));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::of(request.call().expect("an answer"))
}

pub(super) fn delete(station: &Station, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = agent().delete(station.at(path));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::of(request.call().expect("an answer"))
}

pub(super) fn patch(station: &Station, path: &str, json: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = agent()
        .patch(station.at(path))
        .header("Content-Type", "application/json");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::of(request.send(json).expect("an answer"))
}

pub(super) fn post_json(station: &Station, path: &str, json: &str) -> Answer {
    post_json_as(station, path, json, &[])
}

pub(super) fn post_json_as(
    station: &Station,
    path: &str,
    json: &str,
    more: &[(&str, &str)],
) -> Answer {
    let mut request = agent()
        .post(station.at(path))
        .header("Content-Type", "application/json");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::of(request.send(json).expect("an answer"))
}

pub(super) fn a_style(station: &Station) -> String {
    let styles = get(station, "/api/styles", &[]).json();
    styles["styles"][0]["id"]
        .as_str()
        .expect("the laptop has styles of its own")
        .to_owned()
}

pub(super) fn job(station: &Station, id: &str) -> Value {
    let answer = get(station, &format!("/api/stylise/{id}"), &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until a job is over.
pub(super) fn ended(station: &Station, id: &str) -> Value {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let job = job(station, id);
        let state = job["state"].as_str().expect("a state");
        if ["done", "failed", "cancelled", "expired"].contains(&state) {
            return job;
        }
        assert!(Instant::now() < until, "it takes too long: {job}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A synthetic photo with gradients and edges for styles to work on.
pub(super) fn photo(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let wave = (x * 7 / 20) ^ (y * 5 / 20);
        image::Rgb([
            (255 * x / width) as u8,
            wave as u8,
            (255 * y / height) as u8,
        ])
    });
    let mut jpeg = Cursor::new(Vec::new());
    picture
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .expect("encoded");
    jpeg.into_inner()
}
