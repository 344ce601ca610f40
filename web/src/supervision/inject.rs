//! Fault injection for tests of the whole program, compiled with debug assertions only.
//!
//! The file that `CARRIER_INJECT` names has one fault per line, `THREAD panic|panic-always|hang|none`,
//! `time SECONDS` to advance the clock of the heartbeats, or `suspend SECONDS` as if the machine had been suspended. It
//! is removed after reading.

use std::path::Path;
use std::thread;
use std::time::Duration;

use capture::{InjectedFault, Threads};

use crate::{environment, power};

const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Reads the file once before it returns, and then whenever it appears.
pub(crate) fn watch(threads: &Threads) {
    let Some(file) = environment::fault_injection_file() else {
        return;
    };
    let threads = threads.clone();
    take(&file, &threads);
    thread::spawn(move || {
        loop {
            thread::sleep(CHECK_INTERVAL);
            take(&file, &threads);
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
            Some(("suspend", seconds)) => {
                power::inject_suspension(seconds.parse().expect("seconds"));
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
