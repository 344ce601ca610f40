//! The booth's threads panic or hang on command; no job is lost or repeated.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::InjectedFault;
use stylise::{MadeBy, State};

use crate::rig::{
    FakeStylist, Rig, ask, open_gate, png, submit, until, view, wait_for, wait_for_gate,
};

#[test]
fn a_job_survives_a_panic_of_its_worker() {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(png([1, 2, 3]))
    });
    let mut rig = Rig::new("panic");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&stylist]);
    threads.inject("stylise-laptop", InjectedFault::Panic);
    let job = submit(&booth, "a", "pencil");
    wait_for(&booth, job.id, State::Done);
    assert_eq!(threads.restarts("stylise-laptop"), 1);
    assert_eq!(made.load(Ordering::Relaxed), 1);
    let next = submit(&booth, "b", "pencil");
    wait_for(&booth, next.id, State::Done);
}

#[test]
fn repeated_panics_are_reported_and_the_job_is_kept() {
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 2, 3])));
    let mut rig = Rig::new("panics");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&stylist]);
    threads.inject("stylise-laptop", InjectedFault::PanicAlways);
    let job = submit(&booth, "a", "pencil");
    until("the fault is reported", || {
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
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 2, 3])));
    let mut rig = Rig::new("janitor");
    rig.settings.keep = Duration::from_millis(300);
    let threads = rig.settings.threads.clone();
    threads.inject("stylise-janitor", InjectedFault::Panic);
    let booth = rig.open(&[&stylist]);
    booth.submit(ask("a", "pencil")).expect("taken");
    until("a restart", || threads.restarts("stylise-janitor") == 1);
    until("erased", || rig.pictures().is_empty());
}

#[test]
fn hanging_threads_are_reported_and_idle_ones_are_not() {
    let gate = Arc::new(Mutex::new(false));
    let at = Arc::clone(&gate);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, context| {
        wait_for_gate(&at, context)?;
        Ok(png([1, 2, 3]))
    });
    let mut rig = Rig::new("hang");
    let threads = rig.settings.threads.clone();
    let booth = rig.open(&[&stylist]);
    let told = || {
        threads.skip_time(Duration::from_secs(60 * 60));
        let faults = threads.faults(Instant::now());
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // The janitor's next turn is due soon; a worker may wait forever.
    until("it waits for jobs", || {
        !told().contains(&"stylise-laptop hangs".to_owned())
    });
    let job = submit(&booth, "a", "pencil");
    until("the worker hangs", || {
        told().contains(&"stylise-laptop hangs".to_owned())
    });
    open_gate(&gate);
    wait_for(&booth, job.id, State::Done);
    threads.inject("stylise-janitor", InjectedFault::Hang);
    until("the janitor hangs", || {
        told().contains(&"stylise-janitor hangs".to_owned())
    });
    threads.inject("stylise-janitor", InjectedFault::None);
    until("no fault is left", || {
        threads.faults(Instant::now()).is_empty()
    });
}
