//! Datagrams of unknown senders are counted and ignored.

use std::net::UdpSocket;
use std::time::Duration;

use signaling::metrics::IgnoredCause;

use crate::client::{Client, run, run_for};
use crate::studio::{Studio, eventually};

/// A binding request with an unknown user name.
fn strange_check() -> Vec<u8> {
    let mut check = vec![0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
    check.extend_from_slice(&[9; 12]);
    check.extend_from_slice(&[0, 6, 0, 8]);
    check.extend_from_slice(b"nobo:you");
    check
}

#[test]
fn garbage_is_counted_and_does_not_disturb_the_feed() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    let unknown_sender = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let port = studio.engine.media_port();
    let ignored = |cause| {
        let ignored = &studio.metrics.ignored;
        ignored.get_or_create_owned(&[("kind", cause)]).get()
    };
    let mut sent = 0;
    for round in 0..=255_u8 {
        for length in [1, 13, 40, 1400] {
            let datagram = vec![round; length];
            unknown_sender
                .send_to(&datagram, ("127.0.0.1", port))
                .expect("sent");
            sent += 1;
        }
        unknown_sender
            .send_to(&strange_check(), ("127.0.0.1", port))
            .expect("sent");
        unknown_sender
            .send_to(&[], ("127.0.0.1", port))
            .expect("sent");
        sent += 1;
        clients[0].turn();
        // No more at a time than the socket buffer holds, however late the engine reads it.
        if round % 8 == 7 {
            eventually("all are counted", || {
                ignored(IgnoredCause::Garbage) + ignored(IgnoredCause::Stranger) >= sent
            });
        }
    }
    assert!(ignored(IgnoredCause::Stranger) > 256);
    assert_eq!(studio.metrics.viewers.get(), 1);
    unknown_sender
        .set_nonblocking(true)
        .expect("a plain socket");
    assert!(
        unknown_sender.recv(&mut [0; 100]).is_err(),
        "unknown senders get no response"
    );
    let before = clients[0].got.len();
    run(&mut clients, "the feed", |clients| {
        clients[0].got.len() > before + 50
    });
}

#[test]
fn a_viewer_that_sends_garbage_does_not_affect_others() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio), Client::joined(&studio)];
    run(&mut clients, "pictures", |clients| {
        clients.iter().all(|c| !c.got.is_empty())
    });
    let port = studio.engine.media_port();
    for byte in [20, 21, 22, 63, 128, 144, 191_u8] {
        for length in [14, 50, 200, 1200] {
            clients[0].send_raw(&vec![byte; length], port);
            let mut rtcp = vec![byte; length];
            rtcp[1] = 201;
            clients[0].send_raw(&rtcp, port);
        }
    }
    let before = clients.each_ref().map(|client| client.got.len());
    run(&mut clients, "the feed continues", |clients| {
        let mut all = clients.iter().zip(before);
        all.all(|(client, before)| client.got.len() > before + 20)
    });
}

/// An offer with these local ports as candidates, of an ICE lite viewer or not.
fn naming(offer: &str, ports: &[UdpSocket], lite: bool) -> String {
    let mut text = offer.to_owned();
    if lite {
        text = text.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
    }
    for port in ports {
        let port = port.local_addr().expect("bound").port();
        text += &format!("a=candidate:1 1 udp 9 127.0.0.1 {port} typ host\r\n");
    }
    text
}

#[test]
fn third_parties_get_no_more_bytes_than_the_offer_had() {
    let third: Vec<UdpSocket> = (0..16)
        .map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
            socket.set_nonblocking(true).expect("a plain socket");
            socket
        })
        .collect();
    for lite in [false, true] {
        let studio = Studio::open();
        let offer = naming(&Client::new().offer, &third, lite);
        assert_eq!(studio.post(&offer).status, 201);
        let mut clients = [Client::joined(&studio)];
        if lite {
            run(&mut clients, "it is looked for", |_| {
                third
                    .iter()
                    .any(|socket| socket.peek(&mut [0; 2000]).is_ok())
            });
        }
        run_for(&mut clients, Duration::from_secs(2));
        run(&mut clients, "the feed continues", |clients| {
            clients[0].got.len() > 100
        });
        let mut came = 0;
        for socket in &third {
            while let Ok(length) = socket.recv(&mut [0; 2000]) {
                came += length + 28;
            }
        }
        assert_eq!(came > 0, lite, "only a lite viewer is sent checks");
        assert!(came <= offer.len(), "{came} of {} bytes", offer.len());
    }
}
