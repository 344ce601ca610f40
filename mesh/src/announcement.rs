//! What a carrier says of itself now: signed, repeated, and passed on by those who hear it.
//!
//! Each announcement is the whole state, so that a lost one costs nothing and a carrier that comes later knows all. The
//! number of an announcement grows over restarts: one with a smaller number is a replay.

use iroh::{SecretKey, Signature};
use serde::{Deserialize, Serialize};

use crate::CarrierId;
use crate::record::EventId;
use crate::rounds::{HostedRound, RoundReport};

/// Bytes of what is signed.
pub(crate) const ANNOUNCEMENT_BYTES_MAX: usize = 1024;
const PURPOSE: &[u8] = b"carrier mesh announcement 1";

/// What visitors and owners of other carriers see of a carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub name: String,
    /// In the picture now.
    pub persons: u16,
    pub viewers: u16,
    /// Whether its camera is covered: nobody can play there.
    pub is_shutter_closed: bool,
    /// Whether a round of its own is open: it is not asked to play.
    pub is_playing: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Grows with each one, over restarts.
    pub(crate) number: AnnouncementNumber,
    /// By the sender's clock.
    pub(crate) sent_at_ms: u64,
    /// How many records it has written: who has fewer lacks a withdrawal, perhaps.
    pub(crate) records: u32,
    pub(crate) presence: Presence,
    pub(crate) hosted: Option<HostedRound>,
    pub(crate) report: Option<RoundReport>,
}

/// The start of the program, counted in a file, and the announcement since then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AnnouncementNumber {
    pub(crate) start: u32,
    pub(crate) number: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedAnnouncement {
    pub(crate) owner: CarrierId,
    content: Vec<u8>,
    signature: Signature,
}

impl SignedAnnouncement {
    /// `None`: longer than any may be.
    pub(crate) fn new(
        announcement: &Announcement,
        event: EventId,
        key: &SecretKey,
    ) -> Option<Self> {
        let content = postcard::to_allocvec(announcement).ok()?;
        if content.len() > ANNOUNCEMENT_BYTES_MAX {
            return None;
        }
        let signature = key.sign(&signed_bytes(event, &content));
        Some(Self {
            owner: key.public(),
            content,
            signature,
        })
    }

    /// `None`: its owner did not sign it, or it is of a later version.
    pub(crate) fn open(&self, event: EventId) -> Option<Announcement> {
        if self.content.len() > ANNOUNCEMENT_BYTES_MAX {
            return None;
        }
        let bytes = signed_bytes(event, &self.content);
        self.owner.verify(&bytes, &self.signature).ok()?;
        postcard::from_bytes(&self.content).ok()
    }
}

fn signed_bytes(event: EventId, content: &[u8]) -> Vec<u8> {
    let mut bytes = PURPOSE.to_vec();
    bytes.extend(postcard::to_allocvec(&event).unwrap_or_default());
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_of_one_carrier_and_one_event() {
        let key = SecretKey::generate();
        let announcement = Announcement {
            number: AnnouncementNumber {
                start: 2,
                number: 5,
            },
            sent_at_ms: 7,
            records: 3,
            presence: Presence {
                name: "north".to_owned(),
                ..Presence::default()
            },
            hosted: None,
            report: None,
        };
        let event = EventId::of_name("e");
        let signed = SignedAnnouncement::new(&announcement, event, &key).unwrap();
        assert_eq!(signed.open(event), Some(announcement.clone()));
        assert_eq!(signed.open(EventId::of_name("other")), None);
        let mut forged = signed.clone();
        forged.owner = SecretKey::generate().public();
        assert_eq!(forged.open(event), None);
        let mut long = announcement;
        long.presence.name = "x".repeat(2000);
        assert!(SignedAnnouncement::new(&long, event, &key).is_none());
    }
}
