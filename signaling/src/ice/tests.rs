//! Paths found, changed and lost, on a virtual clock.

use std::net::SocketAddr;

use rtc::crypto;

use super::*;
use crate::demux::classify;

const MS: Duration = Duration::from_millis(1);
const OURS: [u8; 4] = [192, 0, 2, 1];

/// An agent and the viewer on the other side of it.
struct World {
    agent: IceAgent,
    asks: Checks,
    nominates: Checks,
    now: Instant,
}

fn credentials(name: &str) -> Credentials {
    Credentials {
        ufrag: name.to_owned(),
        pwd: format!("{name}'s password of 22 bytes"),
    }
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
    let provider = || crypto::default_provider().expect("a crypto provider");
    let now = Instant::now();
    let terms = IceTerms {
        local: credentials("ours"),
        remote: credentials("theirs"),
        role,
        addresses: &[IpAddr::from(OURS)],
        times: IceTimes {
            disconnected: 5000 * MS,
            failed: 20_000 * MS,
        },
        crypto: provider(),
    };
    let viewer = |role| Checks::new(credentials("theirs"), credentials("ours"), role, provider());
    World {
        agent: IceAgent::new(now, terms),
        asks: viewer(Role::Controlled),
        nominates: viewer(Role::Controlling),
        now,
    }
}

fn world() -> World {
    world_of(Role::Controlled)
}

impl World {
    /// The viewer checks a path; gives what it is sent.
    fn check(&mut self, path: Path, nominates: bool) -> Vec<Run> {
        let checks = if nominates {
            &self.nominates
        } else {
            &self.asks
        };
        let (_, bytes) = checks.request(1000).expect("a check");
        assert!(self.agent.receive(self.now, classify(&bytes), path, &bytes));
        self.sent()
    }

    fn sent(&mut self) -> Vec<Run> {
        let mut out = Vec::new();
        self.agent.drain(&mut out);
        out
    }

    /// The viewer answers every check in `sent`.
    fn answer(&mut self, sent: &[Run]) {
        for run in sent {
            if !run.bytes().starts_with(&[0, 1]) {
                continue;
            }
            let request = Checks::decode(run.bytes()).expect("STUN");
            let ours = SocketAddr::new(run.path.local, 8189);
            let bytes = self.asks.answer(&request, ours).expect("an answer");
            let kind = classify(&bytes);
            self.agent.receive(self.now, kind, run.path, &bytes);
        }
    }

    fn connect(&mut self, path: Path) {
        let sent = self.check(path, true);
        self.answer(&sent);
        assert_eq!(self.agent.path(), Some(path));
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
    world.answer(&sent);
    assert_eq!(world.agent.state(), IceState::Up);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn what_is_not_vouched_for_changes_nothing() {
    let mut world = world();
    let provider = crypto::default_provider().expect("a crypto provider");
    let liar = |name| Credentials {
        pwd: "neither one's password".to_owned(),
        ..credentials(name)
    };
    let stranger = Checks::new(liar("theirs"), liar("ours"), Role::Controlling, provider);
    let (_, bytes) = stranger.request(1).expect("a check");
    let kind = classify(&bytes);
    assert!(!world.agent.receive(world.now, kind, udp(1), &bytes));
    assert!(world.sent().is_empty());
    let sent = world.check(udp(1), true);
    let request = Checks::decode(sent[1].bytes()).expect("our check");
    let forged = stranger.answer(&request, udp(1).remote).expect("an answer");
    world
        .agent
        .receive(world.now, classify(&forged), udp(1), &forged);
    let mut elsewhere = sent[1].clone();
    elsewhere.path = udp(2);
    world.answer(&[elsewhere]);
    assert_eq!(world.agent.path(), None, "nor an answer from elsewhere");
}

#[test]
fn the_viewers_addresses_are_checked_and_given_up() {
    let mut world = world();
    world.agent.add_remote(&RemoteCandidate {
        addr: udp(1).remote,
        priority: 5,
    });
    assert_eq!(world.agent.due(world.now), Some(world.now));
    let sent = world.pass(5000 * MS, false);
    assert_eq!(sent, usize::from(CHECKS_MAX));
    world.connect(udp(1));
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
    world.pass(60_000 * MS, true);
    assert_eq!(world.agent.state(), IceState::Up, "it consents");
    world.pass(4900 * MS, false);
    assert_eq!(world.agent.state(), IceState::Up);
    world.pass(2200 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    let sent = world.check(udp(1), false);
    assert_eq!((sent.len(), world.agent.state()), (1, IceState::Up), "back");
    world.pass(24_900 * MS, false);
    assert_eq!(world.agent.state(), IceState::Silent);
    world.pass(200 * MS, false);
    assert_eq!(world.agent.state(), IceState::Failed);
    assert_eq!(world.pass(60_000 * MS, false), 0, "and costs nothing then");
    assert_eq!(world.agent.due(world.now), None);
}

#[test]
fn we_choose_for_a_viewer_that_never_checks() {
    let mut world = world_of(Role::Controlling);
    world.agent.add_remote(&RemoteCandidate {
        addr: udp(1).remote,
        priority: 5,
    });
    world.agent.tick(world.now);
    let sent = world.sent();
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

#[test]
fn a_viewer_that_moves_often_finds_room() {
    let mut world = world();
    for port in 1..1000 {
        world.check(udp(port), false);
    }
    assert!(world.agent.pairs.len() <= PAIRS_MAX);
    assert!(world.agent.outstanding.len() <= OUTSTANDING_MAX);
    world.connect(udp(2000));
}
