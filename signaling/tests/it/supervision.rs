//! Threads that panic or hang on command, and the picture that goes on.

use std::time::Instant;

use capture::{InjectedFault, TURN_MAX, Threads, WallClock};
use signaling::{ComposeConfig, EngineConfig, RenditionId};

use crate::client::{Client, run};
use crate::rig::Rig;
use crate::studio::{Studio, eventually};

fn is_told(threads: &Threads, words: &str) -> bool {
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
fn after_a_panic_composing_goes_on_with_a_keyframe() {
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
fn composing_that_hangs_is_told_and_composing_that_sleeps_is_not() {
    let threads = Threads::default();
    let mut rig = composing(&threads);
    rig.demand.change_viewers(RenditionId::MAIN, 0, 1);
    rig.publish_and_receive(320, 180);
    threads.inject("compose", InjectedFault::Hang);
    rig.publish(320, 180);
    eventually("the hang is told", || is_told(&threads, "compose hangs"));
    threads.inject("compose", InjectedFault::None);
    rig.demand.change_viewers(RenditionId::MAIN, 1, 0);
    // Nobody watches, and nothing wakes it: for as long as that may be.
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
fn viewers_stay_through_a_panic_of_the_engine() {
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
    run(&mut clients, "the picture goes on", |clients| {
        clients[0].got.len() > before + 60
    });
    assert_eq!(studio.metrics.viewers.get(), 1);
}

#[test]
fn an_engine_that_panics_again_lets_its_viewers_go_and_takes_new_ones() {
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
    run(&mut clients, "the goodbye", |clients| clients[0].closed);
    assert_eq!(studio.metrics.viewers.get(), 0);
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        clients[0].got.len() > 30
    });
}

#[test]
fn an_engine_that_hangs_is_told() {
    let threads = Threads::default();
    let studio = studio(&threads);
    threads.inject("media-engine", InjectedFault::Hang);
    eventually("the hang is told", || {
        is_told(&threads, "media-engine hangs")
    });
    threads.inject("media-engine", InjectedFault::None);
    eventually("it is over", || threads.faults(Instant::now()).is_empty());
    drop(studio);
}

#[test]
fn each_engine_thread_is_watched_by_its_own_name() {
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
