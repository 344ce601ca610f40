//! Checks of Host, Origin and credentials.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Instant;

use crate::station::{Station, agent, command, fresh_folder};
use crate::timing::HANG_TIMEOUT;

/// A valid offer of a viewer that never connects.
const OFFER: &str = include_str!("../../../signaling/tests/fixtures/chromium.sdp");
const VIEWER: &str = "let-me-watch";

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Status and `Set-Cookie` of a request.
fn ask(
    station: &Station,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> (u16, String) {
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(station.at(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_owned()).expect("a request");
    let answer = agent().run(request).expect("an answer");
    let cookie = answer.headers().get("set-cookie");
    let cookie = cookie.map_or("", |value| value.to_str().expect("text"));
    (answer.status().as_u16(), cookie.to_owned())
}

fn status(station: &Station, method: &str, path: &str, headers: Headers<'_>) -> u16 {
    ask(station, method, path, headers, "").0
}

/// The status line of the answer to handwritten bytes.
fn raw(station: &Station, head: &str) -> String {
    let address = station.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).expect("connected");
    stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
    write!(stream, "{head}Connection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it ends");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn only_a_request_with_one_host_of_ours_is_answered() {
    let station = Station::configured(
        "public_url = \"https://public.example\"\n[http]\nhosts = [\"booth.example\"]\n",
        &["--model", "none"],
    );
    for host in [
        "127.0.0.1",
        "192.168.1.20:8080",
        "[fd00::5]",
        "localhost:1",
        "anything.local",
        "booth.example:8080",
        "PUBLIC.example",
    ] {
        let line = raw(&station, &format!("GET /lang HTTP/1.1\r\nHost: {host}\r\n"));
        assert!(line.contains(" 200 "), "{host}: {line}");
    }
    for host in [
        "evil.test",
        "evil.test:8080",
        "booth.example.evil.test",
        "x",
    ] {
        for path in [
            "/",
            "/snapshot.jpg",
            "/whep",
            "/api/status",
            "/metrics",
            "/nowhere",
        ] {
            let line = raw(
                &station,
                &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n"),
            );
            assert!(line.contains(" 421 "), "{host}{path}: {line}");
        }
        let line = raw(
            &station,
            &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n"),
        );
        assert!(line.contains(" 200 "), "{host}: {line}");
    }
    for wrong in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n",
        "GET / HTTP/1.1\r\nHost: me@localhost\r\n",
    ] {
        let line = raw(&station, wrong);
        assert!(line.contains(" 400 "), "{wrong:?}: {line}");
    }
    let absolute = "GET http://evil.test/ HTTP/1.1\r\nHost: localhost\r\n";
    assert!(raw(&station, absolute).contains(" 421 "));
    let old = "GET /lang HTTP/1.0\r\n";
    assert!(
        raw(&station, old).contains(" 200 "),
        "programs of long ago name none"
    );
}

#[test]
fn a_page_of_another_site_gets_no_picture_and_changes_nothing() {
    let station = Station::configured(
        "[http]\norigins = [\"https://player.example\"]\n",
        &["--model", "none"],
    );
    let sdp = ("Content-Type", "application/sdp");
    let whep = |headers: Headers<'_>| ask(&station, "POST", "/whep", headers, OFFER).0;
    assert_eq!(whep(&[sdp]), 201, "a native player");
    let own = station.url.trim_end_matches('/').to_owned();
    assert_eq!(whep(&[sdp, ("Origin", &own)]), 201, "our own page");
    assert_eq!(whep(&[sdp, ("Origin", "https://player.example")]), 201);
    for foreign in [
        &[sdp, ("Origin", "http://evil.test")][..],
        &[
            sdp,
            ("Origin", "http://evil.test"),
            ("Sec-Fetch-Site", "cross-site"),
        ],
        &[sdp, ("Origin", "null")],
        &[sdp, ("Sec-Fetch-Site", "same-site")],
    ] {
        assert_eq!(whep(foreign), 403, "{foreign:?}");
    }
    for (method, path) in [
        ("GET", "/snapshot.jpg"),
        ("GET", "/stream.mjpg"),
        ("GET", "/api/tracks"),
        ("OPTIONS", "/whep"),
        ("POST", "/whip"),
        ("POST", "/api/stylise"),
        ("PUT", "/api/admin/bitrate"),
        ("DELETE", "/api/admin/session"),
        ("DELETE", "/whep/6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11"),
    ] {
        let foreign = status(&station, method, path, &[("Origin", "http://evil.test")]);
        assert_eq!(foreign, 403, "{method} {path}");
    }
}

#[test]
fn the_admins_cookie_publishes_for_no_other_page_and_ends_at_log_out() {
    let station = Station::start(&["--model", "none"]);
    let token = format!("Bearer {}", station.admin_token);
    let owner = ("Authorization", token.as_str());
    let log_in = || {
        let (status, cookie) = ask(&station, "POST", "/api/admin/session", &[owner], "");
        assert_eq!(status, 204);
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().expect("a pair").to_owned()
    };
    let (first, second, third) = (log_in(), log_in(), log_in());
    assert!(first != second && !first.contains(&station.admin_token));
    let is_admin =
        |cookie: &str| status(&station, "GET", "/api/admin/session", &[("Cookie", cookie)]);
    assert_eq!(
        [&first, &second, &third].map(|cookie| is_admin(cookie)),
        [204; 3]
    );

    for foreign in [
        &[
            ("Origin", "http://127.0.0.1:9999"),
            ("Sec-Fetch-Site", "same-site"),
        ][..],
        &[("Origin", "http://evil.test")],
        &[("Sec-Fetch-Site", "cross-site")],
    ] {
        let headers: Vec<_> = foreign
            .iter()
            .copied()
            .chain([("Cookie", first.as_str())])
            .collect();
        let (status, _) = ask(&station, "POST", "/whip?takeover=1", &headers, OFFER);
        assert_eq!(status, 403, "{foreign:?}");
    }
    let renewed = status(
        &station,
        "POST",
        "/api/admin/session",
        &[("Cookie", &first)],
    );
    assert_eq!(renewed, 401, "a cookie makes no other session");

    let left = status(
        &station,
        "DELETE",
        "/api/admin/session",
        &[("Cookie", &first)],
    );
    assert_eq!(left, 204);
    assert_eq!([&first, &second].map(|cookie| is_admin(cookie)), [401, 204]);
    let everywhere = status(
        &station,
        "DELETE",
        "/api/admin/sessions",
        &[("Cookie", &second)],
    );
    assert_eq!(everywhere, 204);
    assert_eq!([&second, &third].map(|cookie| is_admin(cookie)), [401; 2]);
}

#[test]
fn wrong_tokens_are_rate_limited_and_logged_once() {
    let station = Station::configured("whip_token = \"battery staple\"\n", &["--model", "none"]);
    let token = format!("Bearer {}", station.admin_token);
    let session = ask(
        &station,
        "POST",
        "/api/admin/session",
        &[("Authorization", &token)],
        "",
    );
    let cookie = session.1.split(';').next().expect("a pair").to_owned();
    let started = Instant::now();
    let (mut looked_at, mut refused) = (0, 0);
    for n in 0..30 {
        let guess = format!("Bearer guess-number-{n}");
        let (method, path) = [
            ("POST", "/whip"),
            ("GET", "/api/admin/session"),
            ("GET", "/"),
        ][n % 3];
        let guess = [("Authorization", guess.as_str())];
        match status(&station, method, path, &guess) {
            429 => refused += 1,
            _ => looked_at += 1,
        }
    }
    // A bucket of ten, refilled by one per five seconds.
    let more = started.elapsed().as_secs() / 5 + 1;
    assert!(
        looked_at <= 10 + more,
        "{looked_at} in {:?}",
        started.elapsed()
    );
    assert!(refused > 0);
    let cookie = [("Cookie", cookie.as_str())];
    assert_eq!(status(&station, "GET", "/api/admin/session", &cookie), 204);
    assert_eq!(
        status(&station, "GET", "/snapshot.jpg", &[]),
        200,
        "viewers notice nothing"
    );
    let log = station.log();
    assert_eq!(log.matches("too many wrong tokens").count(), 1, "{log}");
    assert!(!log.contains("guess-number"), "{log}");
}

#[test]
fn an_easily_guessed_admin_token_is_refused_at_the_start() {
    let home = fresh_folder();
    for weak in ["password1", "12345678", "aaaaaaaaaa"] {
        let output = command(&home)
            .args([
                "--source",
                "scene",
                "--listen",
                "127.0.0.1:0",
                "--media-port",
                "0",
            ])
            .env("CARRIER_ADMIN_TOKEN", weak)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{weak}: {said}");
        assert!(said.contains("admin_token = (hidden): "), "{said}");
        assert!(!said.contains(weak), "{said}");
    }
    std::fs::remove_dir_all(home).expect("cleaned");
}

/// With the most verbose log.
#[test]
fn tokens_never_reach_the_log() {
    let home = fresh_folder();
    let file = home.join("carrier.toml");
    std::fs::write(&file, format!("[viewers]\ntoken = \"{VIEWER}\"\n")).expect("written");
    let log = home.join("log");
    let mut child = command(&home)
        .args(["--source", "scene", "--model", "none"])
        .args(["--listen", "127.0.0.1:0", "--media-port", "0", "--config"])
        .arg(&file)
        .env("CARRIER_ADMIN_TOKEN", "orchid-lantern-admin")
        .env("CARRIER_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("it starts");
    let mut printed = std::io::BufReader::new(child.stdout.take().expect("piped"));
    let mut text = String::new();
    let url = loop {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut printed, &mut line).expect("a line");
        assert!(!line.is_empty(), "printed only {text}");
        text.push_str(&line);
        if let Some(url) = line
            .split_whitespace()
            .find(|word| word.starts_with("http://127"))
        {
            break url.trim_end_matches('/').to_owned();
        }
    };
    for path in [
        "/",
        "/booth",
        "/join",
        "/screen",
        "/nowhere",
        "/snapshot.jpg",
        "/api/status",
    ] {
        let _ = agent()
            .get(format!("{url}{path}?token={VIEWER}"))
            .call()
            .expect("an answer");
        let admin = agent().get(format!("{url}{path}"));
        let admin = admin.header("Authorization", "Bearer orchid-lantern-admin");
        let _ = admin.call().expect("an answer");
    }
    child.kill().expect("our child");
    child.wait().expect("our child");
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(!log.is_empty(), "there is a log");
    for secret in [VIEWER, "orchid-lantern-admin"] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{:?}", lines.first());
    }
    assert!(
        !text.contains(VIEWER),
        "not a terminal, so not printed: {text}"
    );
    std::fs::remove_dir_all(home).expect("cleaned");
}
