//! Messages between two carriers, and their form on a stream: a length of four bytes, then postcard. Pure.

use serde::{Deserialize, Serialize};

use crate::announcement::SignedAnnouncement;
use crate::record::{EventId, LogId};
use crate::shared_log::RecordRun;
use crate::slug::Slug;

/// The protocol between paired carriers. Another version is another name.
pub(crate) const ALPN: &[u8] = b"carrier/mesh/1";
pub(crate) const PAIRING_ALPN: &[u8] = b"carrier/mesh-pairing/1";
/// Room for the counts of all logs of all members.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of records in a message.
pub(crate) const RUN_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a thumbnail.
pub const THUMBNAIL_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The first message of each side.
    Hello(Hello),
    /// What the sender has, after records have come that did not fit.
    Have(Vec<(LogId, u32)>),
    Records(RecordRun),
    /// Another model finds other classes.
    Findable(Vec<Slug>),
    Announcement(SignedAnnouncement),
    Ping {
        sent_ms: u64,
    },
    Pong {
        sent_ms: u64,
        answered_ms: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) event: EventId,
    /// Classes that its model finds reliably.
    pub(crate) findable: Vec<Slug>,
    pub(crate) counts: Vec<(LogId, u32)>,
}

/// With its length in front; `None`: longer than any message may be.
pub(crate) fn encode(message: &impl Serialize) -> Option<Vec<u8>> {
    let body = postcard::to_allocvec(message).ok()?;
    if body.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let length = u32::try_from(body.len()).ok()?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(body);
    Some(bytes)
}

/// The body of a message; `None`: no message of this version.
pub(crate) fn decode<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Option<T> {
    let (message, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(message)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = Message::Pong {
            sent_ms: 1,
            answered_ms: u64::MAX,
        };
        let bytes = encode(&message).unwrap();
        let (length, body) = bytes.split_at(4);
        assert_eq!(length, u32::try_from(body.len()).unwrap().to_le_bytes());
        assert_eq!(decode(body), Some(message));
        assert_eq!(decode::<Message>(&[body, &[0]].concat()), None, "more");
        assert_eq!(decode::<Message>(&body[1..]), None);
    }

    #[test]
    fn garbage_is_no_message_and_takes_no_memory() {
        let mut random = StdRng::seed_from_u64(1);
        for length in 0..2000 {
            let garbage: Vec<u8> = (0..length % 300).map(|_| random.random()).collect();
            let _ = decode::<Message>(&garbage);
        }
        // A vector that claims four thousand million entries.
        assert_eq!(decode::<Message>(&[1, 255, 255, 255, 255, 15]), None);
    }
}
