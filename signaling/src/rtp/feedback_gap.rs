//! Losses between two messages of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//! libwebrtc, as Chromium 156 has it, begins a message with the first packet that arrived after those of the last message:
//! what was lost before it is in neither. With few packets in a message, that is most of the loss. Pure.

use rtc::interceptor::Acknowledgement;

/// A larger gap is not from losses: the numbers began anew.
const MOST_PACKETS: i16 = 512;

/// What the messages of one receiver have told so far.
#[derive(Debug, Default)]
pub(crate) struct FeedbackGap {
    /// The count of the newest message, and the number after its last packet.
    newest: Option<(u8, u16)>,
}

impl FeedbackGap {
    /// Adds the packets that were lost between the last message and this one to its front. If a message between them is
    /// missing, by their counts, nothing is known of these packets.
    pub(crate) fn fill(&mut self, count: u8, packets: &mut Vec<Acknowledgement>) {
        let (Some(first), Some(last)) = (packets.first(), packets.last()) else {
            return;
        };
        let (first, end) = (first.sequence_number, last.sequence_number.wrapping_add(1));
        let Some((newest_count, newest_end)) = self.newest else {
            self.newest = Some((count, end));
            return;
        };
        let messages = count.wrapping_sub(newest_count).cast_signed();
        if messages <= 0 {
            return;
        }
        let is_ahead = end.wrapping_sub(newest_end).cast_signed() > 0;
        self.newest = Some((count, if is_ahead { end } else { newest_end }));
        let gap = first.wrapping_sub(newest_end).cast_signed();
        if messages == 1 && (1..=MOST_PACKETS).contains(&gap) {
            let lost = (0..gap.unsigned_abs()).map(|index| newest_end.wrapping_add(index));
            packets.splice(..0, lost.map(Acknowledgement::lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

    use super::*;

    /// The numbers of a message whose packets have all arrived, after it was filled; lost ones are negative.
    fn filled(gap: &mut FeedbackGap, count: u8, numbers: &[u16]) -> Vec<i32> {
        let arrived = |number: &u16| Acknowledgement::received(*number, None, Ecn::NotEct);
        let mut packets = numbers.iter().map(arrived).collect();
        gap.fill(count, &mut packets);
        let signed = |one: Acknowledgement| match one.arrived {
            true => i32::from(one.sequence_number),
            false => -i32::from(one.sequence_number),
        };
        packets.into_iter().map(signed).collect()
    }

    #[test]
    fn packets_between_two_messages_were_lost() {
        let mut gap = FeedbackGap::default();
        assert_eq!(filled(&mut gap, 255, &[65_533, 65_534]), [65_533, 65_534]);
        assert_eq!(filled(&mut gap, 0, &[1, 2]), [-65_535, 0, 1, 2]);
        assert_eq!(filled(&mut gap, 1, &[3]), [3]);
        assert_eq!(filled(&mut gap, 2, &[2, 3]), [2, 3], "one came late");
        assert_eq!(filled(&mut gap, 3, &[5]), [-4, 5]);
    }

    #[test]
    fn packets_of_a_message_that_is_missing_are_unknown() {
        let mut gap = FeedbackGap::default();
        assert_eq!(filled(&mut gap, 7, &[10]), [10]);
        assert_eq!(filled(&mut gap, 9, &[14]), [14]);
        assert_eq!(filled(&mut gap, 8, &[12]), [12], "a message comes late");
        assert_eq!(filled(&mut gap, 10, &[16]), [-15, 16]);
        assert_eq!(filled(&mut gap, 11, &[9000]), [9000], "numbers began anew");
        assert!(filled(&mut gap, 12, &[]).is_empty());
        assert_eq!(filled(&mut gap, 12, &[9002]), [-9001, 9002]);
    }
}
