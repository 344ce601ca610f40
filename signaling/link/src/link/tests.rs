use super::*;
use crate::conditions::Jitter;
use crate::loss::Loss;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A datagram that takes 10 ms at 1 Mbit/s.
const BYTES: usize = 1250 - HEADERS_BYTES;
const MBIT: Conditions = Conditions {
    loss: Loss::None,
    delay: Duration::ZERO,
    jitter: Jitter {
        most: Duration::ZERO,
        keeps_order: true,
    },
    rate_bps: Some(1_000_000),
    queue: Queue::Time(ms(50)),
};

struct Fixture {
    link: Link<u64>,
    start: Instant,
}

impl Fixture {
    fn new(conditions: Conditions) -> Self {
        Self {
            link: Link::new(conditions, 1),
            start: Instant::now(),
        }
    }

    fn offer(&mut self, at: Duration, number: u64) {
        self.link.offer(self.start + at, BYTES, number);
    }

    /// The arrivals until `by`, with their times.
    fn drain(&mut self, by: Duration) -> Vec<(Duration, u64)> {
        let (start, end) = (self.start, self.start + by);
        let mut came = Vec::new();
        while let Some(due) = self.link.due().filter(|due| *due <= end) {
            while let Some((at, number)) = self.link.take(due) {
                assert!(at <= due);
                came.push((at - start, number));
            }
        }
        came
    }
}

#[test]
fn the_default_delivers_everything_at_once() {
    let mut fixture = Fixture::new(Conditions::default());
    for number in 0..100 {
        fixture.offer(ms(5), number);
    }
    let came = fixture.drain(ms(5));
    let expected: Vec<_> = (0..100).map(|number| (ms(5), number)).collect();
    assert_eq!(came, expected);
    assert_eq!(fixture.link.due(), None);
    let counters = fixture.link.counters();
    assert_eq!(counters.offered, 100);
    assert_eq!(counters.delivered_bytes, 100 * BYTES as u64);
}

#[test]
fn the_delay_is_exact() {
    let mut fixture = Fixture::new(Conditions {
        delay: ms(40),
        ..Conditions::default()
    });
    fixture.offer(ms(0), 1);
    fixture.offer(ms(3), 2);
    assert_eq!(fixture.link.take(fixture.start + ms(39)), None);
    assert_eq!(fixture.drain(ms(100)), [(ms(40), 1), (ms(43), 2)]);
}

#[test]
fn the_bottleneck_spaces_datagrams_and_its_queue_is_bounded_in_time() {
    let mut fixture = Fixture::new(MBIT);
    for number in 0..20 {
        fixture.offer(ms(0), number);
    }
    // One passes; behind it wait those that start within 50 ms.
    assert_eq!(fixture.link.waiting_time(), Some(ms(60)));
    assert_eq!(fixture.link.waiting_bytes(), 6 * 1250);
    let expected: Vec<_> = (0..6).map(|n| (ms(10 * (n + 1)), n)).collect();
    assert_eq!(fixture.drain(ms(500)), expected);
    assert_eq!(fixture.link.counters().overflowed, 14);
    assert_eq!(fixture.link.waiting_bytes(), 0);
}

#[test]
fn a_queue_bounded_in_bytes_always_passes_one() {
    let mut fixture = Fixture::new(Conditions {
        queue: Queue::Bytes(3 * 1250),
        ..MBIT
    });
    for number in 0..5 {
        fixture.offer(ms(0), number);
    }
    assert_eq!(fixture.drain(ms(500)).len(), 3);
    fixture.link.change(
        fixture.start + ms(500),
        Conditions {
            queue: Queue::Bytes(0),
            ..MBIT
        },
    );
    fixture.offer(ms(600), 9);
    fixture.offer(ms(600), 10);
    assert_eq!(fixture.drain(ms(700)), [(ms(610), 9)]);
}

#[test]
fn throughput_equals_the_rate_under_overload() {
    let mut fixture = Fixture::new(MBIT);
    for number in 0..5000 {
        fixture.offer(ms(2 * number), number);
        fixture.drain(ms(2 * number));
    }
    fixture.drain(ms(10_000));
    assert_eq!(fixture.link.counters().delivered, 1000);
}

#[test]
fn a_randomly_lost_datagram_uses_the_rate() {
    let mut fixture = Fixture::new(Conditions {
        loss: Loss::Random(1.0),
        ..MBIT
    });
    fixture.offer(ms(0), 0);
    fixture.offer(ms(0), 1);
    fixture.link.change(fixture.start + ms(10), MBIT);
    assert_eq!(fixture.drain(ms(100)), [(ms(20), 1)]);
    assert_eq!(fixture.link.counters().lost, 1);
}

#[test]
fn jitter_reorders_only_if_configured() {
    let offer_all = |keeps_order| {
        let mut fixture = Fixture::new(Conditions {
            delay: ms(20),
            jitter: Jitter {
                most: ms(30),
                keeps_order,
            },
            ..Conditions::default()
        });
        for number in 0..200 {
            fixture.offer(ms(number), number);
        }
        fixture.drain(ms(1000))
    };
    let in_order = |came: &[(Duration, u64)]| came.is_sorted_by_key(|(_, number)| *number);
    let (kept, shuffled) = (offer_all(true), offer_all(false));
    assert!(in_order(&kept));
    assert!(!in_order(&shuffled));
    assert_eq!((kept.len(), shuffled.len()), (200, 200));
    for (at, number) in kept.iter().chain(&shuffled) {
        let took = *at - ms(*number);
        assert!((ms(20)..=ms(50)).contains(&took), "{took:?}");
    }
}

#[test]
fn a_change_takes_effect_at_once() {
    let mut fixture = Fixture::new(MBIT);
    for number in 0..6 {
        fixture.offer(ms(0), number);
    }
    assert_eq!(fixture.drain(ms(15)), [(ms(10), 0)]);
    // Removing the limit empties the queue.
    fixture
        .link
        .change(fixture.start + ms(15), Conditions::default());
    let rest: Vec<_> = (1..6).map(|number| (ms(15), number)).collect();
    assert_eq!(fixture.drain(ms(15)), rest);
}

#[test]
fn an_outage_keeps_the_queue_and_delivers_it_afterwards() {
    let outage = Conditions {
        rate_bps: Some(0),
        ..MBIT
    };
    let mut fixture = Fixture::new(outage);
    for number in 0..4 {
        fixture.offer(ms(0), number);
    }
    assert_eq!(fixture.link.due(), None);
    assert_eq!(fixture.link.waiting_time(), None);
    assert_eq!(fixture.drain(ms(5000)), []);
    fixture.link.change(fixture.start + ms(5000), MBIT);
    assert_eq!(fixture.drain(ms(6000)), [(ms(5010), 0)]);
    assert_eq!(fixture.link.counters().overflowed, 3);
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let run = |seed| {
        let mut link = Link::new(
            Conditions {
                loss: Loss::bursts(0.2, 3.0),
                jitter: Jitter {
                    most: ms(10),
                    keeps_order: false,
                },
                ..Conditions::default()
            },
            seed,
        );
        let start = Instant::now();
        for number in 0..100 {
            link.offer(start, 100, number);
        }
        let mut came: Vec<u32> = Vec::new();
        while let Some((_, number)) = link.take(start + ms(10)) {
            came.push(number);
        }
        came
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
