//! Access of viewers: the limits in all and per address, the viewer token, and the announcement of ICE
//! servers.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::station::{Station, agent};
use crate::timing::HANG_TIMEOUT;

/// A valid offer of a viewer that never connects.
const OFFER: &str = include_str!("../../../signaling/tests/fixtures/chromium.sdp");
const TOKEN: &str = "let-me-watch";

type Response = ureq::http::Response<ureq::Body>;

fn offer(station: &Station, more: &[(&str, &str)]) -> Response {
    let mut request = agent()
        .post(station.at("/whep"))
        .header("Content-Type", "application/sdp");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.send(OFFER).expect("an answer")
}

fn get(station: &Station, path: &str, more: &[(&str, &str)]) -> Response {
    let mut request = agent().get(station.at(path));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.call().expect("an answer")
}

fn options(station: &Station, more: &[(&str, &str)]) -> Response {
    let mut request = agent().options(station.at("/whep"));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.call().expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

fn leave(station: &Station, joined: &Response) {
    let session = station.at(&format!("/{}", header(joined, "location")));
    let left = agent().delete(session).call().expect("an answer");
    assert_eq!(left.status(), 200);
}

/// The status of a GET from another address of this machine.
fn status_from(from: &str, station: &Station, path: &str, more: &str) -> u16 {
    let target: SocketAddr = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()
        .expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: SocketAddr = format!("{from}:0").parse().expect("an address");
    socket.bind(&from.into()).expect("all of 127/8 is local");
    socket.connect(&target.into()).expect("connected");
    let mut stream = TcpStream::from(socket);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"
    )
    .expect("sent");
    let mut line = String::new();
    BufReader::new(&stream)
        .read_line(&mut line)
        .expect("a line");
    line.split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status line")
}

#[test]
fn viewers_are_limited_and_a_place_is_freed_when_one_leaves() {
    let station = Station::configured("[viewers]\nmax = 1\n", &["--model", "none"]);
    let first = offer(&station, &[]);
    assert_eq!(first.status(), 201);
    for refused in [offer(&station, &[]), get(&station, "/stream.mjpg", &[])] {
        assert_eq!(refused.status(), 503);
        assert_eq!(header(&refused, "retry-after"), "5");
    }
    assert_eq!(get(&station, "/snapshot.jpg", &[]).status(), 200);
    leave(&station, &first);

    let stream = get(&station, "/stream.mjpg", &[]);
    assert_eq!(stream.status(), 200);
    assert_eq!(offer(&station, &[]).status(), 503);
    drop(stream);
    let until = Instant::now() + HANG_TIMEOUT;
    while offer(&station, &[]).status() != 201 {
        assert!(
            Instant::now() < until,
            "the simple stream's place stays taken"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let metrics = crate::station::get(&station.at("/metrics")).1;
    assert!(
        metrics.contains("carrier_viewers_refused_total{cause=\"Full\"}"),
        "{metrics}"
    );
}

#[test]
fn offers_that_never_connect_keep_nobody_out_and_make_no_encoder_run() {
    let station = Station::configured("[viewers]\nmax = 5\n", &["--model", "none"]);
    for round in 0..4 {
        for _ in 0..5 {
            offer(&station, &[]);
        }
        assert_eq!(offer(&station, &[]).status(), 201, "round {round}");
    }
    let other = status_from("127.0.0.2", &station, "/stream.mjpg", "");
    assert_eq!(other, 200, "another address has its place, too");
    let metrics = crate::station::get(&station.at("/metrics")).1;
    for line in [
        "carrier_encode_pictures_total 0",
        "carrier_viewers_refused_total{cause=\"NeverConnected\"}",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn one_address_has_its_share_and_others_theirs() {
    let station = Station::configured("[viewers]\nper_address = 1\n", &["--model", "none"]);
    let first = offer(&station, &[("X-Forwarded-For", "192.0.2.1")]);
    assert_eq!(first.status(), 201);
    let mut second = offer(&station, &[("X-Forwarded-For", "192.0.2.2")]);
    assert_eq!(second.status(), 429, "a header is nobody's address");
    assert_eq!(header(&second, "retry-after"), "5");
    let problem = second.body_mut().read_to_string().expect("text");
    assert!(problem.contains("at your address"), "{problem}");
    assert_eq!(status_from("127.0.0.1", &station, "/stream.mjpg", ""), 429);
    assert_eq!(status_from("127.0.0.2", &station, "/stream.mjpg", ""), 200);
    leave(&station, &first);
    assert_eq!(offer(&station, &[]).status(), 201);
}

#[test]
fn watching_needs_the_viewer_token() {
    let toml = format!("[viewers]\ntoken = \"{TOKEN}\"\n");
    let station = Station::configured(&toml, &["--model", "none"]);
    let bearer = format!("Bearer {TOKEN}");
    let admin = format!("Bearer {}", station.admin_token);
    for path in ["/whep", "/snapshot.jpg", "/stream.mjpg", "/api/tracks", "/"] {
        let none = get(&station, path, &[]);
        assert_eq!(none.status(), 401, "{path}");
        assert_eq!(
            header(&none, "www-authenticate"),
            "Bearer realm=\"carrier\""
        );
        let wrong = get(&station, path, &[("Authorization", "Bearer let-me-see")]);
        assert_eq!(wrong.status(), 401, "{path}");
        for right in [&bearer, &admin] {
            let answer = get(&station, path, &[("Authorization", right)]);
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
        }
    }
    for path in ["/healthz", "/api/status", "/app/early.js"] {
        assert_eq!(get(&station, path, &[]).status(), 200, "{path}");
    }
    for path in ["/metrics", "/api/viewers"] {
        assert_eq!(get(&station, path, &[]).status(), 401, "{path}");
        let owner = get(&station, path, &[("Authorization", &admin)]);
        assert_eq!(owner.status(), 200, "{path}");
    }
    assert_eq!(offer(&station, &[]).status(), 401);
    let joined = offer(&station, &[("Authorization", &bearer)]);
    assert_eq!(joined.status(), 201);
    // Its URL is unguessable: players that send no token here work as well.
    leave(&station, &joined);
}

#[test]
fn a_link_with_the_token_becomes_a_cookie() {
    let toml = format!("[viewers]\ntoken = \"{TOKEN}\"\n");
    let station = Station::configured(&toml, &["--model", "none"]);
    let mut locked = get(&station, "/?token=let-me-see", &[]);
    assert_eq!(locked.status(), 401);
    assert_eq!(header(&locked, "set-cookie"), "");
    let words = locked.body_mut().read_to_string().expect("text");
    assert!(words.contains("those who have the link"), "{words}");

    let page = get(&station, &format!("/?token={TOKEN}"), &[]);
    assert_eq!(page.status(), 200);
    assert_eq!(header(&page, "cache-control"), "no-store");
    let cookie = header(&page, "set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(
        !cookie.contains("Secure") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let pair = cookie.split(';').next().expect("a pair");
    for path in ["/", "/snapshot.jpg"] {
        assert_eq!(
            get(&station, path, &[("Cookie", pair)]).status(),
            200,
            "{path}"
        );
    }
    assert_eq!(offer(&station, &[("Cookie", pair)]).status(), 201);
}

#[test]
fn strangers_learn_of_the_station_and_not_of_the_feed() {
    let toml = format!("[viewers]\ntoken = \"{TOKEN}\"\n");
    let station = Station::configured(&toml, &["--model", "none"]);
    let told = |more: &[(&str, &str)]| {
        let mut answer = get(&station, "/api/status", more);
        let text = answer.body_mut().read_to_string().expect("text");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    let stranger = told(&[]);
    assert!(stranger["version"].is_string() && stranger["media_port"].is_u64());
    for part in [
        "source",
        "detector",
        "viewers",
        "renditions",
        "publish",
        "stylise",
    ] {
        assert!(stranger.get(part).is_none(), "{part}: {stranger}");
    }
    let bearer = format!("Bearer {TOKEN}");
    let viewer = told(&[("Authorization", &bearer)]);
    assert_eq!(viewer["source"]["description"], "test scene");
}

#[test]
fn paths_are_shown_to_the_owner_alone() {
    let home = crate::station::fresh_folder();
    let model = home.join("secret folder/mine.onnx");
    std::fs::create_dir_all(model.parent().expect("a folder")).expect("made");
    std::fs::write(&model, [7_u8; 4096]).expect("written");
    let station = Station::start(&["--model", &model.to_string_lossy()]);
    station.wait_ready();
    let admin = format!("Bearer {}", station.admin_token);
    let told = |path: &str, more: &[(&str, &str)]| {
        let mut answer = get(&station, path, more);
        answer.body_mut().read_to_string().expect("text")
    };
    let owner = told("/api/status", &[("Authorization", &admin)]);
    let detector = serde_json::from_str::<serde_json::Value>(&owner).expect("JSON");
    let why = detector["detector"]["message"].as_str().expect("words");
    for path in ["/api/status", "/readyz"] {
        let visitor = told(path, &[]);
        assert!(visitor.contains("detect"), "{path}: {visitor}");
        for secret in [home.to_string_lossy().as_ref(), "secret", "/usr/", "/home/"] {
            assert!(!visitor.contains(secret), "{path}, {secret}: {visitor}");
        }
    }
    // Without ONNX Runtime the message says that instead.
    assert!(why.contains('/'), "the owner gets the place: {why}");
    std::fs::remove_dir_all(home).expect("cleaned");
}

#[test]
fn metrics_have_a_token_of_their_own() {
    let toml = "[http]\nmetrics_token = \"orchid-lantern-42\"\n";
    let station = Station::configured(toml, &["--model", "none"]);
    assert_eq!(get(&station, "/metrics", &[]).status(), 401);
    let bearer = ("Authorization", "Bearer orchid-lantern-42");
    assert_eq!(get(&station, "/metrics", &[bearer]).status(), 200);
    let admin = get(&station, "/api/admin/session", &[bearer]);
    assert_eq!(admin.status(), 401, "and open nothing else");
    assert_eq!(get(&station, "/snapshot.jpg", &[]).status(), 200);
}

#[test]
fn viewers_are_told_of_ice_servers_and_strangers_are_not() {
    let toml = format!(
        "[viewers]\ntoken = \"{TOKEN}\"\n\
         [[ice_servers]]\nurls = [\"stun:192.0.2.1:3478\"]\n\
         [[ice_servers]]\nurls = [\"turn:192.0.2.1:3478\"]\nusername = \"me\"\ncredential = \"x\\\"y\"\n"
    );
    let station = Station::configured(&toml, &["--model", "none"]);
    let bearer = format!("Bearer {TOKEN}");
    let links = |response: &Response| {
        let values = response.headers().get_all("link").iter();
        values
            .map(|value| value.to_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    let wanted = [
        "<stun:192.0.2.1:3478>; rel=\"ice-server\"",
        "<turn:192.0.2.1:3478>; rel=\"ice-server\"; username=\"me\"; credential=\"x\\\"y\"; \
         credential-type=\"password\"",
    ];
    let asked = options(&station, &[("Authorization", &bearer)]);
    assert_eq!(
        (asked.status().as_u16(), links(&asked)),
        (204, wanted.map(str::to_owned).to_vec())
    );
    let joined = offer(&station, &[("Authorization", &bearer)]);
    assert_eq!(
        (joined.status().as_u16(), links(&joined)),
        (201, wanted.map(str::to_owned).to_vec())
    );
    let stranger = options(&station, &[]);
    assert_eq!(
        (stranger.status().as_u16(), links(&stranger).len()),
        (401, 0)
    );
    let preflight = options(&station, &[("Access-Control-Request-Method", "POST")]);
    assert_eq!(links(&preflight).len(), 0);

    let marked = |station: &Station| {
        let mut page = get(station, "/", &[("Authorization", &bearer)]);
        let html = page.body_mut().read_to_string().expect("text");
        html.contains("data-ice-servers")
    };
    assert!(marked(&station));
    let without = Station::start(&["--model", "none"]);
    assert!(!marked(&without));
    assert_eq!(links(&options(&without, &[])).len(), 0);
}
