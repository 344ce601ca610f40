//! The booth's threads panic or hang on command; no job is lost, and none is made twice.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::InjectedFault;
use stylise::{MadeBy, State};

use crate::rig::{Rig, Studio, ask, open_gate, png, submit, until, view, wait_at, wait_for};

#[test]
fn a_job_waits_through_a_panic_of_its_stylists_thread() {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let studio = Studio::new(MadeBy::Laptop, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(png([1, 2, 3]))
    });
    let mut rig = Rig::new("panic");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&studio]);
    threads.inject("stylise-laptop", InjectedFault::Panic);
    let job = submit(&booth, "a", "pencil");
    wait_for(&booth, job.id, State::Done);
    assert_eq!(threads.restarts("stylise-laptop"), 1);
    assert_eq!(made.load(Ordering::Relaxed), 1);
    let next = submit(&booth, "b", "pencil");
    wait_for(&booth, next.id, State::Done);
}

#[test]
fn a_thread_that_panics_again_and_again_is_told_and_its_job_is_kept() {
    let studio = Studio::new(MadeBy::Laptop, |_, _| Ok(png([1, 2, 3])));
    let mut rig = Rig::new("panics");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&studio]);
    threads.inject("stylise-laptop", InjectedFault::PanicAlways);
    let job = submit(&booth, "a", "pencil");
    until("it is given up", || {
        let faults = threads.faults(Instant::now());
        let dead = "stylise-laptop panics again after each restart";
        faults.iter().any(|fault| fault.to_string() == dead)
    });
    assert!(!view(&booth, job.id).state.is_over());
    threads.inject("stylise-laptop", InjectedFault::None);
    wait_for(&booth, job.id, State::Done);
}

#[test]
fn the_janitor_erases_after_a_panic() {
    let studio = Studio::new(MadeBy::Laptop, |_, _| Ok(png([1, 2, 3])));
    let mut rig = Rig::new("janitor");
    rig.settings.keep = Duration::from_millis(300);
    let threads = rig.settings.threads.clone();
    threads.inject("stylise-janitor", InjectedFault::Panic);
    let booth = rig.open(&[&studio]);
    booth.submit(ask("a", "pencil")).expect("taken");
    until("a restart", || threads.restarts("stylise-janitor") == 1);
    until("erased", || rig.pictures().is_empty());
}

#[test]
fn threads_that_hang_are_told_and_those_that_wait_for_jobs_are_not() {
    let gate = Arc::new(Mutex::new(false));
    let at = Arc::clone(&gate);
    let studio = Studio::new(MadeBy::Laptop, move |_, desk| {
        wait_at(&at, desk)?;
        Ok(png([1, 2, 3]))
    });
    let mut rig = Rig::new("hang");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&studio]);
    let told = || {
        threads.skip_time(Duration::from_secs(60 * 60));
        let faults = threads.faults(Instant::now());
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // The janitor's next turn is due in a moment; a stylist's may never come.
    until("it waits for jobs", || {
        !told().contains(&"stylise-laptop hangs".to_owned())
    });
    let job = submit(&booth, "a", "pencil");
    until("a job that never ends", || {
        told().contains(&"stylise-laptop hangs".to_owned())
    });
    open_gate(&gate);
    wait_for(&booth, job.id, State::Done);
    threads.inject("stylise-janitor", InjectedFault::Hang);
    until("the janitor", || {
        told().contains(&"stylise-janitor hangs".to_owned())
    });
    threads.inject("stylise-janitor", InjectedFault::None);
    until("it is over", || threads.faults(Instant::now()).is_empty());
}
