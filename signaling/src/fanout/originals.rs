//! The headers of packets that may have to go out once more as they were.

use std::collections::VecDeque;

use rtc::rtp::header::Header;

/// Packets remembered: some seconds, as the ring keeps them.
const REMEMBERED: usize = 1024;

/// For viewers without a retransmission stream. Their packets are sent again under the same number, and
/// so under the same nonce: a header that differs in one bit would give away the key that authenticates
/// all of them (RFC 7714 8.1 forbids it).
#[derive(Debug, Default)]
pub(super) struct Originals(VecDeque<(u64, Header)>);

impl Originals {
    /// Notes a packet that leaves, by its number with cycles; numbers go up.
    pub(super) fn note(&mut self, number: u64, header: &Header) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((number, header.clone()));
    }

    pub(super) fn of(&self, number: u64) -> Option<&Header> {
        let found = self.0.binary_search_by_key(&number, |(number, _)| *number);
        found
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, header)| header)
    }
}
