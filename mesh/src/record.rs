//! Signed records: what the carriers of an event share for as long as it lasts.
//!
//! A record is written once, by its owner, and never changes. Its owner's signature covers the event, the log and the
//! place in it, so that whoever passes it on can neither change, reorder nor invent one. A record holds no picture, no
//! name and no address.

use iroh::{PublicKey, SecretKey, Signature};
use serde::{Deserialize, Serialize};

use crate::CarrierId;
use crate::slug::Slug;

/// Bytes of a record's content.
pub(crate) const CONTENT_BYTES_MAX: usize = 192;
/// What a signature is for: one of something else is never valid here.
const PURPOSE: &[u8] = b"carrier mesh record 1";

/// Names an event: carriers of another one share nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventId([u8; 16]);

impl EventId {
    /// Of the name that the owners agreed on. The name itself is not sent.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, name.trim().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        Self(id)
    }

    /// For file names.
    pub(crate) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// SHA-256 of a thumbnail as its owner sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PictureHash(pub(crate) [u8; 32]);

impl PictureHash {
    #[must_use]
    pub fn of(jpeg: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, jpeg);
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What [`hex`](Self::hex) gave.
    #[must_use]
    pub fn of_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordBody {
    /// A result of a game: the nickname is two keys of the list of nicknames.
    Score {
        game: Slug,
        nickname: [Slug; 2],
        score: u32,
    },
    /// A visitor agreed to show this picture on all carriers until `expires_at_ms` of the owner's clock.
    Picture {
        picture: PictureHash,
        caption: Slug,
        expires_at_ms: u64,
    },
    /// The picture must not be shown any more.
    Withdrawal { picture: PictureHash },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// By the owner's clock.
    pub made_at_ms: u64,
    pub body: RecordBody,
}

/// The place of a record: its owner's log, and the number within it from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordPlace {
    pub(crate) event: EventId,
    pub(crate) log: LogId,
    pub(crate) number: u32,
}

/// A log of one owner. Each start of a carrier that writes something begins a new one, so that one whose files were
/// lost or restored never writes two records with one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct LogId {
    pub owner: CarrierId,
    pub number: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedRecord {
    content: Vec<u8>,
    signature: Signature,
}

impl SignedRecord {
    /// `None`: longer than any record may be.
    pub(crate) fn new(record: &Record, place: RecordPlace, key: &SecretKey) -> Option<Self> {
        let content = postcard::to_allocvec(record).ok()?;
        if content.len() > CONTENT_BYTES_MAX {
            return None;
        }
        let signature = key.sign(&signed_bytes(&content, place));
        Some(Self { content, signature })
    }

    /// Whether the owner of the log wrote it at this place.
    pub(crate) fn is_genuine(&self, place: RecordPlace) -> bool {
        let owner: PublicKey = place.log.owner;
        let bytes = signed_bytes(&self.content, place);
        self.content.len() <= CONTENT_BYTES_MAX && owner.verify(&bytes, &self.signature).is_ok()
    }

    /// `None`: of a kind that only later versions know.
    pub(crate) fn record(&self) -> Option<Record> {
        postcard::from_bytes(&self.content).ok()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.content.len() + Signature::LENGTH
    }
}

fn signed_bytes(content: &[u8], place: RecordPlace) -> Vec<u8> {
    let mut bytes = PURPOSE.to_vec();
    bytes.extend(place.event.0);
    bytes.extend(place.log.number.to_le_bytes());
    bytes.extend(place.number.to_le_bytes());
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            made_at_ms: 1_800_000_000_000,
            body: RecordBody::Score {
                game: "object-hunt".try_into().unwrap(),
                nickname: ["brave".try_into().unwrap(), "otter".try_into().unwrap()],
                score: 1200,
            },
        }
    }

    #[test]
    fn a_signature_holds_for_one_place_of_one_event() {
        let (key, other) = (SecretKey::generate(), SecretKey::generate());
        let place = RecordPlace {
            event: EventId::of_name("north"),
            log: LogId {
                owner: key.public(),
                number: 7,
            },
            number: 3,
        };
        let signed = SignedRecord::new(&record(), place, &key).unwrap();
        assert!(signed.is_genuine(place));
        assert_eq!(signed.record(), Some(record()));
        let event = EventId::of_name("south");
        let number = 4;
        let log = |owner, number| LogId { owner, number };
        for wrong in [
            RecordPlace { event, ..place },
            RecordPlace { number, ..place },
            RecordPlace {
                log: log(key.public(), 8),
                ..place
            },
            RecordPlace {
                log: log(other.public(), 7),
                ..place
            },
        ] {
            assert!(!signed.is_genuine(wrong), "{wrong:?}");
        }
        let mut changed = signed.clone();
        changed.content[0] ^= 1;
        assert!(!changed.is_genuine(place));
        assert!(
            !SignedRecord::new(&record(), place, &other)
                .unwrap()
                .is_genuine(place)
        );
    }

    #[test]
    fn an_unknown_kind_is_no_record_and_no_error() {
        let key = SecretKey::generate();
        let content = vec![0, 99, 1, 2];
        let signature = key.sign(&content);
        assert_eq!(SignedRecord { content, signature }.record(), None);
    }

    #[test]
    fn a_hash_is_read_as_it_was_written() {
        let hash = PictureHash::of(b"picture");
        assert_eq!(PictureHash::of_hex(&hash.hex()), Some(hash));
        for wrong in ["", "zz", &"z".repeat(64), &hash.hex()[1..], &"ü".repeat(32)] {
            assert_eq!(PictureHash::of_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_longest_record_has_room() {
        let slug: Slug = "x".repeat(32).try_into().unwrap();
        let key = SecretKey::generate();
        let place = RecordPlace {
            event: EventId::of_name("e"),
            log: LogId {
                owner: key.public(),
                number: u32::MAX,
            },
            number: u32::MAX,
        };
        let score = RecordBody::Score {
            game: slug.clone(),
            nickname: [slug.clone(), slug.clone()],
            score: u32::MAX,
        };
        let picture = RecordBody::Picture {
            picture: PictureHash([255; 32]),
            caption: slug,
            expires_at_ms: u64::MAX,
        };
        for body in [score, picture] {
            let made_at_ms = u64::MAX;
            let record = Record { made_at_ms, body };
            assert!(
                SignedRecord::new(&record, place, &key).is_some(),
                "{record:?}"
            );
        }
    }
}
