//! Targets for STUN messages, also of a viewer that knows the password.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rtc::crypto::{self, RTCCryptoProvider};

use super::input::{byte, chunk};
use crate::sdp::Credentials;
use crate::transport::ice::{CheckCredentials, IceAgent, IceConfig, IceTimeouts, Role};
use crate::transport::runs::{Path, Run, TransportProtocol};
use crate::transport::stun::{
    Class, Draft, HEADER_BYTES, ICE_CONTROLLED, ICE_CONTROLLING, Message, PRIORITY, USE_CANDIDATE,
    USERNAME, is_check,
};

const STEPS_MAX: usize = 64;
const ATTRIBUTES_MAX: usize = 16;
const OFFER_BYTES: usize = 1500;
const HEADERS_BYTES: usize = 28;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const FINGERPRINT: u16 = 0x8028;
const FINGERPRINT_ATTRIBUTE_BYTES: usize = 8;

static PROVIDER: LazyLock<Arc<dyn RTCCryptoProvider>> =
    LazyLock::new(|| crypto::default_provider().expect("a crypto provider"));

/// The first byte selects one of three tests.
pub(super) fn stun(mut data: &[u8]) {
    match byte(&mut data) % 3 {
        0 => read(data),
        1 => write(data),
        _ => scenario(data),
    }
}

/// Parses any bytes.
fn read(data: &[u8]) {
    let Some(message) = Message::parse(data) else {
        return;
    };
    assert_eq!(message.length(), data.len());
    assert!(!message.is_authentic("an unknown password", PROVIDER.crypto()));
    assert!(message.unknown().count() <= 4);
    let _ = (
        message.user_name(),
        message.priority(),
        message.error_code(),
    );
    let _ = (message.nominates(), message.tie_breaker(ICE_CONTROLLING));
}

/// Any attributes, signed: authentic as they are, and not with any bit flipped.
fn write(mut data: &[u8]) {
    let (pwd, bit) = ("a password of 22 bytes", usize::from(byte(&mut data)) * 7);
    let mut draft = Draft::new(Class::Request, [byte(&mut data); 12]);
    for _ in 0..ATTRIBUTES_MAX {
        if data.is_empty() {
            break;
        }
        let kind = u16::from_be_bytes([byte(&mut data), byte(&mut data)]);
        if kind != MESSAGE_INTEGRITY && kind != FINGERPRINT {
            draft = draft.with(kind, chunk(&mut data));
        }
    }
    let Some(mut sealed) = draft.seal(pwd, PROVIDER.crypto()) else {
        return;
    };
    let authentic = |bytes: &[u8]| {
        Message::parse(bytes).is_some_and(|message| message.is_authentic(pwd, PROVIDER.crypto()))
    };
    assert!(authentic(&sealed));
    // FINGERPRINT follows the integrity and is not protected by it (RFC 8489 14.7).
    let bit = bit % ((sealed.len() - FINGERPRINT_ATTRIBUTE_BYTES) * 8);
    sealed[bit / 8] ^= 1 << (bit % 8);
    assert!(!authentic(&sealed), "bit {bit}");
}

/// A hostile viewer with valid credentials.
fn scenario(mut data: &[u8]) {
    let mut scenario = IceScenario::new();
    for _ in 0..STEPS_MAX {
        if data.is_empty() {
            break;
        }
        let (what, who) = (byte(&mut data), byte(&mut data));
        match what % 4 {
            0 => scenario.check(path(who), byte(&mut data)),
            1 => scenario.answer(path(who), byte(&mut data)),
            2 => scenario.pass(who),
            _ => scenario.receive(path(who), chunk(&mut data)),
        }
        scenario.check_invariants();
    }
}

fn path(who: u8) -> Path {
    Path {
        protocol: TransportProtocol::Udp,
        local: IpAddr::from([192, 0, 2, 1]),
        remote: SocketAddr::from(([198, 51, 100, 7], 5000 + u16::from(who))),
    }
}

struct IceScenario {
    agent: IceAgent,
    ours: Credentials,
    theirs: Credentials,
    now: Instant,
    /// Checks sent to the viewer.
    asked: Vec<Run>,
    proven: HashSet<Path>,
    request_bytes: usize,
    unproven_bytes: usize,
}

impl IceScenario {
    fn new() -> Self {
        let side = |name: &str| Credentials {
            ufrag: name.to_owned(),
            pwd: format!("{name}'s password of 22 bytes"),
        };
        let (ours, theirs) = (side("ours"), side("theirs"));
        let now = Instant::now();
        let config = IceConfig {
            names: Arc::new(CheckCredentials {
                local: ours.clone(),
                remote: theirs.ufrag.clone(),
            }),
            remote: theirs.clone(),
            role: Role::Controlled,
            addresses: &[IpAddr::from([192, 0, 2, 1])],
            times: IceTimeouts {
                disconnected: Duration::from_secs(7),
                failed: Duration::from_secs(20),
            },
            request_bytes: OFFER_BYTES,
            crypto: Arc::clone(&PROVIDER),
        };
        Self {
            agent: IceAgent::new(now, config),
            ours,
            theirs,
            now,
            asked: Vec::new(),
            proven: HashSet::new(),
            request_bytes: OFFER_BYTES,
            unproven_bytes: 0,
        }
    }

    fn check(&mut self, path: Path, how: u8) {
        let mut draft = Draft::new(Class::Request, [how; 12])
            .with(USERNAME, b"ours:theirs")
            .with(PRIORITY, &[how; 4]);
        if how & 1 != 0 {
            draft = draft.with(USE_CANDIDATE, &[]);
        }
        if how & 2 != 0 {
            draft = draft.with(ICE_CONTROLLED, &[how; 8]);
        }
        if how & 4 != 0 {
            draft = draft.with(ICE_CONTROLLING, &[how; 8]);
        }
        if how & 24 == 24 {
            draft = draft.with(0x7abc, &[]);
        }
        if let Some(sealed) = draft.seal(&self.ours.pwd, PROVIDER.crypto()) {
            self.receive(path, &sealed);
        }
    }

    /// Answers the newest check, correctly or not, from its path or another.
    fn answer(&mut self, other: Path, how: u8) {
        let Some(asked) = self.asked.pop() else {
            return;
        };
        let transaction = asked.bytes()[8..HEADER_BYTES].try_into().expect("a header");
        let path = if how & 1 == 0 { asked.path } else { other };
        let draft = if how & 2 == 0 {
            Draft::new(Class::Success, transaction).with_mapped_address(path.remote)
        } else {
            Draft::new(Class::Error, transaction).with_error(487, "Role Conflict")
        };
        let pwd = if how & 4 == 0 {
            self.theirs.pwd.as_str()
        } else {
            "wrong"
        };
        let Some(sealed) = draft.seal(pwd, PROVIDER.crypto()) else {
            return;
        };
        if path == asked.path && how & 6 == 0 {
            self.proven.insert(path);
            self.request_bytes += OFFER_BYTES;
        }
        self.receive(path, &sealed);
    }

    fn receive(&mut self, path: Path, datagram: &[u8]) {
        self.request_bytes += datagram.len() + HEADERS_BYTES;
        if let Some(message) = Message::parse(datagram) {
            self.agent.receive(self.now, &message, path);
        }
    }

    fn pass(&mut self, steps: u8) {
        let time = Duration::from_millis(50) * u32::from(steps);
        self.now += time;
        if steps.is_multiple_of(16) {
            self.agent.resume(self.now, time);
        }
        self.agent.tick(self.now);
        let due = self.agent.due();
        assert!(due.is_none_or(|due| due + Duration::from_secs(60) > self.now));
    }

    fn check_invariants(&mut self) {
        let mut sent = Vec::new();
        self.agent.drain(&mut sent);
        for run in sent {
            if !self.proven.contains(&run.path) {
                self.unproven_bytes += run.bytes().len() + HEADERS_BYTES;
            }
            if is_check(run.bytes()) {
                self.asked.push(run);
            }
        }
        assert!(self.unproven_bytes <= self.request_bytes);
        let ways = [self.agent.path(), self.agent.best_path(self.now)];
        assert!(ways.iter().flatten().all(|path| self.proven.contains(path)));
    }
}
