use std::sync::mpsc::channel;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// The time limit of every wait: it only ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Checks once a second for this long, from `now` on.
fn look_for(threads: &Threads, now: &mut Instant, seconds: u32) -> Vec<ThreadFault> {
    for _ in 0..seconds {
        *now += SECOND;
        let _ = threads.faults(*now);
    }
    threads.faults(*now)
}

fn hung(thread: &str) -> Vec<ThreadFault> {
    let thread = thread.to_owned();
    let kind = ThreadFaultKind::Hung;
    vec![ThreadFault { thread, kind }]
}

#[test]
fn a_silent_thread_hangs_and_a_resting_or_ended_one_does_not() {
    let (threads, mut now) = (Threads::default(), Instant::now());
    let silent = threads.enter("silent");
    let resting = threads.enter("resting");
    resting.rest();
    drop(threads.enter("left"));
    assert!(look_for(&threads, &mut now, 29).is_empty());
    assert_eq!(look_for(&threads, &mut now, 3), hung("silent"));
    silent.beat(5 * SECOND);
    assert!(look_for(&threads, &mut now, 5).is_empty());
    assert_eq!(look_for(&threads, &mut now, 2), hung("silent"));
}

#[test]
fn threads_do_not_count_as_hung_after_the_process_was_stopped() {
    let (threads, now) = (Threads::default(), Instant::now());
    let _loop = threads.enter("loop");
    assert!(threads.faults(now + 3600 * SECOND).is_empty());
}

#[test]
fn a_panic_restarts_the_body_with_its_state_and_is_counted() {
    let (threads, (said, heard)) = (Threads::default(), channel());
    let mut runs = 0;
    let thread = threads.spawn("worker-3", move |heartbeat| {
        runs += 1;
        said.send((runs, heartbeat.panics_in_a_row()))
            .expect("heard");
        assert!(runs > 2, "the first two runs fail");
    });
    let runs: Vec<_> = (0..3).map(|_| heard.recv_timeout(HANG_TIMEOUT)).collect();
    assert_eq!(runs, [Ok((1, 0)), Ok((2, 1)), Ok((3, 2))]);
    thread.expect("a thread").join().expect("it ends by itself");
    assert_eq!(format!("{threads:?}"), "[]");
    let mut registry = Registry::default();
    threads.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("to a string");
    let restarts = "carrier_thread_restarts_total{thread=\"worker\"} 2";
    assert!(text.contains(restarts), "{text}");
}

#[test]
fn the_end_of_the_program_ends_a_thread_that_waits_for_its_restart() {
    let threads = Threads::default();
    threads.inject("broken", InjectedFault::PanicAlways);
    let thread = threads.spawn("broken", |heartbeat| heartbeat.beat(TURN_MAX));
    threads.end();
    thread.expect("a thread").join().expect("ended");
}

#[test]
fn what_is_injected_strikes_the_named_thread_alone() {
    let (threads, (said, heard)) = (Threads::default(), channel());
    let ends = Arc::new(AtomicU64::new(0));
    for name in ["one", "two"] {
        let (said, ends) = (said.clone(), Arc::clone(&ends));
        let body = move |heartbeat: &Heartbeat| {
            while ends.load(Ordering::Relaxed) == 0 {
                heartbeat.beat(TURN_MAX);
                let _ = said.send(name);
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        threads.spawn(name, body).expect("a thread");
    }
    threads.inject("one", InjectedFault::Hang);
    let until = Instant::now() + HANG_TIMEOUT;
    let mut now = Instant::now();
    // A working loop is at most one turn late; a hanging one stays late.
    loop {
        if look_for(&threads, &mut now, 40).contains(&hung("one")[0]) {
            break;
        }
        assert!(Instant::now() < until, "the hang is seen");
    }
    while heard.try_recv().is_ok() {}
    // One that had just looked for faults may say its name once more.
    let next = (0..20).map(|_| heard.recv_timeout(HANG_TIMEOUT).expect("alive"));
    assert!(next.filter(|name| *name == "one").count() <= 1);
    threads.inject("one", InjectedFault::None);
    while heard.recv_timeout(HANG_TIMEOUT).expect("alive") != "one" {}
    ends.store(1, Ordering::Relaxed);
}
