//! Sessions that come and go leave no memory, descriptors or threads behind.
//!
//! Measured in a separate process, because other tests have allocations of their own. The long run:
//! `cargo test --workspace --test it -- --ignored --exact churn::three_thousand_sessions_leave_nothing`.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use signaling::{EngineConfig, RenditionId};

use crate::client::{Client, run};
use crate::clip::eprint_line;
use crate::studio::{Studio, eventually};

const SESSIONS: &str = "CARRIER_TEST_CHURN_SESSIONS";
const WAVE: usize = 25;
/// Waves until the vanished viewers have timed out. The number held at the same time is thus constant,
/// which matters because an allocator keeps its peak.
const WAVES_AT_ONCE: usize = 2;
/// Sessions after which caches are filled.
const WARM_UP: usize = 100;

#[test]
fn three_hundred_sessions_leave_nothing() {
    in_a_process_of_its_own(300);
}

#[test]
#[ignore = "takes minutes"]
fn three_thousand_sessions_leave_nothing() {
    in_a_process_of_its_own(3000);
}

fn in_a_process_of_its_own(sessions: usize) {
    let itself = std::env::current_exe().expect("this test's own program");
    let ended = Command::new(itself)
        .args(["--exact", "churn::sessions_leave_nothing", "--ignored"])
        .arg("--nocapture")
        .env(SESSIONS, sessions.to_string())
        .status()
        .expect("it starts");
    assert!(ended.success(), "see its output above");
}

#[test]
#[ignore = "started by the others here, in a process of its own"]
fn sessions_leave_nothing() {
    let Ok(sessions) = std::env::var(SESSIONS) else {
        return;
    };
    let sessions: usize = sessions.parse().expect("a number");
    let studio = Studio::with(EngineConfig {
        // Short, but longer than a busy machine delays a whole wave.
        silent_after: Duration::from_millis(1500),
        lost_after: Duration::from_millis(1000),
        connect_within: Duration::from_secs(10),
        ..EngineConfig::default()
    });
    let start = Instant::now();
    let mut before = None;
    for done in (0..sessions).step_by(WAVE * WAVES_AT_ONCE) {
        if done >= WARM_UP && before.is_none() {
            before = Some(resources(&studio));
        }
        for _ in 0..WAVES_AT_ONCE {
            come_and_go(&studio);
        }
        eventually("all are gone", || studio.metrics.viewers.get() == 0);
    }
    let (before, after) = (before.expect("more than the first"), resources(&studio));
    eprint_line(&format!(
        "{sessions} sessions in {:?}: after {WARM_UP} {before:?}, in the end {after:?}",
        start.elapsed()
    ));
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(after.threads, before.threads);
    let most = before.resident_kb + before.resident_kb / 20;
    assert!(after.resident_kb <= most, "at most {most} kB");
    let mut again = [Client::joined(&studio)];
    run(&mut again, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
}

/// A third leaves by DELETE, a third by a DTLS close, a third vanishes.
fn come_and_go(studio: &Studio) {
    let mut wave: Vec<Client> = (0..WAVE).map(|_| Client::joined(studio)).collect();
    run(&mut wave, "pictures", |wave| {
        wave.iter().all(|client| !client.got.is_empty())
    });
    for (index, client) in wave.iter_mut().enumerate() {
        match index % 3 {
            0 => {
                let location = client.location.as_deref().expect("joined");
                assert_eq!(studio.delete(location).status, 200);
            }
            1 => client.close(),
            _ => {}
        }
    }
}

/// Resources of the process without viewers.
#[derive(Debug)]
struct Resources {
    resident_kb: u64,
    descriptors: usize,
    threads: usize,
}

fn resources(studio: &Studio) -> Resources {
    assert_eq!(studio.demand.viewers(RenditionId::MAIN), 0);
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = resident.and_then(|text| text.trim().strip_suffix(" kB"));
    let entries = |folder| fs::read_dir(folder).expect("Linux").count();
    Resources {
        resident_kb: kb.and_then(|kb| kb.parse().ok()).expect("a number"),
        descriptors: entries("/proc/self/fd"),
        threads: entries("/proc/self/task"),
    }
}
