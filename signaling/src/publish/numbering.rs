//! Pure: RTP headers of the published stream around the payloads that all viewers share.

use rtc::rtp::Packet;
use rtc::rtp::header::Header;

use crate::encoded::EncodedFrame;

/// The numbers of one connection's stream.
#[derive(Debug)]
pub(crate) struct Numbering {
    pub(crate) ssrc: u32,
    /// As negotiated: others are dropped on the way, silently.
    pub(crate) payload_type: u8,
    pub(crate) next_sequence: u16,
    /// Added to a frame's time (RFC 3550 5.1 wants a random start).
    pub(crate) ticks_offset: u32,
}

impl Numbering {
    /// The frame's packets, in sending order. The numbers go on without a gap whatever was dropped
    /// before: the stream is whole from a keyframe on, and nothing is to be asked for again.
    pub(crate) fn packets<'a>(
        &'a mut self,
        frame: &'a EncodedFrame,
    ) -> impl Iterator<Item = Packet> + 'a {
        let last = frame.payloads.len().saturating_sub(1);
        let timestamp = frame.rtp_ticks.wrapping_add(self.ticks_offset);
        frame.payloads.iter().enumerate().map(move |(at, payload)| {
            let sequence_number = self.next_sequence;
            self.next_sequence = sequence_number.wrapping_add(1);
            Packet {
                header: Header {
                    version: 2,
                    marker: at == last,
                    payload_type: self.payload_type,
                    sequence_number,
                    timestamp,
                    ssrc: self.ssrc,
                    ..Header::default()
                },
                payload: payload.clone(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;

    use super::*;
    use crate::rendition::RenditionId;

    #[test]
    fn numbers_run_on_and_wrap_and_the_last_packet_is_marked() {
        let frame = EncodedFrame {
            rendition: RenditionId::MAIN,
            keyframe: true,
            frame_seq: 0,
            captured_at: Instant::now(),
            rtp_ticks: 3000,
            payloads: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
            bytes: 2,
        };
        let mut numbering = Numbering {
            ssrc: 7,
            payload_type: 96,
            next_sequence: u16::MAX,
            ticks_offset: u32::MAX,
        };
        let first: Vec<Packet> = numbering.packets(&frame).collect();
        let second: Vec<Packet> = numbering.packets(&frame).collect();
        let numbers = |packets: &[Packet]| -> Vec<_> {
            let header = |packet: &Packet| {
                let header = &packet.header;
                (header.sequence_number, header.marker, header.timestamp)
            };
            packets.iter().map(header).collect()
        };
        assert_eq!(numbers(&first), [(u16::MAX, false, 2999), (0, true, 2999)]);
        assert_eq!(numbers(&second), [(1, false, 2999), (2, true, 2999)]);
        assert!(first.iter().all(|packet| packet.header.payload_type == 96));
        assert_eq!(first[1].payload, frame.payloads[1]);
    }
}
