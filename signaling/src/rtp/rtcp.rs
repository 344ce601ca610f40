//! What viewers report and ask for (RTCP).

use std::time::Duration;

use rtc::interceptor::{Acknowledgement, convert_twcc};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

/// Sequence numbers taken from one datagram; a well-behaved receiver asks for far fewer.
const NACKS_MAX: usize = 512;
/// Packets that one feedback may be about; at 10 Mbit/s and one a second there are a thousand.
const ACKNOWLEDGED_MAX: usize = 2048;

/// One thing a viewer said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Feedback {
    /// It lost its picture (RFC 4585 6.3.1).
    Pli,
    /// It wants a keyframe (RFC 5104 4.3.1).
    Fir,
    /// It lost these packets (RFC 4585 6.2.1).
    Nack(Vec<u16>),
    /// How it receives us.
    Report(Reception),
    /// When each of these packets arrived, by transport-wide number.
    Transport(Vec<Acknowledgement>),
}

/// One report block (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reception {
    /// Share of the packets since its last report that were lost, 0 to 1.
    pub(crate) loss: f32,
    /// Middle 32 bits of the NTP time of our last report it has, 0: none.
    pub(crate) last_sender_report: u32,
    /// Time since it got that, in units of 1/65536 s.
    pub(crate) delay: u32,
}

impl Reception {
    /// The round trip, from the middle 32 bits of the NTP time now.
    pub(crate) fn round_trip(&self, now_ntp_middle: u32) -> Option<Duration> {
        if self.last_sender_report == 0 {
            return None;
        }
        let ticks = now_ntp_middle
            .wrapping_sub(self.last_sender_report)
            .wrapping_sub(self.delay)
            .cast_signed();
        // On a fast network rounding makes it negative by a tick or two. Beyond a second below zero
        // or a minute above, clocks or arithmetic went astray.
        let plausible = (-(1 << 16)..60 << 16).contains(&ticks);
        plausible.then(|| Duration::from_secs_f64(f64::from(ticks.max(0)) / 65_536.0))
    }
}

/// Keeps a viewer's feedback about one media SSRC until it is acted on.
#[derive(Debug)]
pub(crate) struct FeedbackInbox {
    ssrc: u32,
    kept: Vec<Feedback>,
}

impl FeedbackInbox {
    pub(crate) fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            kept: Vec::new(),
        }
    }

    /// Takes what has come.
    pub(crate) fn take(&mut self) -> Vec<Feedback> {
        std::mem::take(&mut self.kept)
    }

    fn put(&mut self, feedback: Feedback) {
        self.kept.push(feedback);
    }

    /// Reads one compound; what is not about our stream is left out.
    pub(crate) fn collect(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                if nack.media_ssrc == self.ssrc {
                    let lost = nack.nacks.iter().flat_map(|pair| pair.packet_list());
                    self.put(Feedback::Nack(lost.take(NACKS_MAX).collect()));
                }
            } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                if pli.media_ssrc == self.ssrc {
                    self.put(Feedback::Pli);
                }
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                if fir.fir.iter().any(|entry| entry.ssrc == self.ssrc) {
                    self.put(Feedback::Fir);
                }
            } else if let Some(feedback) = packet.downcast_ref::<TransportLayerCc>() {
                self.transport(feedback);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                report.reports.iter().for_each(|block| self.report(block));
            } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
                // A receiver that counts as a sender too reports there (str0m).
                report.reports.iter().for_each(|block| self.report(block));
            }
        }
    }

    fn transport(&mut self, feedback: &TransportLayerCc) {
        let packets = usize::from(feedback.packet_status_count);
        // Two bytes can claim eight thousand packets: what is too much to be true is not unpacked.
        if packets > ACKNOWLEDGED_MAX {
            return;
        }
        let mut acknowledgements = convert_twcc(feedback);
        // The last chunk is filled up with packets that the feedback is not about.
        acknowledgements.truncate(packets);
        self.put(Feedback::Transport(acknowledgements));
    }

    fn report(&mut self, block: &ReceptionReport) {
        if block.ssrc == self.ssrc {
            self.put(Feedback::Report(Reception {
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
    fn a_flood_of_sequence_numbers_is_cut() {
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
            panic!("a request for packets");
        };
        assert_eq!(lost.len(), NACKS_MAX);
    }

    #[test]
    fn the_round_trip_comes_from_report_times() {
        let reception = Reception {
            loss: 0.0,
            last_sender_report: 0xffff_f000,
            delay: 0x0800,
        };
        let millis = reception.round_trip(0x0000_0c00).map(|rtt| rtt.as_millis());
        assert_eq!(millis, Some(78));
        let rounded = reception.round_trip(0xffff_f7ff);
        assert_eq!(rounded, Some(Duration::ZERO), "a tick less than nothing");
        let before = reception.round_trip(0xfff0_0000);
        assert_eq!(before, None, "long before it was sent");
        let none = Reception {
            last_sender_report: 0,
            ..reception
        };
        assert_eq!(none.round_trip(5), None);
    }
}
