//! Each kind of wrong request gets its status and message.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{Form, a_style, get, patch, photo, post};
use crate::station::{Station, agent};
use crate::timing::HANG_TIMEOUT;

#[test]
fn form_errors_name_the_field() {
    let mut station = Station::start(&["--model", "none"]);
    let style = a_style(&station);
    let good = Form::style(&style);
    let photo = photo(64, 64);
    let cut = &photo[..photo.len() / 2];
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic rest of it";
    let cross = [("Origin", "https://elsewhere.example")];
    let no_key = [("Idempotency-Key", "again")];
    for (form, headers, status, words) in [
        (Form::default(), &[][..], 400, "style is missing"),
        (Form::style(&style).text("style", "x"), &[], 400, "twice"),
        (
            Form::style(&style).text("share", "maybe"),
            &[],
            400,
            "neither true nor false",
        ),
        (good.clone(), &no_key, 400, "Idempotency-Key"),
        (good.clone(), &cross, 403, "another site"),
        (good.clone().image(heic), &[], 415, "HEIC"),
        (good.clone().image(b"hello"), &[], 415, "JPEG"),
        (good.clone().image(b""), &[], 422, "empty"),
        (good.clone().image(cut), &[], 422, "JPEG picture"),
        (
            Form::style("mona-lisa").image(&photo),
            &[],
            422,
            "mona-lisa",
        ),
        (
            good.clone().image(&vec![0; 12 * 1024 * 1024 + 1]),
            &[],
            413,
            "12 MB",
        ),
        (good.clone().image(&vec![0; 20_000_000]), &[], 413, "12 MB"),
    ] {
        let answer = post(&station, &form, headers);
        assert_eq!(answer.status, status, "{words}: {}", answer.text());
        assert!(
            answer.error().contains(words),
            "{words}: {}",
            answer.error()
        );
    }
    let metrics = get(&station, "/metrics", &[]).text();
    let counted = "carrier_booth_uploads_refused_total{cause=\"Large\"} 2";
    assert!(metrics.contains(counted), "counted");
    let no_form = agent().post(station.at("/api/stylise")).send("style=x");
    assert_eq!(no_form.expect("an answer").status(), 400);
    station.assert_feed_runs();
}

/// The status line of the answer to a handwritten request.
fn raw(station: &Station, request: &str) -> (String, TcpStream) {
    let address = station.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).expect("connected");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    reader.read_line(&mut line).expect("a line");
    (line, stream)
}

#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let station = Station::start(&["--model", "none"]);
    let head = "POST /api/stylise HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                Content-Type: multipart/form-data; boundary=b\r\n";
    let large = format!("{head}Content-Length: 20000000\r\n\r\n");
    let (line, mut stream) = raw(&station, &large);
    assert!(line.contains(" 413 "), "{line}");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("it ends");
    let small = format!("{head}Content-Length: 100\r\n\r\n");
    let (line, _stream) = raw(&station, &small);
    assert!(line.contains(" 100 "), "{line}");
    // A visitor at the limit is refused before the photo is sent.
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1500));
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        post(&station, &form, &[]);
        let (line, _stream) = raw(&station, &small);
        if line.contains(" 429 ") {
            break;
        }
        assert!(line.contains(" 100 ") && Instant::now() < until, "{line}");
    }
}

#[test]
fn concurrent_uploads_are_limited_with_retry_after() {
    let toml = "[booth]\nper_visitor_max = 1000\nqueue_max = 1000\n";
    let station = Station::configured(toml, &["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(64, 64));
    let address = station.url.trim_start_matches("http://");
    let slow = || {
        let mut stream = TcpStream::connect(address.trim_end_matches('/')).expect("connected");
        let head = "POST /api/stylise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\
                    Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n";
        stream.write_all(head.as_bytes()).expect("sent");
        stream
    };
    // One more in each round: a photo that goes through quickly may take the place of a slow one, which
    // is then refused itself.
    let mut uploads = Vec::new();
    let until = Instant::now() + HANG_TIMEOUT;
    let refused = loop {
        uploads.push(slow());
        let answer = post(&station, &form, &[]);
        if answer.status != 202 {
            break answer;
        }
        assert!(Instant::now() < until, "there is always room");
    };
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(
        refused.error().contains("at this moment"),
        "{}",
        refused.text()
    );
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    drop(uploads);
    let until = Instant::now() + HANG_TIMEOUT;
    while post(&station, &form, &[]).status != 202 {
        assert!(Instant::now() < until, "the places of who left stay taken");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn unknown_names_are_404_and_invalid_bodies_400() {
    let station = Station::start(&["--model", "none"]);
    let nobody = "/api/stylise/6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
    for path in [
        nobody,
        &format!("{nobody}/events"),
        &format!("{nobody}/result.jpg"),
        &format!("{nobody}/secret.jpg"),
        "/api/stylise/..%2F..%2Fetc%2Fpasswd",
        "/api/stylise/%00/result.jpg",
        "/qr/other.svg",
        "/gallery/6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11.jpg",
        "/gallery/..%2Findex.html",
        "/booth/..%2Findex.html",
        "/lang/..%2Findex.html",
        "/lang/xx.json",
    ] {
        assert_eq!(get(&station, path, &[]).status, 404, "{path}");
    }
    assert_eq!(
        patch(&station, nobody, r#"{"share": true}"#, &[]).status,
        404
    );
    for body in [
        "",
        "{}",
        r#"{"share": "yes"}"#,
        r#"{"share": true, "x": 1}"#,
    ] {
        let answer = patch(&station, nobody, body, &[]);
        assert!(
            (400..=422).contains(&answer.status),
            "{body}: {}",
            answer.status
        );
        assert!(!answer.error().is_empty());
    }
    // Only photos may be large.
    let large = "x".repeat(200_000);
    assert_eq!(patch_status(&station, nobody, &large), 413);
}

fn patch_status(station: &Station, path: &str, body: &str) -> u16 {
    let request = agent()
        .patch(station.at(path))
        .header("Content-Type", "application/json");
    // The server may close the connection while the client is still sending, which is a refusal too.
    request
        .send(body)
        .map_or(413, |answer| answer.status().as_u16())
}
