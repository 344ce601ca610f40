//! Lost packets are retransmitted.

use std::time::{Duration, Instant};

use lossy_link::{Conditions, Link};
use signaling::metrics::ResendOutcome;

use crate::client::{Client, run, run_for};
use crate::clip::eprint_line;
use crate::studio::Studio;

#[test]
fn lost_packets_are_retransmitted() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    clients[0].lose_every = 20;
    run(&mut clients, "losses", |clients| clients[0].lost > 12);
    clients[0].lose_every = 0;
    let before = clients[0].got.len();
    run(&mut clients, "what was lost", |clients| {
        clients[0].got.len() > before + 30 && clients[0].missing() == 0
    });
    let client = &clients[0];
    let sent = |outcome| {
        let resends = &studio.metrics.resends;
        resends.get_or_create_owned(&[("kind", outcome)]).get()
    };
    eprint_line(&format!(
        "{} lost on the way, {} sent again",
        client.lost,
        sent(ResendOutcome::Sent)
    ));
    assert!(studio.metrics.nacks.get() > 0);
    assert!(sent(ResendOutcome::Sent) >= client.lost / 2);
}

/// Each run of one to three datagrams of the connection's start is lost once, in each direction.
fn connects_in_spite_of_losses(setup: &str) {
    let studio = Studio::open();
    let mut clients = Vec::new();
    for (first, count) in (0..12).flat_map(|first| [(first, 1), (first, 3)]) {
        let lost = first..first + count;
        for (lose_received, lose_sent) in [(lost.clone(), 0..0), (0..0, lost.clone())] {
            let mut client = Client::new();
            (client.lose_received, client.lose_sent) = (lose_received, lose_sent);
            client.offer = client
                .offer
                .replace("a=setup:actpass", &format!("a=setup:{setup}"));
            client.join(&studio);
            clients.push(client);
        }
    }
    run(&mut clients, "pictures", |clients| {
        clients
            .iter()
            .all(|client| client.first_picture_at.is_some())
    });
}

/// The station is the DTLS client, as with every browser.
#[test]
fn lost_datagrams_delay_a_connection_and_do_not_prevent_it() {
    connects_in_spite_of_losses("actpass");
}

#[test]
fn lost_datagrams_delay_a_connection_to_a_dtls_client_and_do_not_prevent_it() {
    connects_in_spite_of_losses("active");
}

/// A slow viewer has the fullest queues: pictures that are paced, and pictures that it asks for again.
#[test]
fn discarded_pictures_do_not_leave_for_a_viewer_at_300_kbit_s() {
    let slow = Conditions {
        delay: Duration::from_millis(20),
        rate_bps: Some(300_000),
        ..Conditions::default()
    };
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
    clients[0].path = Some(Link::new(slow, 1));
    run_for(&mut clients, Duration::from_secs(2));
    let (nacks, began) = (studio.metrics.nacks.get(), Instant::now());
    studio.demand.begin_picture_epoch();
    studio.engine.discard_pictures();
    let discarded_at = Instant::now();
    assert!(nacks > 0, "the viewer asks for packets again");
    // What was on its way is lost: everything from here on has left the station later.
    run_for(&mut clients, Duration::ZERO);
    clients[0].path = Some(Link::new(slow, 2));
    let before = clients[0].got.len();
    run(&mut clients, "the next pictures", |clients| {
        let (later, since) = (&clients[0].got[before..], discarded_at.elapsed());
        assert!(
            later.iter().all(|got| got.age <= since),
            "a packet of before left later"
        );
        later.len() > 40 && later.iter().any(|got| got.keyframe)
    });
    eprint_line(&format!(
        "discarding took {:?}",
        discarded_at.duration_since(began)
    ));
}

#[test]
fn discarded_pictures_are_not_sent_again() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
    clients[0].lose_every = 2;
    run(&mut clients, "losses", |clients| clients[0].lost > 20);
    clients[0].lose_every = 0;
    studio.demand.begin_picture_epoch();
    studio.engine.discard_pictures();
    let (discarded_at, at_discard) = (Instant::now(), clients[0].got.len());
    // What was on its way.
    run_for(&mut clients, Duration::from_millis(50));
    let before = clients[0].got.len();
    run(&mut clients, "the next pictures", |clients| {
        let later = &clients[0].got[before..];
        let since = discarded_at.elapsed();
        assert!(
            later.iter().all(|got| got.age <= since),
            "a packet of before came again"
        );
        let has_keyframe = clients[0].got[at_discard..].iter().any(|got| got.keyframe);
        has_keyframe && later.len() > 300
    });
}
