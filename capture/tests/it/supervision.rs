//! The supervisor itself panics or hangs.

use std::time::{Duration, Instant};

use capture::{InjectedFault, Signal, TURN_MAX};

use crate::timing::HANG_TIMEOUT;
use crate::watching::Watched;

fn until(what: &str, reached: impl Fn() -> bool) {
    let limit = Instant::now() + HANG_TIMEOUT;
    while !reached() {
        assert!(Instant::now() < limit, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn after_a_panic_of_the_supervisor_the_source_is_opened_again() {
    let mut watched = Watched::start("scene");
    watched.live();
    let before = watched.frame().seq;
    watched.threads.inject("capture", InjectedFault::Panic);
    watched.live();
    assert_eq!(watched.threads.restarts("capture"), 1);
    assert!(watched.frame().seq > before);
    // The thread of the former attempt has ended.
    let threads = watched.threads.clone();
    watched.stop();
    until("the supervisor has ended", || {
        format!("{threads:?}") == "[]"
    });
}

#[test]
fn after_a_panic_of_the_supervisor_a_source_that_still_fails_is_reported_again() {
    let mut watched = Watched::start("webcam:no-such-camera");
    let lost_since = |signal: &Signal| match signal {
        Signal::Lost { since, .. } => Some(*since),
        _ => None,
    };
    let before = watched.signal_that(lost_since);
    watched.threads.inject("capture", InjectedFault::Panic);
    watched.signal_that(|signal| lost_since(signal).filter(|since| *since > before));
    assert_eq!(watched.threads.restarts("capture"), 1);
    watched.stop();
}

#[test]
fn a_hanging_supervisor_is_reported_and_the_pictures_go_on() {
    let mut watched = Watched::start("scene");
    watched.live();
    let threads = watched.threads.clone();
    assert!(threads.faults(Instant::now()).is_empty());
    threads.inject("capture", InjectedFault::Hang);
    until("the hang is reported", || {
        threads.skip_time(2 * TURN_MAX);
        let faults = threads.faults(Instant::now());
        faults
            .iter()
            .any(|fault| fault.to_string() == "capture hangs")
    });
    let seq = watched.frame().seq;
    assert!(watched.frame().seq > seq);
    threads.inject("capture", InjectedFault::None);
    until("it is over", || threads.faults(Instant::now()).is_empty());
    watched.stop();
}

#[test]
fn a_source_that_panics_or_hangs_is_opened_again_and_is_no_fault_of_the_program() {
    let mut watched = Watched::start("scene");
    watched.live();
    let threads = watched.threads.clone();
    threads.inject("source", InjectedFault::Panic);
    watched.lost();
    watched.live();
    assert_eq!(threads.restarts("capture"), 0);
    threads.inject("source", InjectedFault::Hang);
    watched.lost();
    threads.skip_time(Duration::from_secs(3600));
    until("only the supervisor's turn was missed", || {
        threads.faults(Instant::now()).is_empty()
    });
    threads.inject("source", InjectedFault::None);
    watched.live();
    watched.stop();
}
