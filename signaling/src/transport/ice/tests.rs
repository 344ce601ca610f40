//! Paths validated, nominated and lost, on a virtual clock.

mod hostile;
mod roles;

use std::net::SocketAddr;

use rtc::crypto;

use super::check::ROLE_CONFLICT;
use super::pair::{CHECKS_MAX, CONSENT_LIFETIME};
use super::*;
use crate::transport::stun::{Class, Message, is_check};

const MS: Duration = Duration::from_millis(1);
const OURS: [u8; 4] = [192, 0, 2, 1];
/// Size of the offer.
const OFFER_BYTES: usize = 2000;

/// An agent and the viewer on its other side.
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
    let names = CheckCredentials {
        local: local.clone(),
        remote: remote.ufrag.clone(),
    };
    let provider = crypto::default_provider().expect("a crypto provider");
    Checks::new(Arc::new(names), remote.clone(), role, provider)
}

fn path(protocol: TransportProtocol, port: u16) -> Path {
    Path {
        protocol,
        local: IpAddr::from(OURS),
        remote: SocketAddr::from(([198, 51, 100, 7], port)),
    }
}

fn udp(port: u16) -> Path {
    path(TransportProtocol::Udp, port)
}

fn world_of(role: Role) -> World {
    let now = Instant::now();
    let (ours, theirs) = (credentials("ours"), credentials("theirs"));
    let config = IceConfig {
        names: Arc::new(CheckCredentials {
            local: ours.clone(),
            remote: theirs.ufrag.clone(),
        }),
        remote: theirs.clone(),
        role,
        addresses: &[IpAddr::from(OURS)],
        times: IceTimeouts {
            disconnected: 7000 * MS,
            failed: 20_000 * MS,
        },
        request_bytes: OFFER_BYTES,
        crypto: crypto::default_provider().expect("a crypto provider"),
    };
    World {
        agent: IceAgent::new(now, config),
        viewer: checks(&theirs, &ours, role.other()),
        now,
    }
}

fn world() -> World {
    world_of(Role::Controlled)
}

impl World {
    /// The viewer checks a path; returns what the agent sends.
    fn check(&mut self, path: Path, nominates: bool) -> Vec<Run> {
        let (_, bytes) = self.viewer.request(1000, nominates).expect("a check");
        assert_ne!(self.take(&bytes, path), StunResult::Unauthenticated);
        self.sent()
    }

    fn take(&mut self, bytes: &[u8], path: Path) -> StunResult {
        let message = Message::parse(bytes).expect("STUN");
        self.agent.receive(self.now, &message, path)
    }

    fn sent(&mut self) -> Vec<Run> {
        let mut out = Vec::new();
        self.agent.drain(&mut out);
        out
    }

    /// The viewer answers every check in `sent`; returns the result of the last.
    fn answer(&mut self, sent: &[Run]) -> StunResult {
        let mut received = StunResult::Unauthenticated;
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
        // Leave the pacing interval, so that the next check is sent at once.
        self.now += PACE;
    }

    /// Passes `time` in steps of 100 ms; the viewer answers if `there`. Returns the datagrams sent.
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
fn a_nomination_before_our_check_is_answered_counts() {
    let mut world = world();
    let sent = world.check(udp(1), true);
    assert_eq!(sent.len(), 2, "a response, and a triggered check");
    assert_eq!(world.agent.state(), IceState::Checking);
    assert_eq!(
        world.agent.best_path(world.now),
        None,
        "no other path works"
    );
    assert_eq!(world.answer(&sent), StunResult::Validated);
    assert_eq!(world.agent.state(), IceState::Up);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn the_round_trip_is_that_of_the_fastest_check_on_the_selected_path() {
    let mut world = world();
    let sent = world.check(udp(1), true);
    assert_eq!(world.agent.round_trip(), None, "no answer yet");
    world.now += 30 * MS;
    world.answer(&sent);
    assert_eq!(world.agent.round_trip(), Some(30 * MS));
    // Checks of consent are answered at once.
    world.pass(Duration::from_secs(10), true);
    assert_eq!(world.agent.round_trip(), Some(Duration::ZERO));
}

#[test]
fn a_lost_check_is_retransmitted_with_exponential_back_off() {
    let mut world = world();
    world.check(udp(1), true);
    let mut at = Vec::new();
    for tenth in 1..700 {
        world.now += 100 * MS;
        world.agent.tick(world.now);
        at.extend(world.sent().iter().map(|_| tenth));
    }
    // 500 ms, then doubled each time; 27 s without a packet end it.
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
    assert_eq!(sent, [2, 1, 1, 1], "responses at once, one triggered check");
    let mut checks = Vec::new();
    for ms in 1..=20 {
        world.now += MS;
        world.agent.tick(world.now);
        checks.extend(world.sent().iter().map(|_| ms));
    }
    assert_eq!(checks, [5, 10, 15]);
}

#[test]
fn a_better_pair_is_selected_at_once_and_a_worse_one_when_the_nomination_is_stale() {
    let mut world = world();
    let tcp = path(TransportProtocol::Tcp, 9);
    world.connect(tcp);
    world.connect(udp(1));
    let sent = world.check(tcp, true);
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)), "its nomination is fresh");
    world.now += NOMINATION_STALE;
    world.check(tcp, true);
    assert_eq!(world.agent.path(), Some(tcp), "its nomination is stale");
}

#[test]
fn a_path_without_fresh_consent_is_checked_before_use() {
    let mut world = world();
    world.connect(udp(1));
    let sent = world.check(udp(2), true);
    assert_eq!(world.answer(&sent), StunResult::Validated);
    assert_eq!(world.agent.path(), Some(udp(1)), "same priority");
    world.now += NOMINATION_STALE;
    world.check(udp(2), true);
    assert_eq!(world.agent.path(), Some(udp(2)));
    world.pass(CONSENT_LIFETIME, true);
    // A consent check may just have been sent.
    world.now += PACE;
    let sent = world.check(udp(1), true);
    assert_eq!(
        world.agent.path(),
        Some(udp(2)),
        "not before it is answered"
    );
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn when_a_path_ends_another_nominated_one_is_selected() {
    let mut world = world();
    let tcp = path(TransportProtocol::Tcp, 9);
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
fn silence_is_detected_and_fails_within_30_s() {
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
    assert_eq!(
        world.pass(60_000 * MS, false),
        0,
        "a failed agent sends nothing"
    );
    assert_eq!(world.agent.due(), None);
}

#[test]
fn a_viewer_that_is_heard_again_recovers() {
    let mut world = world();
    world.connect(udp(1));
    world.pass(9000 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    let sent = world.check(udp(1), false);
    assert_eq!((sent.len(), world.agent.state()), (1, IceState::Up));
}

#[test]
fn consent_is_checked_every_four_to_six_seconds() {
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
    assert!(
        gaps.iter().any(|gap| *gap != gaps[0]),
        "intervals are randomised"
    );
    assert_eq!(world.agent.state(), IceState::Up);
}

#[test]
fn only_responses_renew_consent() {
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
        "30 s without a response"
    );
    assert_eq!(world.agent.best_path(world.now), None);
}

#[test]
fn a_suspended_process_is_not_silence_of_the_viewer() {
    let mut world = world();
    world.connect(udp(1));
    world.pass(2000 * MS, true);
    world.now += 10_000 * MS;
    world.agent.resume(world.now, 10_000 * MS);
    world.agent.tick(world.now);
    assert_eq!(world.agent.state(), IceState::Up);
    let sent = world.sent();
    assert_eq!(sent.len(), 1, "a consent check at once");
    world.answer(&sent);
    world.now += 60_000 * MS;
    world.agent.resume(world.now, 60_000 * MS);
    world.agent.tick(world.now);
    assert_eq!(
        world.agent.state(),
        IceState::Failed,
        "consent expires after 30 s, suspended or not"
    );
}

#[test]
fn pairs_are_bounded_and_the_selected_one_is_kept() {
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
        "unproven pairs evict nothing"
    );
}
