//! Remembers sent packets until transport-wide feedback reports whether they arrived.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::interceptor::Acknowledgement;

/// Maximum packets remembered: over two seconds at 10 Mbit/s. Feedback on older packets is ignored.
const MAX_PACKETS: usize = 2048;

/// A packet with its feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PacketResult {
    pub(crate) sent_at: Instant,
    pub(crate) bytes: u32,
    /// Arrival time on the receiver's clock; `None` if the packet was lost.
    pub(crate) arrived: Option<Duration>,
    /// The sequence number of the media that it carried.
    pub(crate) media: Option<u16>,
}

#[derive(Debug, Clone, Copy)]
struct SentPacket {
    at: Instant,
    bytes: u32,
    media: Option<u16>,
    reported: bool,
}

/// Sent packets by transport-wide sequence number.
#[derive(Debug, Default)]
pub(crate) struct SentLog {
    packets: VecDeque<SentPacket>,
    /// The next sequence number, extended to 64 bits.
    next: u64,
}

impl SentLog {
    /// Records a packet that is sent now and returns its sequence number.
    pub(crate) fn note(&mut self, now: Instant, bytes: u32, media: Option<u16>) -> u16 {
        if self.packets.len() >= MAX_PACKETS {
            self.packets.pop_front();
        }
        self.packets.push_back(SentPacket {
            at: now,
            bytes,
            media,
            reported: false,
        });
        let number = self.next;
        self.next += 1;
        (number & 0xffff) as u16
    }

    /// Matches feedback with the sent packets, in the order of the feedback. Skips packets that were reported
    /// before and numbers that were never sent.
    pub(crate) fn match_feedback(
        &mut self,
        acknowledgements: &[Acknowledgement],
    ) -> Vec<PacketResult> {
        acknowledgements
            .iter()
            .filter_map(|acknowledgement| {
                let sent = self.find(acknowledgement.sequence_number)?;
                if std::mem::replace(&mut sent.reported, true) {
                    return None;
                }
                Some(PacketResult {
                    sent_at: sent.at,
                    bytes: sent.bytes,
                    arrived: acknowledgement.arrival.filter(|_| acknowledgement.arrived),
                    media: sent.media,
                })
            })
            .collect()
    }

    /// Forgets all packets, so that feedback on them is ignored.
    pub(crate) fn forget(&mut self) {
        self.packets.clear();
    }

    /// When the oldest packet after the last acknowledged one was sent.
    pub(crate) fn unanswered_since(&self) -> Option<Instant> {
        let newest_answer = self.packets.iter().rposition(|sent| sent.reported);
        let from = newest_answer.map_or(0, |index| index + 1);
        self.packets.get(from).map(|sent| sent.at)
    }

    /// When the newest packet was sent.
    pub(crate) fn newest_sent_at(&self) -> Option<Instant> {
        self.packets.back().map(|sent| sent.at)
    }

    /// The bytes of all packets after the last acknowledged one.
    pub(crate) fn unanswered_bytes(&self) -> u64 {
        let newest = self.packets.iter().rev();
        let unanswered = newest.take_while(|sent| !sent.reported);
        unanswered.map(|sent| u64::from(sent.bytes)).sum()
    }

    fn find(&mut self, number: u16) -> Option<&mut SentPacket> {
        let newest = self.next.checked_sub(1)?;
        let back = ((newest & 0xffff) as u16).wrapping_sub(number);
        let index = self.packets.len().checked_sub(1 + usize::from(back))?;
        self.packets.get_mut(index)
    }
}

/// The media of lost packets, but what another packet of the same feedback brought.
pub(super) fn lost_media(results: &[PacketResult]) -> Vec<u16> {
    let of = |arrived: bool| {
        let chosen = results
            .iter()
            .filter(move |result| result.arrived.is_some() == arrived);
        chosen.filter_map(|result| result.media)
    };
    let mut lost: Vec<u16> = of(false).collect();
    lost.dedup();
    lost.retain(|number| of(true).all(|arrived| arrived != *number));
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived_packet(number: u16, millis: u64) -> Acknowledgement {
        let at = Duration::from_millis(millis);
        Acknowledgement::received(
            number,
            Some(at),
            rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn::NotEct,
        )
    }

    #[test]
    fn each_packet_is_matched_once_across_the_wrap_around() {
        let (mut log, start) = (SentLog::default(), Instant::now());
        let numbers: Vec<u16> = (0..70_000)
            .map(|index| log.note(start, index, None))
            .collect();
        assert_eq!(numbers[65_536..65_538], [0, 1]);
        let newest = numbers[69_999];
        let results = log.match_feedback(&[
            arrived_packet(newest, 5),
            Acknowledgement::lost(newest.wrapping_sub(1)),
        ]);
        let results: Vec<_> = results.iter().map(|r| (r.bytes, r.arrived)).collect();
        let arrived = Some(Duration::from_millis(5));
        assert_eq!(results, [(69_999, arrived), (69_998, None)]);
        for (number, why) in [
            (newest, "reported before"),
            (newest.wrapping_add(1), "never sent"),
            (newest.wrapping_sub(3000), "forgotten"),
        ] {
            let results = log.match_feedback(&[arrived_packet(number, 5)]);
            assert!(results.is_empty(), "{why}");
        }
    }

    #[test]
    fn media_is_lost_if_no_packet_of_the_feedback_brought_it() {
        let result = |media, arrived: bool| PacketResult {
            sent_at: Instant::now(),
            bytes: 1000,
            arrived: arrived.then_some(Duration::ZERO),
            media,
        };
        let results = [
            result(Some(1), true),
            result(Some(2), false),
            result(Some(2), false),
            result(Some(3), false),
            result(Some(3), true),
            result(None, false),
            result(Some(4), false),
        ];
        assert_eq!(lost_media(&results), [2, 4]);
    }

    #[test]
    fn silence_starts_at_the_oldest_unanswered_packet() {
        let (mut log, start) = (SentLog::default(), Instant::now());
        assert_eq!(log.unanswered_since(), None);
        let at = |millis| start + Duration::from_millis(millis);
        let first = log.note(at(0), 1, None);
        log.note(at(10), 1, None);
        assert_eq!(log.unanswered_since(), Some(at(0)));
        log.match_feedback(&[arrived_packet(first, 3)]);
        assert_eq!(log.unanswered_since(), Some(at(10)));
    }
}
