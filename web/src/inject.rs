//! Faults on command, for the tests of the whole program. Compiled only where debug assertions are on.
//!
//! The file that `CARRIER_INJECT` names has a fault a line, `THREAD panic|panic-always|hang|none`, or
//! `time SECONDS` to let time pass for the heartbeats. It is removed once it was read.

use std::path::Path;
use std::thread;
use std::time::Duration;

use capture::{InjectedFault, Threads};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Reads the file once before this returns, and again whenever there is one.
pub(crate) fn watch(threads: &Threads) {
    let Some(file) = std::env::var_os("CARRIER_INJECT") else {
        return;
    };
    let threads = threads.clone();
    take(file.as_ref(), &threads);
    thread::spawn(move || {
        loop {
            thread::sleep(LOOK_EVERY);
            take(file.as_ref(), &threads);
        }
    });
}

fn take(file: &Path, threads: &Threads) {
    let Ok(text) = std::fs::read_to_string(file) else {
        return;
    };
    let _ = std::fs::remove_file(file);
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("time", seconds)) => {
                let seconds = seconds.parse().expect("seconds");
                threads.skip_time(Duration::from_secs(seconds));
            }
            Some((thread, fault)) => threads.inject(thread, named(fault)),
            None => panic!("`{line}` is no fault"),
        }
    }
}

fn named(fault: &str) -> InjectedFault {
    match fault {
        "panic" => InjectedFault::Panic,
        "panic-always" => InjectedFault::PanicAlways,
        "hang" => InjectedFault::Hang,
        "none" => InjectedFault::None,
        other => panic!("there is no fault called `{other}`"),
    }
}
