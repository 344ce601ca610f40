//! Paths found, changed and lost, on a virtual clock.

mod hostile;
mod roles;

use std::net::SocketAddr;

use rtc::crypto;

use super::check::ROLE_CONFLICT;
use super::pair::{CHECKS_MAX, CONSENT_LASTS};
use super::*;
use crate::transport::stun::{Class, Message, is_check};

const MS: Duration = Duration::from_millis(1);
const OURS: [u8; 4] = [192, 0, 2, 1];
/// What the offer brought.
const BROUGHT_BYTES: usize = 2000;

/// An agent and the viewer on the other side of it.
struct World {
    agent: IceAgent,
    viewer: Checks,
    now: Instant,
}

fn credentials(name: &str) -> Credentials {
    Credentials {
        ufrag: name.to_owned(),
        pwd: format!("{name}'s password of 22 bytes"),
    }
}

fn checks(local: &Credentials, remote: &Credentials, role: Role) -> Checks {
    let names = CheckNames {
        local: local.clone(),
        remote: remote.ufrag.clone(),
    };
    let provider = crypto::default_provider().expect("a crypto provider");
    Checks::new(Arc::new(names), remote.clone(), role, provider)
}

fn path(carriage: Carriage, port: u16) -> Path {
    Path {
        carriage,
        local: IpAddr::from(OURS),
        remote: SocketAddr::from(([198, 51, 100, 7], port)),
    }
}

fn udp(port: u16) -> Path {
    path(Carriage::Udp, port)
}

fn world_of(role: Role) -> World {
    let now = Instant::now();
    let (ours, theirs) = (credentials("ours"), credentials("theirs"));
    let terms = IceTerms {
        names: Arc::new(CheckNames {
            local: ours.clone(),
            remote: theirs.ufrag.clone(),
        }),
        remote: theirs.clone(),
        role,
        addresses: &[IpAddr::from(OURS)],
        times: IceTimes {
            disconnected: 7000 * MS,
            failed: 20_000 * MS,
        },
        brought_bytes: BROUGHT_BYTES,
        crypto: crypto::default_provider().expect("a crypto provider"),
    };
    World {
        agent: IceAgent::new(now, terms),
        viewer: checks(&theirs, &ours, role.other()),
        now,
    }
}

fn world() -> World {
    world_of(Role::Controlled)
}

impl World {
    /// The viewer checks a path; gives what it is sent.
    fn check(&mut self, path: Path, nominates: bool) -> Vec<Run> {
        let (_, bytes) = self.viewer.request(1000, nominates).expect("a check");
        assert_ne!(self.take(&bytes, path), Received::Foreign);
        self.sent()
    }

    fn take(&mut self, bytes: &[u8], path: Path) -> Received {
        let message = Message::parse(bytes).expect("STUN");
        self.agent.receive(self.now, &message, path)
    }

    fn sent(&mut self) -> Vec<Run> {
        let mut out = Vec::new();
        self.agent.drain(&mut out);
        out
    }

    /// The viewer answers every check in `sent`; gives what came of the last.
    fn answer(&mut self, sent: &[Run]) -> Received {
        let mut received = Received::Foreign;
        for run in sent.iter().filter(|run| is_check(run.bytes())) {
            let request = Message::parse(run.bytes()).expect("STUN");
            let ours = SocketAddr::new(run.path.local, 8189);
            let bytes = self.viewer.answer(&request, ours).expect("an answer");
            received = self.take(&bytes, run.path);
        }
        received
    }

    fn connect(&mut self, path: Path) {
        let sent = self.check(path, true);
        self.answer(&sent);
        assert_eq!(self.agent.path(), Some(path));
        // The next check need not wait for its turn.
        self.now += PACE;
    }

    /// Passes `time` in steps of at most 100 ms; the viewer answers if it is `there`.
    fn pass(&mut self, time: Duration, there: bool) -> usize {
        let (end, mut sent) = (self.now + time, 0);
        while self.now < end {
            self.now += 100 * MS;
            self.agent.tick(self.now);
            let out = self.sent();
            sent += out.len();
            if there {
                self.answer(&out);
            }
        }
        sent
    }
}

#[test]
fn a_nomination_that_comes_before_our_check_is_answered_counts() {
    let mut world = world();
    let sent = world.check(udp(1), true);
    assert_eq!(sent.len(), 2, "an answer, and a check of ours");
    assert_eq!(world.agent.state(), IceState::Checking);
    assert_eq!(
        world.agent.best_path(world.now),
        None,
        "nothing else goes there yet"
    );
    assert_eq!(world.answer(&sent), Received::Proof);
    assert_eq!(world.agent.state(), IceState::Up);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn a_lost_check_is_repeated_in_the_pace_of_the_rfc() {
    let mut world = world();
    world.check(udp(1), true);
    let mut at = Vec::new();
    for tenth in 1..700 {
        world.now += 100 * MS;
        world.agent.tick(world.now);
        at.extend(world.sent().iter().map(|_| tenth));
    }
    // 500 ms, then twice as long each time; 27 s without a word end it.
    assert_eq!(at, [5, 15, 35, 75, 155]);
    assert_eq!(world.agent.state(), IceState::Failed);
    assert!(at.len() < CHECKS_MAX as usize);
}

#[test]
fn checks_are_paced() {
    let mut world = world();
    let sent: Vec<usize> = (1..=4)
        .map(|port| world.check(udp(port), false).len())
        .collect();
    assert_eq!(sent, [2, 1, 1, 1], "answers at once, one check of ours");
    let mut checks = Vec::new();
    for ms in 1..=20 {
        world.now += MS;
        world.agent.tick(world.now);
        checks.extend(world.sent().iter().map(|_| ms));
    }
    assert_eq!(checks, [5, 10, 15]);
}

#[test]
fn a_newer_nomination_moves_the_viewer_and_a_better_path_at_once() {
    let mut world = world();
    let tcp = path(Carriage::Tcp, 9);
    world.connect(tcp);
    world.connect(udp(1));
    let sent = world.check(tcp, true);
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)), "the worse one was fresh");
    world.now += NOMINATION_STALE;
    world.check(tcp, true);
    assert_eq!(world.agent.path(), Some(tcp), "it left the better one");
}

#[test]
fn a_path_of_long_ago_is_proven_anew_before_it_is_used() {
    let mut world = world();
    world.connect(udp(1));
    let sent = world.check(udp(2), true);
    assert_eq!(world.answer(&sent), Received::Proof);
    assert_eq!(world.agent.path(), Some(udp(1)), "as good as the other");
    world.now += NOMINATION_STALE;
    world.check(udp(2), true);
    assert_eq!(world.agent.path(), Some(udp(2)));
    world.pass(CONSENT_LASTS, true);
    // A check for consent may just have been sent.
    world.now += PACE;
    let sent = world.check(udp(1), true);
    assert_eq!(
        world.agent.path(),
        Some(udp(2)),
        "not before it has answered"
    );
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn a_path_that_ends_gives_way_to_another_that_was_wanted() {
    let mut world = world();
    let tcp = path(Carriage::Tcp, 9);
    world.connect(tcp);
    world.connect(udp(1));
    world.agent.close_path(world.now, udp(1));
    assert_eq!(
        (world.agent.path(), world.agent.state()),
        (Some(tcp), IceState::Up)
    );
    world.agent.close_path(world.now, tcp);
    assert_eq!(
        (world.agent.path(), world.agent.state()),
        (None, IceState::Silent)
    );
    world.connect(udp(2));
    assert_eq!(world.agent.state(), IceState::Up);
}

#[test]
fn silence_is_noticed_and_a_dead_viewer_is_given_up_within_30_s() {
    let mut world = world();
    world.connect(udp(1));
    world.pass(6900 * MS, false);
    assert_eq!(world.agent.state(), IceState::Up);
    world.pass(200 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    world.pass(19_800 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    world.pass(200 * MS, false);
    assert_eq!(world.agent.state(), IceState::Failed);
    assert_eq!(world.pass(60_000 * MS, false), 0, "and costs nothing then");
    assert_eq!(world.agent.due(), None);
}

#[test]
fn a_viewer_that_is_heard_again_goes_on() {
    let mut world = world();
    world.connect(udp(1));
    world.pass(9000 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    let sent = world.check(udp(1), false);
    assert_eq!((sent.len(), world.agent.state()), (1, IceState::Up));
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds() {
    let mut world = world();
    world.connect(udp(1));
    let (mut asked_at, mut gaps) = (world.now - PACE, Vec::new());
    for _ in 0..3000 {
        world.now += 100 * MS;
        world.agent.tick(world.now);
        let sent = world.sent();
        if !sent.is_empty() {
            gaps.push(world.now - asked_at);
            asked_at = world.now;
        }
        world.answer(&sent);
    }
    assert!(gaps.len() >= 45, "{}", gaps.len());
    let fits = |gap: &Duration| (4000 * MS..=6200 * MS).contains(gap);
    assert!(gaps.iter().all(fits), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap != gaps[0]), "at random");
    assert_eq!(world.agent.state(), IceState::Up);
}

#[test]
fn only_answers_are_consent() {
    let mut world = world();
    world.connect(udp(1));
    for _ in 0..15 {
        world.pass(2000 * MS, false);
        let state = world.agent.state();
        if state == IceState::Failed {
            break;
        }
        world.check(udp(1), false);
        world.agent.heard(world.now, udp(1));
    }
    assert_eq!(
        world.agent.state(),
        IceState::Failed,
        "30 s without an answer"
    );
    assert_eq!(world.agent.best_path(world.now), None);
}

#[test]
fn a_pause_of_our_own_is_nobodys_silence() {
    let mut world = world();
    world.connect(udp(1));
    world.pass(2000 * MS, true);
    world.now += 10_000 * MS;
    world.agent.resume(world.now, 10_000 * MS);
    world.agent.tick(world.now);
    assert_eq!(world.agent.state(), IceState::Up);
    let sent = world.sent();
    assert_eq!(sent.len(), 1, "consent is asked for at once");
    world.answer(&sent);
    world.now += 60_000 * MS;
    world.agent.resume(world.now, 60_000 * MS);
    world.agent.tick(world.now);
    assert_eq!(
        world.agent.state(),
        IceState::Failed,
        "consent lasts 30 s, paused or not"
    );
}

#[test]
fn a_viewer_that_moves_often_finds_room() {
    let mut world = world();
    for port in 1..100 {
        world.now += NOMINATION_STALE;
        world.connect(udp(port));
    }
    for port in 100..1000 {
        world.check(udp(port), false);
    }
    assert!(world.agent.pairs.len() <= PAIRS_MAX);
    assert!(world.agent.outstanding.len() <= OUTSTANDING_MAX);
    assert_eq!(
        world.agent.path(),
        Some(udp(99)),
        "strangers push nothing out"
    );
}
