//! One slow viewer among fifty does not affect the others.

use std::time::{Duration, Instant};

use lossy_link::{Conditions, Link, Queue};
use str0m::media::KeyframeRequestKind;

use crate::client::{Client, run, run_for};
use crate::clip::eprint_line;
use crate::studio::Studio;
use crate::timing::expect_within;

const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_millis(500);
const SETTLE: Duration = Duration::from_millis(150);
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

/// Measurements of the other viewers in one round.
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
        missing: clients.iter().map(Client::missing).sum(),
        p50: at(0.5),
        p95: at(0.95),
    }
}

/// One round, with the first viewer behind a slow path or not. In both cases it requests a keyframe, as a
/// viewer with a broken picture does.
fn round(clients: &mut [Client], path: Option<Conditions>) -> Seen {
    clients[0].path = path.map(|conditions| Link::new(conditions, 1));
    clients[0].request_keyframe(KeyframeRequestKind::Pli);
    run_for(clients, SETTLE);
    clients.iter_mut().for_each(|client| client.got.clear());
    run_for(clients, ROUND);
    run(clients, "packets for the others", |clients| {
        clients[1..].iter().any(|client| !client.got.is_empty())
    });
    seen(&clients[1..])
}

/// The median of the better half of the rounds. A busy machine disturbs some rounds of either kind; a slow
/// viewer that blocks the others would disturb all of its rounds.
fn better_half(rounds: &[Seen]) -> (u64, Duration, Duration) {
    fn middle<T: Ord + Copy>(rounds: &[Seen], of: impl Fn(&Seen) -> T) -> T {
        let mut values: Vec<T> = rounds.iter().map(of).collect();
        values.sort_unstable();
        values[values.len() / 2 - 1]
    }
    (
        middle(rounds, |seen| seen.missing),
        middle(rounds, |seen| seen.p50),
        middle(rounds, |seen| seen.p95),
    )
}

#[test]
fn one_slow_viewer_among_fifty_does_not_affect_the_others() {
    let studio = Studio::open();
    let mut clients: Vec<Client> = (0..50).map(|_| Client::joined(&studio)).collect();
    run(&mut clients, "pictures", |clients| {
        clients.iter().all(|client| !client.got.is_empty())
    });
    let (mut without, mut beside) = (Vec::new(), Vec::new());
    let (mut slow, mut without_for, mut beside_for) = (0, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        without.push(round(&mut clients, None));
        without_for += began.elapsed();
        let began = Instant::now();
        beside.push(round(&mut clients, Some(SLOW)));
        slow += clients[0].got.len();
        beside_for += began.elapsed();
    }
    let packets = |rounds: &[Seen]| rounds.iter().map(|seen| seen.packets).sum::<usize>();
    let (all, all_beside) = (packets(&without), packets(&beside));
    let (without, beside) = (better_half(&without), better_half(&beside));
    eprint_line(&format!(
        "loss, age p50, p95: {without:?} without, {beside:?} beside a slow one; packets of each \
         viewer {} and {}, of the slow one {slow}",
        all / 49,
        all_beside / 49
    ));
    // Packets lost without a slow viewer are lost by the machine.
    assert!(beside.0 <= without.0, "loss");
    let each = |time: Duration, packets: usize| time.div_f64(packets as f64);
    let limit = each(without_for, all).mul_f64(1.25);
    expect_within("from packet to packet", each(beside_for, all_beside), limit);
    let spare = Duration::from_millis(10);
    expect_within("age of a packet, p50", beside.1, without.1 * 2 + spare);
    expect_within("age of a packet, p95", beside.2, without.2 * 2 + spare);
    // The slow path carries some 40 packets a second; the others get 150 on an idle machine.
    assert!(
        slow as f64 <= 60.0 * beside_for.as_secs_f64(),
        "the slow path was effective"
    );
}
