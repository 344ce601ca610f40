//! Injected panics and hangs of threads, and recovery from them.

use std::time::Instant;

use capture::{InjectedFault, TURN_MAX, Threads, WallClock};
use signaling::{ComposeConfig, EngineConfig, RenditionId};

use crate::client::{Client, run};
use crate::rig::Rig;
use crate::studio::{Studio, eventually};

fn is_reported(threads: &Threads, words: &str) -> bool {
    threads.skip_time(2 * TURN_MAX);
    let faults = threads.faults(Instant::now());
    faults.iter().any(|fault| fault.to_string() == words)
}

fn composing(threads: &Threads) -> Rig {
    let config = ComposeConfig {
        threads: threads.clone(),
        ..ComposeConfig::new(WallClock::start())
    };
    Rig::with(config, 64)
}

#[test]
fn composing_continues_with_a_keyframe_after_a_panic() {
    let threads = Threads::default();
    let mut rig = composing(&threads);
    rig.demand.change_viewers(RenditionId::MAIN, 0, 1);
    assert!(rig.publish_and_receive(320, 180).keyframe);
    assert!(!rig.publish_and_receive(320, 180).keyframe);
    threads.inject("compose", InjectedFault::Panic);
    rig.publish(320, 180);
    eventually("a restart", || threads.restarts("compose") == 1);
    assert!(rig.publish_and_receive(320, 180).keyframe);
}

#[test]
fn a_hang_of_composing_is_reported_and_sleeping_is_not() {
    let threads = Threads::default();
    let mut rig = composing(&threads);
    rig.demand.change_viewers(RenditionId::MAIN, 0, 1);
    rig.publish_and_receive(320, 180);
    threads.inject("compose", InjectedFault::Hang);
    rig.publish(320, 180);
    eventually("the hang is reported", || {
        is_reported(&threads, "compose hangs")
    });
    threads.inject("compose", InjectedFault::None);
    rig.demand.change_viewers(RenditionId::MAIN, 1, 0);
    // Without viewers nothing wakes it, for any length of time.
    eventually("it sleeps", || {
        threads.skip_time(2 * TURN_MAX);
        threads.faults(Instant::now()).is_empty()
    });
}

#[test]
fn composing_sleeps_at_once_when_the_last_viewer_leaves() {
    let threads = Threads::default();
    let mut rig = composing(&threads);
    rig.demand.change_viewers(RenditionId::MAIN, 0, 1);
    // This picture stands for an hour.
    rig.publish_and_receive(320, 180);
    std::thread::sleep(std::time::Duration::from_millis(100));
    rig.demand.change_viewers(RenditionId::MAIN, 1, 0);
    eventually("it sleeps", || {
        threads.skip_time(2 * TURN_MAX);
        threads.faults(Instant::now()).is_empty()
    });
}

fn studio(threads: &Threads) -> Studio {
    Studio::with(EngineConfig {
        registered: threads.clone(),
        ..EngineConfig::default()
    })
}

#[test]
fn viewers_stay_after_one_panic_of_the_engine() {
    let threads = Threads::default();
    let studio = studio(&threads);
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
    threads.inject("media-engine", InjectedFault::Panic);
    run(&mut clients, "a restart", |_| {
        threads.restarts("media-engine") == 1
    });
    let before = clients[0].got.len();
    run(&mut clients, "the picture continues", |clients| {
        clients[0].got.len() > before + 60
    });
    assert_eq!(studio.metrics.viewers.get(), 1);
}

#[test]
fn repeated_panics_of_an_engine_disconnect_viewers_and_new_ones_can_join() {
    let threads = Threads::default();
    let studio = studio(&threads);
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
    for panics in 1..=2 {
        threads.inject("media-engine", InjectedFault::Panic);
        run(&mut clients, "a restart", |_| {
            threads.restarts("media-engine") == panics
        });
    }
    run(&mut clients, "the DTLS close", |clients| clients[0].closed);
    assert_eq!(studio.metrics.viewers.get(), 0);
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
}

#[test]
fn a_hang_of_the_engine_is_reported() {
    let threads = Threads::default();
    let studio = studio(&threads);
    threads.inject("media-engine", InjectedFault::Hang);
    eventually("the hang is reported", || {
        is_reported(&threads, "media-engine hangs")
    });
    threads.inject("media-engine", InjectedFault::None);
    eventually("the fault is cleared", || {
        threads.faults(Instant::now()).is_empty()
    });
    drop(studio);
}

#[test]
fn each_engine_thread_is_monitored_by_its_own_name() {
    let threads = Threads::default();
    let studio = Studio::with(EngineConfig {
        registered: threads.clone(),
        threads: 2,
        announced: vec!["localhost".parse().expect("a name")],
        ..EngineConfig::default()
    });
    for name in ["media-engine", "announced-names"] {
        assert!(format!("{threads:?}").contains(&format!("\"{name}\"")));
    }
    threads.inject("media-engine-1", InjectedFault::Panic);
    // The restarts of all engine threads are counted under one name.
    eventually("a restart", || threads.restarts("media-engine") == 1);
    let mut clients = [Client::joined(&studio), Client::joined(&studio)];
    run(&mut clients, "pictures", |clients| {
        clients.iter().all(|client| client.got.len() > 30)
    });
}
