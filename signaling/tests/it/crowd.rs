//! Many viewers: joins cost few keyframes, leaving leaves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signaling::metrics::LeaveReason;
use signaling::whep::WhepPost;
use signaling::{EngineConfig, RenditionId};

use crate::client::{Client, run};
use crate::clip::eprint_line;
use crate::studio::{Studio, block_on, eventually};

/// More at a time than an idle machine has here, and few enough for a busy one: a handshake that takes too long
/// is given up by the viewer.
const HANDSHAKES_MAX: usize = 25;

fn left(studio: &Studio, reason: LeaveReason) -> u64 {
    let counter = studio
        .metrics
        .leaves
        .get_or_create_owned(&[("kind", reason)]);
    counter.get()
}

/// On real sockets the time is this machine's; `audience/tests/crowd.rs` holds the number of keyframes
/// to two on a virtual clock.
#[test]
fn two_hundred_joins_within_a_second_cost_at_most_two_keyframes() {
    let studio = Studio::open();
    let mut crowd: Vec<Client> = Vec::new();
    let start = Instant::now();
    for index in 0..200 {
        // Made when it joins: a viewer's time for its handshake runs from its making on.
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
    // On a busy machine the joins take longer than a second, and so do the handshakes after them.
    let seconds = took.as_secs() + 1;
    assert!(asked <= 2 * seconds, "{asked} in {took:?}");
    assert!(crowd.iter().all(|client| client.got[0].keyframe));
}

#[test]
fn viewers_come_and_go_and_leave_nothing() {
    let studio = Studio::with(EngineConfig {
        // Longer than a busy machine keeps twenty viewers from their turns.
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
        assert_eq!(studio.delete(location).status, 404, "gone at once");
    }
    run(&mut crowd, "goodbyes", |crowd| {
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
        "nothing left to encode for"
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
fn viewers_that_never_connect_leave_nothing() {
    let studio = Studio::with(EngineConfig {
        connect_within: Duration::from_secs(1),
        ..EngineConfig::default()
    });
    // Their offers are all that is heard of them.
    let _silent: Vec<Client> = (0..5).map(|_| Client::joined(&studio)).collect();
    eventually("all gone", || studio.metrics.viewers.get() == 0);
    assert_eq!(left(&studio, LeaveReason::NeverConnected), 5);
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
}

#[test]
fn a_silent_viewer_is_not_sent_to_and_starts_anew_when_it_is_back() {
    let studio = Studio::with(EngineConfig {
        silent_after: Duration::from_millis(500),
        ..EngineConfig::default()
    });
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    // The viewer's radio is off: it neither hears nor says anything.
    eventually("it counts as away", || {
        studio.demand.viewers(RenditionId::MAIN) == 0
    });
    // Longer than a cached keyframe serves. What was sent before still waits in its socket.
    std::thread::sleep(Duration::from_millis(600));
    let started = clients[0].got[0].frame;
    run(&mut clients, "a new keyframe", |clients| {
        let mut got = clients[0].got.iter();
        got.any(|got| got.keyframe && got.frame > started + 5)
    });
    assert_eq!(studio.metrics.viewers.get(), 1);
}

#[test]
fn one_too_many_is_asked_to_come_back() {
    let studio = Studio::with(EngineConfig {
        viewers_max: 2,
        ..EngineConfig::default()
    });
    let first = Client::joined(&studio);
    let _second = Client::joined(&studio);
    let refused = studio.post(&Client::new().offer);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("Retry-After"), Some("5"));
    studio.delete(first.location.as_deref().expect("joined"));
    assert_eq!(studio.post(&Client::new().offer).status, 201);
}

/// Tells when it is dropped.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_a_viewer_holds_is_let_go_however_it_leaves() {
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
        let held = Box::new(Held(Arc::clone(&gone)));
        (block_on(studio.whep.post_holding(post, held)), gone)
    };
    let (refused, gone) = come("no offer");
    assert_eq!(refused.status, 400);
    assert!(gone.load(Ordering::Relaxed), "at once");

    let (reply, gone) = come(&Client::new().offer);
    assert!(!gone.load(Ordering::Relaxed), "it is there");
    studio.delete(reply.header("Location").expect("joined"));
    eventually("let go by DELETE", || gone.load(Ordering::Relaxed));

    let (reply, gone) = come(&Client::new().offer);
    assert_eq!(reply.status, 201);
    eventually("let go without a word", || gone.load(Ordering::Relaxed));
}
