use super::*;
use crate::packet_ring::tests::frame;
use rtc::shared::marshal::{Marshal, Unmarshal};

const TERMS: StreamTerms = StreamTerms {
    ssrc: 0x1111,
    payload_type: 103,
    rtx: Some((0x2222, 104)),
    playout_delay_id: Some(5),
};

fn outlet(terms: StreamTerms, first: u16) -> Outlet {
    Outlet::new(terms, u64::from(first) << 48 | 0x0007_0000_0064)
}

fn numbers(packets: &[Packet]) -> Vec<u16> {
    packets.iter().map(|p| p.header.sequence_number).collect()
}

#[test]
fn a_frame_is_numbered_marked_and_timed_for_the_viewer() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(9, false, 3), now);
    let mut viewer = outlet(TERMS, 500);
    let packets: Vec<Packet> = viewer.packets(&entry).collect();
    assert_eq!(numbers(&packets), [500, 501, 502]);
    for packet in &packets {
        assert_eq!(packet.header.ssrc, 0x1111);
        assert_eq!(packet.header.payload_type, 103);
        assert_eq!(packet.header.timestamp, 27_000 + 0x64);
        assert!(packet.header.extensions.is_empty());
    }
    let markers: Vec<bool> = packets.iter().map(|p| p.header.marker).collect();
    assert_eq!(markers, [false, false, true]);
    assert_eq!(viewer.sent().packets, 3);
    assert_eq!(viewer.sent().payload_bytes, 260);
}

#[test]
fn keyframes_carry_the_playout_delay_on_every_packet() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(1, true, 2), now);
    for packet in outlet(TERMS, 1).packets(&entry) {
        let bytes = packet.marshal().expect("a packet marshals");
        assert_eq!(bytes.len(), 12 + 8 + packet.payload.len());
        let again = Packet::unmarshal(&mut bytes.clone()).expect("and reads back");
        assert_eq!(again.header.get_extension(5).as_deref(), Some(NO_DELAY));
    }
    let silent = StreamTerms {
        playout_delay_id: None,
        ..TERMS
    };
    let mut plain = outlet(silent, 1);
    assert!(plain.packets(&entry).all(|packet| !packet.header.extension));
}

#[test]
fn sequence_numbers_wrap_and_old_ones_are_still_found() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = outlet(TERMS, 65_534);
    let mut all = Vec::new();
    for seq in 0..3 {
        let entry = ring.push(frame(seq, seq == 0, 2), now);
        all.extend(viewer.packets(&entry));
    }
    assert_eq!(numbers(&all), [65_534, 65_535, 0, 1, 2, 3]);
    for packet in &all {
        let Resend::Packet(again) = viewer.resend(packet.header.sequence_number, &ring, now, None)
        else {
            panic!("{} is in the ring", packet.header.sequence_number);
        };
        assert_eq!(again.payload[2..], packet.payload[..]);
    }
}

#[test]
fn a_retransmission_is_rtx_where_negotiated() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(3, false, 2), now);
    let mut viewer = outlet(TERMS, 700);
    let sent: Vec<Packet> = viewer.packets(&entry).collect();
    let Resend::Packet(rtx) = viewer.resend(701, &ring, now, None) else {
        panic!("it is in the ring");
    };
    assert_eq!((rtx.header.ssrc, rtx.header.payload_type), (0x2222, 104));
    assert_eq!(rtx.header.sequence_number, 7, "a number of its own");
    assert_eq!(rtx.header.timestamp, sent[1].header.timestamp);
    assert!(rtx.header.marker);
    assert_eq!(rtx.payload[..2], 701_u16.to_be_bytes());
    let Resend::Packet(next) = viewer.resend(700, &ring, now, None) else {
        panic!("it is in the ring");
    };
    assert_eq!(next.header.sequence_number, 8);
    assert!(matches!(
        viewer.resend(701, &ring, now, None),
        Resend::No(Refusal::Repeat)
    ));
}

#[test]
fn without_rtx_the_same_packet_goes_out_again() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(3, false, 2), now);
    let mut viewer = outlet(StreamTerms { rtx: None, ..TERMS }, 700);
    let sent: Vec<Packet> = viewer.packets(&entry).collect();
    let Resend::Packet(again) = viewer.resend(700, &ring, now, None) else {
        panic!("it is in the ring");
    };
    assert_eq!(*again, sent[0]);
}

#[test]
fn after_a_pause_numbers_go_on_and_both_sides_of_the_gap_are_found() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = outlet(TERMS, 10);
    let first = ring.push(frame(0, true, 2), now);
    let before: Vec<Packet> = viewer.packets(&first).collect();
    ring.push(frame(1, false, 5), now);
    let third = ring.push(frame(2, true, 2), now);
    let after: Vec<Packet> = viewer.packets(&third).collect();
    assert_eq!(numbers(&after), [12, 13], "no hole for what was not sent");
    for packet in before.iter().chain(&after) {
        let number = packet.header.sequence_number;
        let Resend::Packet(again) = viewer.resend(number, &ring, now, None) else {
            panic!("{number} is in the ring");
        };
        assert_eq!(again.payload[2..], packet.payload[..]);
    }
}

#[test]
fn what_was_never_sent_is_never_resent() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(0, true, 2), now);
    let mut viewer = outlet(TERMS, 10);
    assert!(matches!(
        viewer.resend(9, &ring, now, None),
        Resend::No(Refusal::Gone)
    ));
    let count = viewer.packets(&entry).count();
    assert_eq!(count, 2);
    for number in [9, 12, 40_000] {
        assert!(
            matches!(
                viewer.resend(number, &ring, now, None),
                Resend::No(Refusal::Gone)
            ),
            "{number}"
        );
    }
}
