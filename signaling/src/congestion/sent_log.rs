//! What left for one viewer, until its feedback tells what became of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::interceptor::Acknowledgement;

/// Packets remembered: over two seconds at 10 Mbit/s. Feedback older than that steers nothing.
const REMEMBERED: usize = 2048;

/// A packet whose fate is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) sent_at: Instant,
    pub(crate) bytes: u32,
    /// When it came, on the receiver's clock; `None`: it did not.
    pub(crate) arrived: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Instant,
    bytes: u32,
    settled: bool,
}

/// Transport-wide numbers and what they stand for.
#[derive(Debug, Default)]
pub(crate) struct SentLog {
    packets: VecDeque<Sent>,
    /// The next number with its cycles.
    next: u64,
}

impl SentLog {
    /// Notes a packet that leaves now, and numbers it.
    pub(crate) fn note(&mut self, now: Instant, bytes: u32) -> u16 {
        if self.packets.len() >= REMEMBERED {
            self.packets.pop_front();
        }
        self.packets.push_back(Sent {
            at: now,
            bytes,
            settled: false,
        });
        let number = self.next;
        self.next += 1;
        (number & 0xffff) as u16
    }

    /// Joins a receiver's words with what was sent, in the order of the feedback. What it said before,
    /// and numbers that were never sent, are left out.
    pub(crate) fn settle(&mut self, acknowledgements: &[Acknowledgement]) -> Vec<Fate> {
        acknowledgements
            .iter()
            .filter_map(|acknowledgement| {
                let sent = self.find(acknowledgement.sequence_number)?;
                if std::mem::replace(&mut sent.settled, true) {
                    return None;
                }
                Some(Fate {
                    sent_at: sent.at,
                    bytes: sent.bytes,
                    arrived: acknowledgement.arrival.filter(|_| acknowledgement.arrived),
                })
            })
            .collect()
    }

    /// Nothing that was said of earlier packets counts any more.
    pub(crate) fn forget(&mut self) {
        self.packets.clear();
    }

    /// Since when the receiver has not answered for a packet.
    pub(crate) fn unanswered_since(&self) -> Option<Instant> {
        let newest_answer = self.packets.iter().rposition(|sent| sent.settled);
        let from = newest_answer.map_or(0, |index| index + 1);
        self.packets.get(from).map(|sent| sent.at)
    }

    fn find(&mut self, number: u16) -> Option<&mut Sent> {
        let newest = self.next.checked_sub(1)?;
        let back = ((newest & 0xffff) as u16).wrapping_sub(number);
        let index = self.packets.len().checked_sub(1 + usize::from(back))?;
        self.packets.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(number: u16, millis: u64) -> Acknowledgement {
        let at = Duration::from_millis(millis);
        Acknowledgement::received(
            number,
            Some(at),
            rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn::NotEct,
        )
    }

    #[test]
    fn fates_are_joined_once_over_the_wrap() {
        let (mut log, start) = (SentLog::default(), Instant::now());
        let numbers: Vec<u16> = (0..70_000).map(|index| log.note(start, index)).collect();
        assert_eq!(numbers[65_536..65_538], [0, 1]);
        let newest = numbers[69_999];
        let fates = log.settle(&[
            came(newest, 5),
            Acknowledgement::lost(newest.wrapping_sub(1)),
        ]);
        let expected = |bytes, arrived| Fate {
            sent_at: start,
            bytes,
            arrived,
        };
        assert_eq!(
            fates,
            [
                expected(69_999, Some(Duration::from_millis(5))),
                expected(69_998, None)
            ]
        );
        assert!(log.settle(&[came(newest, 5)]).is_empty(), "said before");
        assert!(
            log.settle(&[came(newest.wrapping_add(1), 5)]).is_empty(),
            "never sent"
        );
        assert!(
            log.settle(&[came(newest.wrapping_sub(3000), 5)]).is_empty(),
            "forgotten"
        );
    }

    #[test]
    fn silence_is_known_from_the_oldest_unanswered_packet() {
        let (mut log, start) = (SentLog::default(), Instant::now());
        assert_eq!(log.unanswered_since(), None);
        let at = |millis| start + Duration::from_millis(millis);
        let first = log.note(at(0), 1);
        log.note(at(10), 1);
        assert_eq!(log.unanswered_since(), Some(at(0)));
        log.settle(&[came(first, 3)]);
        assert_eq!(log.unanswered_since(), Some(at(10)));
    }
}
