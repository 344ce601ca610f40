//! Detects repeated DTLS handshake messages (RFC 6347 4.2.4). Pure.
//!
//! `rtc-dtls` cancels its retransmission timer on every handshake record that it reads, and starts it again only
//! when it sends the next flight. A peer that repeats its flight, because ours was lost, would end our
//! retransmissions for good; therefore repeated messages are kept from it.

/// More than any handshake has, so that hostile input stays bounded.
const FRAGMENTS_MAX: usize = 128;
const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// A fragment of a plaintext handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fragment {
    message_type: u8,
    message_sequence: u16,
    offset: u32,
    length: u32,
}

/// The handshake fragments of the peer so far.
#[derive(Debug, Default)]
pub(super) struct HandshakeDuplicates {
    seen: Vec<Fragment>,
}

impl HandshakeDuplicates {
    /// Whether a datagram has only plaintext handshake fragments, all of which were noted before. A first
    /// ClientHello that is repeated before anything else counts as new: its answer, a HelloVerifyRequest, has no
    /// timer.
    pub(super) fn is_repetition(&self, datagram: &[u8]) -> bool {
        let Some(fragments) = fragments(datagram) else {
            return false;
        };
        let goes_on = self.seen.iter().any(|seen| seen.message_sequence > 0);
        fragments.iter().all(|fragment| {
            let is_first = fragment.message_type == CLIENT_HELLO && fragment.message_sequence == 0;
            self.seen.contains(fragment) && (goes_on || !is_first)
        })
    }

    /// Notes the fragments of a datagram that the library has read.
    pub(super) fn note(&mut self, datagram: &[u8]) {
        for fragment in fragments(datagram).unwrap_or_default() {
            if self.seen.len() < FRAGMENTS_MAX && !self.seen.contains(&fragment) {
                self.seen.push(fragment);
            }
        }
    }
}

/// The fragments of a datagram; `None` if it has none, or anything else in it.
fn fragments(mut datagram: &[u8]) -> Option<Vec<Fragment>> {
    let mut fragments = Vec::new();
    while !datagram.is_empty() {
        let (header, rest) = datagram.split_at_checked(RECORD_HEADER)?;
        let is_plain = header[3..5] == [0, 0];
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (mut record, rest) = rest.split_at_checked(length)?;
        if header[0] != HANDSHAKE || !is_plain {
            return None;
        }
        while !record.is_empty() {
            let (header, body) = record.split_at_checked(MESSAGE_HEADER)?;
            let number =
                |at: usize| u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]]);
            let length = number(9);
            fragments.push(Fragment {
                message_type: header[0],
                message_sequence: u16::from_be_bytes([header[4], header[5]]),
                offset: number(6),
                length,
            });
            record = body.get(length as usize..)?;
        }
        datagram = rest;
    }
    (!fragments.is_empty()).then_some(fragments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 0, 0];
        record.push(body.len().try_into().expect("short"));
        record.extend_from_slice(body);
        record
    }

    fn message(kind: u8, sequence: u8, offset: u8, length: u8) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, 40, 0, sequence, 0, 0, offset, 0, 0, length];
        message.resize(MESSAGE_HEADER + usize::from(length), 7);
        message
    }

    #[test]
    fn a_repeated_message_is_recognised_with_another_record_number_and_packing() {
        let mut duplicates = HandshakeDuplicates::default();
        let (hello, done) = (message(2, 0, 0, 40), message(14, 1, 0, 0));
        let mut first = record(HANDSHAKE, 0, &hello);
        assert!(!duplicates.is_repetition(&first));
        duplicates.note(&first);
        duplicates.note(&record(HANDSHAKE, 0, &done));
        first[10] = 9;
        assert!(duplicates.is_repetition(&first));
        assert!(duplicates.is_repetition(&record(HANDSHAKE, 0, &[hello, done].concat())));
    }

    #[test]
    fn what_is_new_or_unreadable_or_encrypted_is_none() {
        let mut duplicates = HandshakeDuplicates::default();
        let half = record(HANDSHAKE, 0, &message(11, 1, 0, 20));
        duplicates.note(&half);
        assert!(!duplicates.is_repetition(&record(HANDSHAKE, 0, &message(11, 1, 20, 20))));
        assert!(!duplicates.is_repetition(&half[..half.len() - 1]));
        assert!(!duplicates.is_repetition(&[]));
        let with_more = [half.clone(), record(20, 0, &[1])].concat();
        assert!(!duplicates.is_repetition(&with_more));
        let encrypted = record(HANDSHAKE, 1, &[3; 24]);
        duplicates.note(&encrypted);
        assert!(!duplicates.is_repetition(&encrypted));
    }

    #[test]
    fn the_first_client_hello_may_be_repeated_until_the_next_message() {
        let mut duplicates = HandshakeDuplicates::default();
        let first = record(HANDSHAKE, 0, &message(CLIENT_HELLO, 0, 0, 40));
        duplicates.note(&first);
        assert!(!duplicates.is_repetition(&first));
        let second = record(HANDSHAKE, 0, &message(CLIENT_HELLO, 1, 0, 40));
        assert!(!duplicates.is_repetition(&second));
        duplicates.note(&second);
        assert!(duplicates.is_repetition(&first) && duplicates.is_repetition(&second));
    }

    #[test]
    fn many_fragments_take_bounded_memory() {
        let mut duplicates = HandshakeDuplicates::default();
        for (sequence, offset) in (0..255).flat_map(|sequence| [(sequence, 0), (sequence, 1)]) {
            duplicates.note(&record(HANDSHAKE, 0, &message(11, sequence, offset, 1)));
        }
        assert_eq!(duplicates.seen.len(), FRAGMENTS_MAX);
    }
}
