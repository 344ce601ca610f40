use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::encode::encoder::RenditionId;

#[test]
fn sequence_numbers_continue_across_frames_and_the_last_packet_has_the_marker() {
    let frame = EncodedFrame {
        rendition: RenditionId::MAIN,
        keyframe: true,
        frame_seq: 0,
        captured_at: Instant::now(),
        rtp_ticks: 3000,
        payloads: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
        bytes: 2,
        trace: None,
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
