//! One slow viewer among fifty: nobody else notices.

use std::time::Duration;

use lossy_link::{Conditions, Link, Queue};
use str0m::media::KeyframeRequestKind;

use crate::client::{Client, Got, run, run_for};
use crate::clip::eprint_line;
use crate::studio::Studio;

const SLOW: Conditions = Conditions {
    loss: lossy_link::Loss::None,
    delay: Duration::from_millis(20),
    jitter: lossy_link::Jitter {
        most: Duration::ZERO,
        keeps_order: true,
    },
    rate_bps: Some(300_000),
    queue: Queue::Time(Duration::from_millis(300)),
};

/// What viewers saw together.
#[derive(Debug)]
struct Seen {
    packets: usize,
    missing: u64,
    p50: Duration,
    p95: Duration,
}

fn seen(clients: &[Client]) -> Seen {
    let mut ages: Vec<Duration> = Vec::new();
    for client in clients {
        ages.extend(client.got.iter().map(|got| got.age));
    }
    ages.sort_unstable();
    let at = |share: f64| ages[(ages.len() as f64 * share) as usize];
    Seen {
        packets: ages.len(),
        missing: clients.iter().map(|client| missing(&client.got)).sum(),
        p50: at(0.5),
        p95: at(0.95),
    }
}

fn missing(got: &[Got]) -> u64 {
    let mut numbers: Vec<u64> = got.iter().map(|got| got.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => last - first + 1 - numbers.len() as u64,
        _ => 0,
    }
}

/// Runs them for a while, the first one asking for keyframes as one whose picture broke does.
fn run_with_requests(clients: &mut [Client], rounds: u32) -> Seen {
    clients.iter_mut().for_each(|client| client.got.clear());
    for _ in 0..rounds {
        clients[0].ask_for_keyframe(KeyframeRequestKind::Pli);
        run_for(clients, Duration::from_millis(500));
    }
    seen(&clients[1..])
}

#[test]
fn one_slow_viewer_among_fifty_is_alone_with_it() {
    let studio = Studio::open();
    let mut clients: Vec<Client> = (0..50).map(|_| Client::joined(&studio)).collect();
    run(&mut clients, "pictures", |clients| {
        clients.iter().all(|client| !client.got.is_empty())
    });
    run_for(&mut clients, Duration::from_millis(500));
    let before = run_with_requests(&mut clients, 6);
    clients[0].path = Some(Link::new(SLOW, 1));
    run_for(&mut clients, Duration::from_millis(500));
    let beside = run_with_requests(&mut clients, 8);
    let path = clients[0].path.as_ref().expect("just put there").counters();
    eprint_line(&format!(
        "without: {before:?}\nbeside a slow one: {beside:?}\nthe slow one: {} packets, {path:?}",
        clients[0].got.len()
    ));
    assert_eq!((before.missing, beside.missing), (0, 0));
    // As many packets a second as before: nothing is held back from anybody.
    let share = beside.packets as f64 / before.packets as f64 / (8.0 / 6.0);
    assert!((0.85..1.15).contains(&share), "{share}");
    // A busy machine wakes everybody late now and then, with or without the slow one.
    let spare = Duration::from_millis(10);
    assert!(beside.p50 <= before.p50 * 2 + spare, "{beside:?}");
    assert!(beside.p95 <= before.p95 * 2 + spare, "{beside:?}");
    let fair = beside.packets / (clients.len() - 1);
    assert!(clients[0].got.len() < fair / 2, "it was slow indeed");
}
