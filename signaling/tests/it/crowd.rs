//! Many viewers: joins cause few keyframes, and leaving frees everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signaling::metrics::{JoinFailure, LeaveReason};
use signaling::whep::{Place, WhepPost};
use signaling::{EngineConfig, RenditionId};

use crate::client::{Client, run};
use crate::clip::eprint_line;
use crate::studio::{Studio, block_on, eventually};

/// Viewers joining at the same time: more than needed on an idle machine, few enough for a busy one, where a
/// viewer gives up a handshake that takes too long.
const HANDSHAKES_MAX: usize = 25;

fn left(studio: &Studio, reason: LeaveReason) -> u64 {
    let counter = studio
        .metrics
        .leaves
        .get_or_create_owned(&[("kind", reason)]);
    counter.get()
}

/// On real sockets the duration depends on the machine; `audience/tests/crowd.rs` checks the limit of two
/// keyframes on a virtual clock.
#[test]
fn two_hundred_joins_within_a_second_cost_at_most_two_keyframes() {
    let studio = Studio::open();
    let mut crowd: Vec<Client> = Vec::new();
    let start = Instant::now();
    for index in 0..200 {
        // Created when it joins, because its handshake timeout starts at its creation.
        crowd.push(Client::joined(&studio));
        let due = start + Duration::from_micros(4800) * index;
        run(&mut crowd, "handshakes", |joined| {
            let pending = joined.iter().filter(|client| client.connected_at.is_none());
            pending.count() <= HANDSHAKES_MAX
        });
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let joins = start.elapsed();
    run(&mut crowd, "pictures for all", |crowd| {
        crowd.iter().all(|client| client.first_picture_at.is_some())
    });
    let (asked, took) = (studio.metrics.keyframe_requests.get(), start.elapsed());
    let since_offer = |event: fn(&Client) -> Option<Instant>| {
        let times = crowd
            .iter()
            .map(|client| event(client).map(|at| at - client.offered_at));
        let mut times: Vec<Duration> = times.flatten().collect();
        times.sort();
        (times[times.len() / 2], times[times.len() * 95 / 100])
    };
    let connected = since_offer(|client| client.connected_at);
    let picture = since_offer(|client| client.first_picture_at);
    eprint_line(&format!(
        "200 joins in {joins:?}: {asked} keyframes asked for; p50, p95: \
         connected {connected:?}, first picture {picture:?}"
    ));
    // On a busy machine the joins take longer than a second, and so do the handshakes.
    let seconds = took.as_secs() + 1;
    assert!(asked <= 2 * seconds, "{asked} in {took:?}");
    assert!(crowd.iter().all(|client| client.got[0].keyframe));
}

#[test]
fn viewers_come_and_go_and_leave_nothing() {
    let studio = Studio::with(EngineConfig {
        // Longer than a busy machine delays twenty viewers.
        silent_after: Duration::from_secs(3),
        lost_after: Duration::from_secs(3),
        ..EngineConfig::default()
    });
    let mut crowd: Vec<Client> = (0..20).map(|_| Client::joined(&studio)).collect();
    run(&mut crowd, "pictures", |crowd| {
        crowd.iter().all(|client| !client.got.is_empty())
    });
    assert_eq!(studio.metrics.viewers.get(), 20);
    for client in &crowd[..7] {
        let location = client.location.as_deref().expect("joined");
        assert_eq!(studio.delete(location).status, 200);
        assert_eq!(studio.delete(location).status, 404, "already gone");
    }
    run(&mut crowd, "clients that left are closed", |crowd| {
        crowd[..7].iter().all(|client| client.closed)
    });
    let mut rest = crowd.split_off(7);
    rest.truncate(12);
    let vanished = rest.split_off(6);
    rest.iter_mut().for_each(Client::close);
    drop(vanished);
    eventually("all gone", || studio.metrics.viewers.get() == 0);
    assert_eq!(
        studio.demand.viewers(RenditionId::MAIN),
        0,
        "no encoder demand is left"
    );
    assert_eq!(left(&studio, LeaveReason::Deleted), 7);
    assert_eq!(left(&studio, LeaveReason::Closed), 6);
    assert_eq!(left(&studio, LeaveReason::Lost), 7);
    let mut again = [Client::joined(&studio)];
    run(&mut again, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
}

#[test]
fn viewers_that_never_connect_time_out() {
    let studio = Studio::with(EngineConfig {
        connect_within: Duration::from_secs(1),
        ..EngineConfig::default()
    });
    // They send nothing after their offers.
    let _silent: Vec<Client> = (0..5).map(|_| Client::joined(&studio)).collect();
    eventually("all gone", || studio.metrics.viewers.get() == 0);
    assert_eq!(left(&studio, LeaveReason::NeverConnected), 5);
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
}

#[test]
fn a_silent_viewer_is_paused_and_gets_a_keyframe_when_it_returns() {
    let studio = Studio::with(EngineConfig {
        silent_after: Duration::from_millis(500),
        ..EngineConfig::default()
    });
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    // The viewer's radio is off: it neither receives nor sends.
    eventually("it counts as away", || {
        studio.demand.viewers(RenditionId::MAIN) == 0
    });
    // Longer than a cached keyframe is valid. Earlier packets still wait in its socket.
    std::thread::sleep(Duration::from_millis(600));
    let started = clients[0].got[0].frame;
    run(&mut clients, "a new keyframe", |clients| {
        let mut got = clients[0].got.iter();
        got.any(|got| got.keyframe && got.frame > started + 5)
    });
    assert_eq!(studio.metrics.viewers.get(), 1);
}

#[test]
fn a_viewer_beyond_the_limit_gets_retry_after() {
    let studio = Studio::with(EngineConfig {
        viewers_max: 2,
        ..EngineConfig::default()
    });
    let first = Client::joined(&studio);
    let _second = Client::joined(&studio);
    let refused = studio.post(&Client::new().offer);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("Retry-After"), Some("5"));
    let failures = &studio.metrics.join_failures;
    let full = failures.get_or_create_owned(&[("reason", JoinFailure::Full)]);
    assert_eq!(full.get(), 1);
    studio.delete(first.location.as_deref().expect("joined"));
    assert_eq!(studio.post(&Client::new().offer).status, 201);
}

/// Records that it was dropped.
struct DropFlag(Arc<AtomicBool>);

impl Place for DropFlag {}

impl Drop for DropFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_place_of_a_viewer_is_dropped_however_it_leaves() {
    let studio = Studio::with(EngineConfig {
        connect_within: Duration::from_secs(2),
        ..EngineConfig::default()
    });
    let come = |offer: &str| {
        let gone = Arc::new(AtomicBool::new(false));
        let post = WhepPost {
            content_type: None,
            host: None,
            rendition: None,
            body: offer.as_bytes(),
        };
        let guard = Box::new(DropFlag(Arc::clone(&gone)));
        (block_on(studio.whep.post_with_place(post, guard)), gone)
    };
    let (refused, gone) = come("no offer");
    assert_eq!(refused.status, 400);
    assert!(gone.load(Ordering::Relaxed), "dropped at once");

    let (reply, gone) = come(&Client::new().offer);
    assert!(!gone.load(Ordering::Relaxed), "the viewer has joined");
    studio.delete(reply.header("Location").expect("joined"));
    eventually("dropped by DELETE", || gone.load(Ordering::Relaxed));

    let (reply, gone) = come(&Client::new().offer);
    assert_eq!(reply.status, 201);
    eventually("dropped by a timeout", || gone.load(Ordering::Relaxed));
}
