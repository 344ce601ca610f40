//! The conditions that are simulated, each with its goal.

use std::time::Duration;

use lossy_link::{Conditions, Jitter, Loss, Queue};

const MS: Duration = Duration::from_millis(1);

/// A network, and how it changes.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) name: String,
    /// Viewers behind it.
    pub(super) viewers: usize,
    /// Whether these have one bottleneck, else each has such a network of its own.
    pub(super) is_shared: bool,
    /// Time between the joins of two viewers.
    pub(super) joins_apart: Duration,
    /// Viewers on good networks beside them.
    pub(super) others: usize,
    /// Towards the viewers.
    pub(super) down: Conditions,
    /// Other rates, from a time on.
    pub(super) changes: Vec<(Duration, Option<u64>)>,
    pub(super) lasts: Duration,
    /// When a limit goes.
    pub(super) lifts: Option<Duration>,
}

impl Network {
    pub(super) fn of(name: &str, rate_bps: Option<u64>, round_trip_ms: u32, loss: f64) -> Self {
        Self {
            name: format!("{name}, {round_trip_ms} ms, {} %", loss * 100.0),
            viewers: 1,
            is_shared: true,
            joins_apart: Duration::ZERO,
            others: 0,
            down: Conditions {
                loss: if loss > 0.0 {
                    Loss::Random(loss)
                } else {
                    Loss::None
                },
                delay: round_trip_ms * MS / 2,
                rate_bps,
                ..Conditions::default()
            },
            changes: Vec::new(),
            lasts: Duration::from_secs(20),
            lifts: None,
        }
    }

    /// The direction from the viewers: the same delay and loss, and no bottleneck.
    pub(super) fn up(&self) -> Conditions {
        Conditions {
            rate_bps: None,
            ..self.down
        }
    }
}

/// The 24 conditions of `make bench-network`.
pub(super) fn grid() -> Vec<Network> {
    let mut all = Vec::new();
    for (name, rate) in [
        ("free", None),
        ("1 Mbit/s", Some(1_000_000)),
        ("300 kbit/s", Some(300_000)),
    ] {
        for delay in [20, 100] {
            for loss in [0.0, 0.01, 0.05, 0.1] {
                let mut network = Network::of(name, rate, delay, loss);
                if rate == Some(300_000) {
                    network.changes.push((network.lasts, None));
                    network.lifts = Some(network.lasts);
                    network.lasts += Duration::from_secs(12);
                }
                all.push(network);
            }
        }
    }
    all
}

/// Conditions with goals of their own.
pub(super) fn special() -> Vec<Network> {
    let second = Duration::from_secs(1);
    let mut jitter = Network::of("jitter 20 ms, 3 Mbit/s", Some(3_000_000), 40, 0.0);
    jitter.down.jitter = Jitter {
        most: 20 * MS,
        keeps_order: true,
    };
    let mut bursts = Network::of("bursts of 3, 5 %, 3 Mbit/s", Some(3_000_000), 40, 0.0);
    bursts.down.loss = Loss::bursts(0.05, 3.0);
    let mut steps = Network::of("3 Mbit/s, 500 kbit/s, 3 Mbit/s", Some(3_000_000), 40, 0.0);
    steps.changes = vec![(8 * second, Some(500_000)), (20 * second, Some(3_000_000))];
    steps.lasts = 32 * second;
    steps.lifts = Some(20 * second);
    let mut outage = Network::of("outage of 3 s", Some(3_000_000), 40, 0.0);
    outage.changes = vec![(8 * second, Some(0)), (11 * second, Some(3_000_000))];
    outage.lifts = Some(11 * second);
    outage.lasts = 24 * second;
    let mut deep = Network::of("1 Mbit/s with a queue of 1 s", Some(1_000_000), 40, 0.0);
    deep.down.queue = Queue::Time(second);
    let mut shared = Network::of("two viewers, 1.5 Mbit/s", Some(1_500_000), 40, 0.0);
    shared.viewers = 2;
    let mut later = shared.clone();
    later.name = "two viewers, one after the other, 1.5 Mbit/s".to_owned();
    later.joins_apart = 500 * MS;
    let mut among_others = Network::of("1 Mbit/s among others", Some(1_000_000), 40, 0.01);
    among_others.others = 3;
    let two = |round_trip_ms, loss| Network {
        viewers: 2,
        is_shared: false,
        ..Network::of(
            "two viewers, 1 Mbit/s each",
            Some(1_000_000),
            round_trip_ms,
            loss,
        )
    };
    let half = Network::of("500 kbit/s", Some(500_000), 40, 0.0);
    let slowest = Network::of("150 kbit/s", Some(150_000), 40, 0.0);
    let double = Network::of("2 Mbit/s", Some(2_000_000), 40, 0.01);
    vec![
        jitter,
        bursts,
        steps,
        outage,
        deep,
        shared,
        later,
        among_others,
        two(20, 0.0),
        two(20, 0.05),
        two(100, 0.0),
        two(100, 0.05),
        half,
        slowest,
        double,
    ]
}
