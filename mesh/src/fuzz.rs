//! Fuzz targets for what other carriers send and what is typed or scanned, used by the fuzzer (`make fuzz`, mesh/fuzz)
//! and, with the kept corpus, by `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use iroh::SecretKey;

use crate::announcement::{Announcement, SignedAnnouncement};
use crate::members::Members;
use crate::pairing::{PairingCode, PairingLink};
use crate::protocol::{Now, Output, Protocol};
use crate::record::{EventId, LogId, Record};
use crate::shared_log::{Counts, SharedLog};
use crate::slug::Slug;
use crate::wire::{self, MESSAGE_BYTES_MAX, Message};

/// The name of a target, which is also its corpus folder, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 3] = [
    ("member", member),
    ("shared-log", shared_log),
    ("pairing", pairing),
];

const EVENT: &str = "event";
const CLOCK_MS: u64 = 1_800_000_000_000;
const CONNECTION: usize = 1;
const PIECES_MAX: usize = 64;
/// Numbers of keys.
const OWN: u8 = 1;
const PEER: u8 = 2;
const OTHER: u8 = 3;

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

/// What a hostile member sends. The input is pieces of two bytes of length, a kind, and a body: a message, or a record
/// or an announcement that is signed by the member first, or milliseconds that pass.
fn member(input: &[u8]) {
    let mut carrier = Carrier::new();
    for (kind, body) in pieces(input) {
        carrier.receive(kind, body);
    }
    carrier.check_invariants();
}

/// A carrier with two members, one of which talks to it.
struct Carrier {
    protocol: Protocol,
    event: EventId,
    start: Instant,
    passed_ms: u64,
    /// What the talking member has signed.
    signed_log: SharedLog,
}

impl Carrier {
    fn new() -> Self {
        let event = EventId::of_name(EVENT);
        let mut members = Members::default();
        for number in [PEER, OTHER] {
            let id = key(number).public();
            members.add(id, "carrier", []).expect("there is room");
        }
        let start = Instant::now();
        let kept = (members, SharedLog::new(event), BTreeSet::new());
        let mut carrier = Self {
            protocol: Protocol::new(key(OWN), kept, 1, 1, start),
            event,
            start,
            passed_ms: 0,
            signed_log: SharedLog::new(event),
        };
        carrier.protocol.set_findable(findable());
        let now = carrier.now();
        let peer = key(PEER).public();
        carrier.protocol.connected(peer, CONNECTION, now);
        carrier
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.start + Duration::from_millis(self.passed_ms),
            clock_ms: CLOCK_MS + self.passed_ms,
        }
    }

    fn receive(&mut self, kind: u8, body: &[u8]) {
        if let Some(message) = self.message(kind, body) {
            let from = (key(PEER).public(), CONNECTION);
            let now = self.now();
            self.protocol.received(from, message, body.len(), now);
        }
        while let Some(output) = self.protocol.next_output() {
            if let Output::Send { message, .. } = output {
                assert!(wire::encode(&message).is_some(), "a message fits");
            }
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Option<Message> {
        let peer = key(PEER);
        match kind % 4 {
            0 => wire::decode(body),
            1 => {
                let record: Record = wire::decode(body)?;
                let log = LogId {
                    owner: peer.public(),
                    number: u32::from(kind / 4),
                };
                let run = self.signed_log.append(&record, log, &peer).ok()?;
                Some(Message::Records(run))
            }
            2 => {
                let announcement: Announcement = wire::decode(body)?;
                let signed = SignedAnnouncement::new(&announcement, self.event, &peer)?;
                Some(Message::Announcement(signed))
            }
            _ => {
                self.passed_ms += body.iter().map(|byte| u64::from(*byte) * 100).sum::<u64>();
                self.protocol.tick(self.now());
                None
            }
        }
    }

    fn check_invariants(&self) {
        let (protocol, now) = (&self.protocol, self.now());
        let members = protocol.members();
        let is_member = |number| members.is_member(key(number).public());
        assert!(is_member(PEER) && is_member(OTHER));
        assert_eq!(members.iter().count(), 2);
        for number in [OWN, OTHER] {
            let written = protocol.log().count_of(key(number).public());
            assert_eq!(written, 0, "nobody writes for another");
        }
        assert_eq!(protocol.statuses(now).len(), 2);
        let _ = (protocol.gallery(now), protocol.round(now));
        if let Ok(game) = Slug::try_from("object-hunt") {
            assert!(protocol.scores(&game, 10).len() <= 10);
        }
        let again = SharedLog::decode(&protocol.log().encode(), self.event);
        assert_eq!(again.as_ref(), Some(protocol.log()), "it is kept as it is");
    }
}

fn findable() -> Vec<Slug> {
    let slugs = ["cup", "book"].map(Slug::try_from);
    slugs.into_iter().flatten().collect()
}

fn pieces(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let next = move || {
        let (head, rest) = input.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
        let (body, rest) = rest.split_at(length.min(rest.len()).min(MESSAGE_BYTES_MAX));
        input = rest;
        Some((head[2], body))
    };
    std::iter::from_fn(next).take(PIECES_MAX)
}

/// The file of an event's records.
fn shared_log(input: &[u8]) {
    let event = EventId::of_name(EVENT);
    if let Some(log) = SharedLog::decode(input, event) {
        let again = SharedLog::decode(&log.encode(), event);
        assert_eq!(again.as_ref(), Some(&log));
        assert!(log.missing(&Counts::new(), 1024).len() <= input.len());
    }
}

/// The words or the link that an owner enters.
fn pairing(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(code) = text.parse::<PairingCode>() {
        assert_eq!(code.words().parse(), Ok(code));
    }
    match text.parse::<PairingLink>() {
        Ok(link) => assert_eq!(link.to_string().parse(), Ok(link)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
