//! Requests of proxies, players and plain forms that deviate from the API and are accepted.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::station::{Station, agent, get};

/// Sends a handwritten request and returns the whole answer.
fn raw(station: &Station, request: &str) -> String {
    let address = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(station: &Station, method: &str, path: &str, more: &str) -> String {
    let address = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n");
    let answer = raw(station, &request);
    let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
    head.to_ascii_lowercase()
}

fn code(station: &Station, method: &str, path: &str, more: &str) -> String {
    let head = head(station, method, path, more);
    head.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn a_trailing_slash_finds_the_same_route() {
    let station = Station::start(&["--model", "none"]);
    for page in ["booth", "gallery", "join", "camera"] {
        let answer = head(&station, "GET", &format!("/{page}/?x=1"), "");
        assert!(answer.starts_with("http/1.1 308"), "{answer}");
        assert!(
            answer.contains(&format!("location: ../{page}?x=1")),
            "{answer}"
        );
    }
    assert_eq!(code(&station, "GET", "/api/status/", ""), "200");
    for endpoint in ["/whep/", "/whip/"] {
        assert_eq!(code(&station, "OPTIONS", endpoint, ""), "204");
    }
}

#[test]
fn weak_etags_match() {
    let station = Station::start(&["--model", "none"]);
    let answer = head(&station, "GET", "/app/main.js", "");
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: "));
    let tag = tag.expect("a tag").to_owned();
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", W/{tag}"),
        "*".to_owned(),
    ] {
        let more = format!("If-None-Match: {known}\r\n");
        assert_eq!(
            code(&station, "GET", "/app/main.js", &more),
            "304",
            "{known}"
        );
    }
    let other = "If-None-Match: \"other\"\r\n";
    assert_eq!(code(&station, "GET", "/app/main.js", other), "200");
}

#[test]
fn forms_accept_common_spellings_of_yes_and_no() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    for boxes in ["0", "1", "false", "off", "yes", ""] {
        let path = format!("/snapshot.jpg?boxes={boxes}");
        assert_eq!(code(&station, "GET", &path, ""), "200", "{boxes}");
    }
    assert_eq!(
        code(&station, "GET", "/snapshot.jpg?boxes=perhaps", ""),
        "400"
    );
    assert_eq!(
        code(
            &station,
            "POST",
            "/whip?takeover=true",
            "Content-Length: 0\r\n"
        ),
        "401"
    );
}

#[test]
fn behind_a_prefix_everything_is_found() {
    let station = Station::configured("[http]\nbase_path = \"/cam\"\n", &["--model", "none"]);
    for path in ["/cam/", "/cam/booth", "/cam/api/status", "/api/status"] {
        assert_eq!(code(&station, "GET", path, ""), "200", "{path}");
    }
    let answer = head(&station, "GET", "/cam", "");
    assert!(answer.contains("location: cam/"), "{answer}");
    let join = get(&station.at("/cam/api/join")).1;
    assert!(join.contains("/cam/booth\""), "{join}");
    let page = get(&station.at("/cam/booth")).1;
    let absolute = page.lines().find(|line| line.contains("=\"/"));
    assert_eq!(absolute, None, "addresses in pages are relative");
    let whole = agent().get(station.at("/cam/booth/main.js")).call();
    assert_eq!(whole.expect("an answer").status(), 200);
}
