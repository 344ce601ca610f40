//! Changing networks: other ports, protocols and addresses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use signaling::EngineConfig;
use signaling::whep::WhepPost;

use crate::client::{Client, run, run_for};
use crate::clip::eprint_line;
use crate::studio::{Studio, block_on, eventually, id_of};
use crate::timing::{HANG_TIMEOUT, expect_within};
use crate::wire::Wire;

/// Longer than a busy machine delays a viewer.
const LOST_AFTER: Duration = Duration::from_millis(1500);

fn plays(clients: &mut [Client]) {
    run(clients, "a picture", |clients| {
        clients.iter().all(|client| client.got.len() > 30)
    });
}

/// A studio with short timeouts.
fn impatient() -> Studio {
    Studio::with(EngineConfig {
        silent_after: LOST_AFTER,
        lost_after: LOST_AFTER,
        ..EngineConfig::default()
    })
}

#[test]
fn a_viewer_that_changes_networks_continues_after_a_restart() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    plays(&mut clients);
    let connected_at = clients[0].connected_at;
    clients[0].move_to(Wire::udp("127.0.0.1"));
    let packets = studio.metrics.packets.get();
    run(&mut clients, "packets that nobody hears", |_| {
        studio.metrics.packets.get() > packets + 30
    });
    let (before, began) = (clients[0].got.len(), Instant::now());
    let last = clients[0].got[before - 1].number;
    clients[0].restart(&studio);
    run(&mut clients, "the picture again", |clients| {
        let new = &clients[0].got[before..];
        new.len() > 30 && new.iter().any(|got| got.keyframe)
    });
    let client = &clients[0];
    let what = "30 packets and a keyframe after a restart";
    expect_within(what, began.elapsed(), Duration::from_secs(2));
    let missed = client.got[before].number - last;
    assert!(
        (1..10_000).contains(&missed),
        "sequence numbers continue: {missed}"
    );
    assert_eq!(client.connected_at, connected_at, "no second handshake");
    assert_eq!(
        (studio.metrics.joins.get(), studio.metrics.restarts.get()),
        (1, 1)
    );
}

#[test]
fn a_restart_without_a_path_keeps_the_old_path() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    plays(&mut clients);
    let id = id_of(clients[0].location.as_deref().expect("joined")).to_owned();
    let kind = Some("application/trickle-ice-sdpfrag");
    let fragment = "a=ice-ufrag:nobody\r\na=ice-pwd:will-ever-use-this-one\r\nm=video 9 RTP/AVP 0\r\n\
                    a=mid:0\r\na=candidate:1 1 udp 99 127.0.0.1 9 typ host\r\n";
    let reply = studio.patch(&id, Some("*"), kind, fragment);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tag = reply.header("ETag").expect("a tag").to_owned();
    assert!(
        reply
            .body
            .contains(&format!("a=ice-ufrag:{}\r\n", tag.trim_matches('"')))
    );
    assert!(reply.body.contains("a=candidate:") && reply.body.contains("a=mid:0\r\n"));
    let again = studio.patch(&id, Some("\"old\""), kind, fragment);
    assert_eq!(again.status, 412);
    let before = clients[0].got.len();
    run(&mut clients, "packets without a hole", |clients| {
        clients[0].got.len() > before + 200 && clients[0].missing() == 0
    });
    assert_eq!(
        studio
            .delete(clients[0].location.as_deref().expect("joined"))
            .status,
        200
    );
}

#[test]
fn without_udp_media_uses_tcp_and_the_viewer_ends_with_its_connection() {
    let studio = impatient();
    let wire = Wire::tcp(studio.engine.media_port());
    let mut clients = [Client::on(wire)];
    clients[0].join(&studio);
    plays(&mut clients);
    run_for(&mut clients, LOST_AFTER + LOST_AFTER / 10);
    let client = &clients[0];
    let whole = client
        .got
        .windows(2)
        .all(|pair| pair[1].number == pair[0].number + 1);
    assert!(
        whole && client.got[0].keyframe,
        "every packet, starting with a keyframe"
    );
    eventually("the connection is counted", || {
        studio.metrics.connections_open.get() == 1
    });
    drop(clients);
    eventually("the viewer is gone", || studio.metrics.viewers.get() == 0);
    eventually("the connection is closed", || {
        studio.metrics.connections_open.get() == 0
    });
}

#[test]
fn a_restart_moves_a_viewer_from_tcp_to_udp() {
    let studio = Studio::open();
    let mut clients = [Client::on(Wire::tcp(studio.engine.media_port()))];
    clients[0].join(&studio);
    plays(&mut clients);
    clients[0].move_to(Wire::udp("127.0.0.1"));
    let before = clients[0].got.len();
    clients[0].restart(&studio);
    run(&mut clients, "the picture again", |clients| {
        clients[0].got.len() > before + 30
    });
    eventually("the connection is closed", || {
        studio.metrics.connections_open.get() == 0
    });
    assert_eq!(studio.metrics.viewers.get(), 1);
}

#[test]
fn a_viewer_that_stops_reading_tcp_delays_nobody() {
    let studio = Studio::open();
    let mut stuck = Client::on(Wire::tcp(studio.engine.media_port()));
    stuck.join(&studio);
    let mut clients = [stuck, Client::joined(&studio)];
    plays(&mut clients);
    let [mut stuck, other] = clients;
    let mut others = [other];
    run_for(&mut others, Duration::from_millis(2500));
    let before = others[0].got.len();
    run(&mut others, "the other viewer loses nothing", |others| {
        others[0].got.len() > before + 50 && others[0].missing() == 0
    });
    stuck.turn();
}

#[test]
fn unauthenticated_tcp_connections_are_closed() {
    let studio = Studio::open();
    let port = studio.engine.media_port();
    let connect = || TcpStream::connect(("127.0.0.1", port)).expect("the port listens");
    let closed = |stream: &mut TcpStream| {
        let _ = stream.set_read_timeout(Some(HANG_TIMEOUT));
        matches!(stream.read(&mut [0; 16]), Ok(0)) || {
            let again = stream.read(&mut [0; 16]);
            again.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        }
    };
    let mut talker = connect();
    talker.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("open");
    assert!(closed(&mut talker), "no frames");
    let mut crowd: Vec<TcpStream> = (0..80).map(|_| connect()).collect();
    let mut last = crowd.pop().expect("eighty");
    assert!(closed(&mut last), "too many");
    eventually("most are taken", || {
        (50..=64).contains(&studio.metrics.connections_open.get())
    });
    let mut client = [Client::joined(&studio)];
    plays(&mut client);
    eventually("the silent ones are closed", || {
        studio.metrics.connections_open.get() == 0
    });
}

#[test]
fn silent_connections_do_not_keep_viewers_out() {
    let studio = Studio::open();
    let port = studio.engine.media_port();
    let connect = || TcpStream::connect(("127.0.0.1", port)).expect("the port listens");
    let mut silent: Vec<TcpStream> = (0..300).map(|_| connect()).collect();
    let mut clients = [Client::on(Wire::tcp(port))];
    silent.extend((0..20).map(|_| connect()));
    clients[0].join(&studio);
    plays(&mut clients);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        silent.truncate(200);
        silent.extend((0..20).map(|_| connect()));
        run_for(&mut clients, Duration::from_millis(100));
    }
    let client = &clients[0];
    let whole = client
        .got
        .windows(2)
        .all(|pair| pair[1].number == pair[0].number + 1);
    assert!(whole, "it keeps its connection and loses nothing");
}

#[test]
fn media_is_bound_to_the_configured_address() {
    let studio = Studio::with(EngineConfig {
        media_ip: [127, 0, 0, 1].into(),
        ..EngineConfig::default()
    });
    let port = studio.engine.media_port();
    let elsewhere = |ip: &str| UdpSocket::bind((ip, port)).and(TcpListener::bind((ip, port)));
    elsewhere("127.0.0.2").expect("free on another address");
    assert!(elsewhere("127.0.0.1").is_err());
    let mut client = Client::new();
    client.join(&studio);
    let answer = studio.post(&client.offer).body;
    let candidates: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate"))
        .collect();
    assert_eq!(candidates.len(), 2, "UDP and TCP: {answer}");
    assert!(
        candidates.iter().all(|line| line.contains(" 127.0.0.1 ")),
        "{answer}"
    );
    plays(&mut [client]);
}

#[test]
fn a_viewer_can_use_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprint_line("skipped: this machine has no IPv6");
        return;
    }
    let studio = Studio::open();
    let mut clients = [Client::on(Wire::udp("::1"))];
    let reply = block_on(studio.whep.post(WhepPost {
        content_type: Some("application/sdp"),
        host: Some("[::1]:8080"),
        rendition: None,
        body: clients[0].offer.as_bytes(),
    }));
    assert_eq!(reply.status, 201, "{}", reply.body);
    let first = reply
        .body
        .lines()
        .find(|line| line.starts_with("a=candidate"));
    assert!(
        first.is_some_and(|line| line.contains(" ::1 ")),
        "{first:?}"
    );
    clients[0].accept(&reply.body);
    plays(&mut clients);
}

#[test]
fn announced_addresses_are_the_first_candidates() {
    let announced = ["203.0.113.5:30189", "localhost:30190"].map(|text| text.parse().expect(text));
    let studio = Studio::with(EngineConfig {
        announced: announced.to_vec(),
        ..EngineConfig::default()
    });
    let mut client = Client::new();
    eventually("the name is resolved", || {
        let body = studio.post(&client.offer).body;
        let mut lines = body.lines().filter(|line| line.starts_with("a=candidate"));
        let first = lines
            .next()
            .is_some_and(|line| line.contains(" 203.0.113.5 30189 typ host"));
        assert!(first, "{body}");
        lines.any(|line| line.contains(" 127.0.0.1 30190 "))
    });
    client.join(&studio);
    let mut clients = [client];
    plays(&mut clients);
}

#[test]
fn a_vanished_viewer_times_out_and_nothing_is_sent_to_it() {
    let studio = impatient();
    let mut clients = [Client::joined(&studio)];
    plays(&mut clients);
    eventually("it is gone", || studio.metrics.viewers.get() == 0);
    assert!(studio.engine.viewers().len() <= 1);
    let packets = studio.metrics.packets.get();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(studio.metrics.packets.get(), packets, "nothing is sent");
    assert_eq!(studio.demand.viewers(signaling::RenditionId::MAIN), 0);
}
