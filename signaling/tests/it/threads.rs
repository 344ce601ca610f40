//! Several engine threads behind one port: each feature works on any thread.

use std::time::{Duration, Instant};

use signaling::{EngineConfig, RenditionId};
use str0m::media::KeyframeRequestKind;

use crate::client::{Client, run, run_for};
use crate::studio::{Studio, eventually};
use crate::wire::Wire;

fn two_threads() -> Studio {
    Studio::with(EngineConfig {
        threads: 2,
        ..EngineConfig::default()
    })
}

fn play(clients: &mut [Client]) {
    let before: Vec<usize> = clients.iter().map(|client| client.got.len()).collect();
    run(clients, "pictures", |clients| {
        let mut all = clients.iter().zip(&before);
        all.all(|(client, before)| client.got.len() > before + 60)
    });
}

fn whole(client: &Client) -> bool {
    client.missing() == 0
}

#[test]
fn viewers_of_both_threads_get_every_packet_and_leave_nothing() {
    let studio = two_threads();
    let began = Instant::now();
    let mut clients: Vec<Client> = (0..6).map(|_| Client::joined(&studio)).collect();
    play(&mut clients);
    assert!(clients.iter().all(|client| client.got[0].keyframe));
    run(&mut clients, "no gap", |clients| clients.iter().all(whole));
    // One keyframe serves all who join within half a second.
    let (made, took) = (studio.keyframes(), began.elapsed());
    let most = 2 * (took.as_secs() + 1);
    assert!(made <= most, "{made} keyframes in {took:?}");
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 6);
    assert!(
        studio.metrics.handed.get() > 0,
        "half are served by the other thread"
    );
    eventually("all are listed as connected", || {
        let listed = studio.engine.viewers();
        listed.len() == 6 && listed.iter().all(|viewer| viewer.connected)
    });

    for client in &clients {
        let location = client.location.as_deref().expect("joined");
        assert_eq!(studio.delete(location).status, 200);
        assert_eq!(studio.delete(location).status, 404);
    }
    run(&mut clients, "clients that left are closed", |clients| {
        clients.iter().all(|client| client.closed)
    });
    assert_eq!(studio.metrics.viewers.get(), 0);
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
}

#[test]
fn nacks_and_keyframe_requests_work_on_both_threads() {
    let studio = two_threads();
    let mut clients: Vec<Client> = (0..4).map(|_| Client::joined(&studio)).collect();
    play(&mut clients);
    for client in &mut clients {
        client.lose_every = 20;
    }
    run(&mut clients, "losses", |clients| {
        clients.iter().all(|client| client.lost > 3)
    });
    for client in &mut clients {
        client.lose_every = 0;
    }
    play(&mut clients);
    run(&mut clients, "what was lost", |clients| {
        clients.iter().all(whole)
    });
    // Longer than the minimum interval between keyframes.
    run_for(&mut clients, Duration::from_millis(600));
    let (before, began) = (studio.keyframes(), Instant::now());
    for client in &mut clients {
        client.request_keyframe(KeyframeRequestKind::Pli);
    }
    run(&mut clients, "a keyframe", |_| studio.keyframes() > before);
    run_for(&mut clients, Duration::from_millis(300));
    // One keyframe for all requests within half a second.
    let most = 1 + began.elapsed().as_millis() / 500;
    let made = u128::from(studio.keyframes() - before);
    assert!(made <= most, "{made}, at most {most}");
}

#[test]
fn viewers_of_both_threads_can_change_networks() {
    let studio = two_threads();
    let tcp = || Client::on(Wire::tcp(studio.engine.media_port()));
    let mut clients = vec![Client::new(), Client::new(), tcp(), tcp()];
    for client in &mut clients {
        client.join(&studio);
    }
    play(&mut clients);
    eventually("both connections are counted", || {
        studio.metrics.connections_open.get() == 2
    });
    assert!(clients[2..].iter().all(whole), "over TCP as well");
    for client in &mut clients {
        client.move_to(Wire::udp("127.0.0.1"));
        client.restart(&studio);
    }
    play(&mut clients);
    assert_eq!(studio.metrics.restarts.get(), 4);
    assert_eq!(studio.metrics.joins.get(), 4);
    eventually("the connections are closed", || {
        studio.metrics.connections_open.get() == 0
    });
}

#[test]
fn a_tcp_viewer_ends_with_its_connection_on_either_thread() {
    let studio = Studio::with(EngineConfig {
        threads: 2,
        // Longer than a busy machine delays a viewer.
        silent_after: Duration::from_millis(1500),
        lost_after: Duration::from_millis(1500),
        ..EngineConfig::default()
    });
    let tcp = || Client::on(Wire::tcp(studio.engine.media_port()));
    let mut clients = vec![tcp(), tcp()];
    for client in &mut clients {
        client.join(&studio);
    }
    play(&mut clients);
    drop(clients);
    eventually("the viewers are gone", || studio.metrics.viewers.get() == 0);
    eventually("their connections are closed", || {
        studio.metrics.connections_open.get() == 0
    });
}

#[test]
fn one_viewer_limit_applies_to_all_threads() {
    let studio = Studio::with(EngineConfig {
        threads: 3,
        viewers_max: 4,
        ..EngineConfig::default()
    });
    let clients: Vec<Client> = (0..4).map(|_| Client::joined(&studio)).collect();
    assert_eq!(studio.post(&Client::new().offer).status, 503);
    studio.delete(clients[3].location.as_deref().expect("joined"));
    assert_eq!(studio.post(&Client::new().offer).status, 201);
}
