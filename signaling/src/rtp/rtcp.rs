//! Parses the RTCP feedback of viewers.

use std::time::Duration;

use rtc::interceptor::{Acknowledgement, convert_twcc};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

use super::feedback_gap::FeedbackGap;

/// Maximum sequence numbers taken from one NACK; a well-behaved receiver requests far fewer.
const NACKS_MAX: usize = 512;
/// Maximum packets per transport-wide feedback; at 10 Mbit/s and one feedback a second there are a thousand.
const ACKNOWLEDGED_MAX: usize = 2048;

/// One feedback message of a viewer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Feedback {
    /// Picture loss indication: the decoder lost its picture (RFC 4585 6.3.1).
    Pli,
    /// Full intra request: a keyframe is needed (RFC 5104 4.3.1).
    Fir,
    /// Retransmission request for lost packets (RFC 4585 6.2.1).
    Nack(Vec<u16>),
    /// A reception report.
    Report(ReportBlock),
    /// Arrival time of each packet, by transport-wide sequence number.
    Transport(Vec<Acknowledgement>),
}

/// A report block (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ReportBlock {
    /// Share of packets lost since the previous report, 0 to 1.
    pub(crate) loss: f32,
    /// Middle 32 bits of the NTP time of the last sender report it received; 0 if none.
    pub(crate) last_sender_report: u32,
    /// Delay since that sender report arrived, in units of 1/65536 s.
    pub(crate) delay: u32,
}

impl ReportBlock {
    /// The round trip time, given the middle 32 bits of the current NTP time.
    pub(crate) fn round_trip(&self, now_ntp_middle: u32) -> Option<Duration> {
        if self.last_sender_report == 0 {
            return None;
        }
        let ticks = now_ntp_middle
            .wrapping_sub(self.last_sender_report)
            .wrapping_sub(self.delay)
            .cast_signed();
        // Rounding may give slightly negative values on a fast network. Other values outside this range mean
        // that a clock is wrong.
        let plausible = (-(1 << 16)..60 << 16).contains(&ticks);
        plausible.then(|| Duration::from_secs_f64(f64::from(ticks.max(0)) / 65_536.0))
    }
}

/// Collects a viewer's feedback on one media SSRC until it is handled.
#[derive(Debug)]
pub(crate) struct FeedbackInbox {
    ssrc: u32,
    gap: FeedbackGap,
    kept: Vec<Feedback>,
}

impl FeedbackInbox {
    pub(crate) fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            gap: FeedbackGap::default(),
            kept: Vec::new(),
        }
    }

    /// Takes the collected feedback.
    pub(crate) fn take(&mut self) -> Vec<Feedback> {
        std::mem::take(&mut self.kept)
    }

    /// Adds a compound packet; feedback on other streams is skipped.
    pub(crate) fn collect(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                if nack.media_ssrc == self.ssrc {
                    let lost = nack.nacks.iter().flat_map(|pair| pair.packet_list());
                    self.kept
                        .push(Feedback::Nack(lost.take(NACKS_MAX).collect()));
                }
            } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                if pli.media_ssrc == self.ssrc {
                    self.kept.push(Feedback::Pli);
                }
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                if fir.fir.iter().any(|entry| entry.ssrc == self.ssrc) {
                    self.kept.push(Feedback::Fir);
                }
            } else if let Some(feedback) = packet.downcast_ref::<TransportLayerCc>() {
                self.transport(feedback);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                report.reports.iter().for_each(|block| self.report(block));
            } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
                // str0m puts its report blocks into sender reports.
                report.reports.iter().for_each(|block| self.report(block));
            }
        }
    }

    fn transport(&mut self, feedback: &TransportLayerCc) {
        let packets = usize::from(feedback.packet_status_count);
        // A two-byte count can claim 65535 packets; implausible counts are not expanded.
        if packets > ACKNOWLEDGED_MAX {
            return;
        }
        let mut acknowledgements = convert_twcc(feedback);
        // The last chunk is padded beyond the packet count.
        acknowledgements.truncate(packets);
        self.gap.fill(feedback.fb_pkt_count, &mut acknowledgements);
        self.kept.push(Feedback::Transport(acknowledgements));
    }

    fn report(&mut self, block: &ReceptionReport) {
        if block.ssrc == self.ssrc {
            self.kept.push(Feedback::Report(ReportBlock {
                loss: f32::from(block.fraction_lost) / 256.0,
                last_sender_report: block.last_sender_report,
                delay: block.delay,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::rtcp::payload_feedbacks::full_intra_request::FirEntry;
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;

    fn collected(packets: Vec<Box<dyn rtc::rtcp::Packet>>) -> Vec<Feedback> {
        let mut inbox = FeedbackInbox::new(7);
        inbox.collect(&packets);
        inbox.take()
    }

    #[test]
    fn feedback_about_our_stream_is_kept_in_order() {
        let pli = |media_ssrc| PictureLossIndication {
            sender_ssrc: 1,
            media_ssrc,
        };
        let fir = FullIntraRequest {
            sender_ssrc: 1,
            media_ssrc: 0,
            fir: vec![FirEntry {
                ssrc: 7,
                sequence_number: 1,
            }],
        };
        let nack = TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc: 7,
            nacks: vec![NackPair {
                packet_id: 65_535,
                lost_packets: 0b101,
            }],
        };
        let found = collected(vec![
            Box::new(ReceiverReport::default()),
            Box::new(pli(7)),
            Box::new(pli(8)),
            Box::new(fir),
            Box::new(nack),
        ]);
        let expected = [
            Feedback::Pli,
            Feedback::Fir,
            Feedback::Nack(vec![65_535, 0, 2]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn sequence_numbers_of_a_nack_are_limited() {
        let nack = TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc: 7,
            nacks: vec![
                NackPair {
                    packet_id: 0,
                    lost_packets: 0xffff
                };
                300
            ],
        };
        let Feedback::Nack(lost) = &collected(vec![Box::new(nack)])[0] else {
            panic!("not a NACK");
        };
        assert_eq!(lost.len(), NACKS_MAX);
    }

    #[test]
    fn the_round_trip_comes_from_report_times() {
        let reception = ReportBlock {
            loss: 0.0,
            last_sender_report: 0xffff_f000,
            delay: 0x0800,
        };
        let millis = reception.round_trip(0x0000_0c00).map(|rtt| rtt.as_millis());
        assert_eq!(millis, Some(78));
        let rounded = reception.round_trip(0xffff_f7ff);
        assert_eq!(rounded, Some(Duration::ZERO), "one tick below zero");
        let before = reception.round_trip(0xfff0_0000);
        assert_eq!(before, None, "before the sender report");
        let none = ReportBlock {
            last_sender_report: 0,
            ..reception
        };
        assert_eq!(none.round_trip(5), None);
    }
}
