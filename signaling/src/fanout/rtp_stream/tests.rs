use std::time::SystemTime;

use super::*;
use crate::fanout::packet_ring::PacketRing;
use crate::fanout::packet_ring::tests::{frame, frame_of};
use rtc::shared::marshal::{Marshal, Unmarshal};

const TERMS: StreamTerms = StreamTerms {
    ssrc: 0x1111,
    payload_type: 103,
    rtx: Some((0x2222, 104)),
    playout_delay_id: Some(5),
    transport_id: Some(3),
    needs_regular_keyframes: false,
};

const ANSWERED: Duration = Duration::from_millis(100);

fn stream(terms: StreamTerms, first: u16) -> RtpStream {
    RtpStream::new(terms, u64::from(first) << 48 | 0x0007_0000_0064)
}

/// A frame whose packets leave at once, without transport-wide numbers.
fn whole(viewer: &mut RtpStream, entry: &RingFrame) -> Vec<Packet> {
    some(viewer, entry, 0..entry.frame.payloads.len(), &mut |_, _| {
        None
    })
}

fn some(
    viewer: &mut RtpStream,
    entry: &RingFrame,
    range: Range<usize>,
    stamp: &mut Stamp<'_>,
) -> Vec<Packet> {
    let mut packets = Vec::new();
    viewer.packets(
        entry.arrived,
        entry,
        range,
        stamp,
        &mut |header, payload| {
            packets.push(Packet {
                header: header.clone(),
                payload: Bytes::copy_from_slice(payload),
            });
        },
    );
    packets
}

fn again(
    viewer: &mut RtpStream,
    number: u16,
    ring: &PacketRing,
    now: Instant,
) -> Result<Vec<Packet>, ResendOutcome> {
    let find = |_, number| ring.packet(number);
    viewer.resend(number, find, now, ANSWERED, false, &mut |_, _| None)
}

fn numbers(packets: &[Packet]) -> Vec<u16> {
    packets.iter().map(|p| p.header.sequence_number).collect()
}

#[test]
fn a_frame_is_numbered_marked_and_timed_for_the_viewer() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(9, false, 3), now);
    let mut viewer = stream(TERMS, 500);
    let packets: Vec<Packet> = whole(&mut viewer, &entry);
    assert_eq!(numbers(&packets), [500, 501, 502]);
    for packet in &packets {
        assert_eq!(packet.header.ssrc, 0x1111);
        assert_eq!(packet.header.payload_type, 103);
        assert_eq!(packet.header.timestamp, 27_000 + 0x64);
        assert!(packet.header.extensions.is_empty());
    }
    let markers: Vec<bool> = packets.iter().map(|p| p.header.marker).collect();
    assert_eq!(markers, [false, false, true]);
    assert_eq!(viewer.sent_packets, 3);
    assert_eq!(viewer.sent_payload_bytes, 260);
}

#[test]
fn keyframes_carry_the_playout_delay_on_every_packet() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(1, true, 2), now);
    for packet in whole(&mut stream(TERMS, 1), &entry) {
        let bytes = packet.marshal().expect("a packet marshals");
        assert_eq!(bytes.len(), 12 + 8 + packet.payload.len());
        let again = Packet::unmarshal(&mut bytes.clone()).expect("and reads back");
        assert_eq!(
            again.header.get_extension(5).as_deref(),
            Some(&[0, 0, 0][..])
        );
    }
    let silent = StreamTerms {
        playout_delay_id: None,
        ..TERMS
    };
    let mut plain = stream(silent, 1);
    let packets = whole(&mut plain, &entry);
    assert!(packets.iter().all(|packet| !packet.header.extension));
}

#[test]
fn sequence_numbers_wrap_and_old_ones_are_still_found() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = stream(TERMS, 65_534);
    let mut all = Vec::new();
    for seq in 0..3 {
        let entry = ring.push(frame(seq, seq == 0, 2), now);
        all.extend(whole(&mut viewer, &entry));
    }
    assert_eq!(numbers(&all), [65_534, 65_535, 0, 1, 2, 3]);
    for packet in &all {
        let Ok(again) = again(&mut viewer, packet.header.sequence_number, &ring, now) else {
            panic!("{} is in the ring", packet.header.sequence_number);
        };
        let again = &again[0];
        assert_eq!(again.payload[2..], packet.payload[..]);
    }
}

#[test]
fn a_retransmission_is_rtx_where_negotiated() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(3, false, 2), now);
    let mut viewer = stream(TERMS, 700);
    let sent: Vec<Packet> = whole(&mut viewer, &entry);
    let Ok(rtx) = again(&mut viewer, 701, &ring, now) else {
        panic!("it is in the ring");
    };
    let rtx = &rtx[0];
    assert_eq!((rtx.header.ssrc, rtx.header.payload_type), (0x2222, 104));
    assert_eq!(rtx.header.sequence_number, 7, "a number of its own");
    assert_eq!(rtx.header.timestamp, sent[1].header.timestamp);
    assert!(rtx.header.marker);
    assert_eq!(rtx.payload[..2], 701_u16.to_be_bytes());
    let Ok(next) = again(&mut viewer, 700, &ring, now) else {
        panic!("it is in the ring");
    };
    let next = &next[0];
    assert_eq!(next.header.sequence_number, 8);
    assert!(matches!(
        again(&mut viewer, 701, &ring, now),
        Err(ResendOutcome::Repeat)
    ));
}

#[test]
fn without_rtx_retransmissions_are_byte_identical() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(3, true, 2), now);
    let mut viewer = stream(StreamTerms { rtx: None, ..TERMS }, 700);
    let mut stamp = |_, _| Some(500);
    let sent = some(&mut viewer, &entry, 0..2, &mut stamp);
    // A new playout delay must not change the header of an old packet.
    viewer.set_delay(Duration::from_millis(300));
    for at in [now, now + Duration::from_millis(200)] {
        let Ok(again) = again(&mut viewer, 700, &ring, at) else {
            panic!("it is in the ring");
        };
        assert_eq!(again, [sent[0].clone()]);
    }
    // The ring still has the payload, but the header is forgotten, and a different header under the same
    // number would reuse the nonce.
    for _ in 0..520 {
        let more = RingFrame { ..entry.clone() };
        whole(&mut viewer, &more);
    }
    assert!(matches!(
        again(&mut viewer, 700, &ring, now + Duration::from_secs(1)),
        Err(ResendOutcome::Gone)
    ));
}

#[test]
fn after_a_pause_numbers_go_on_and_both_sides_of_the_gap_are_found() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = stream(TERMS, 10);
    let first = ring.push(frame(0, true, 2), now);
    let before: Vec<Packet> = whole(&mut viewer, &first);
    ring.push(frame(1, false, 5), now);
    let third = ring.push(frame(2, true, 2), now);
    let after: Vec<Packet> = whole(&mut viewer, &third);
    assert_eq!(numbers(&after), [12, 13], "no hole for what was not sent");
    for packet in before.iter().chain(&after) {
        let number = packet.header.sequence_number;
        let Ok(again) = again(&mut viewer, number, &ring, now) else {
            panic!("{number} is in the ring");
        };
        let again = &again[0];
        assert_eq!(again.payload[2..], packet.payload[..]);
    }
}

#[test]
fn packets_that_were_never_sent_are_not_resent() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(0, true, 2), now);
    let mut viewer = stream(TERMS, 10);
    assert!(matches!(
        again(&mut viewer, 9, &ring, now),
        Err(ResendOutcome::Gone)
    ));
    let count = whole(&mut viewer, &entry).len();
    assert_eq!(count, 2);
    for number in [9, 12, 40_000] {
        assert!(
            matches!(
                again(&mut viewer, number, &ring, now),
                Err(ResendOutcome::Gone)
            ),
            "{number}"
        );
    }
}

#[test]
fn numbers_continue_over_a_change_of_rendition_and_nacks_find_the_right_ring() {
    let (mut large, mut small, now) =
        (PacketRing::default(), PacketRing::default(), Instant::now());
    let other = RenditionId::new(2).expect("in range");
    let mut viewer = stream(TERMS, 10);
    let first = large.push(frame(0, true, 3), now);
    let mut sent = whole(&mut viewer, &first);
    // Both rings count from zero: a number alone does not name a packet.
    let second = small.push(frame_of(other, 1, true, 2), now);
    sent.extend(whole(&mut viewer, &second));
    assert_eq!(numbers(&sent), [10, 11, 12, 13, 14]);
    for packet in &sent {
        let find = |rendition, number| match rendition {
            RenditionId::MAIN => large.packet(number),
            _ => small.packet(number),
        };
        let number = packet.header.sequence_number;
        let Ok(again) = viewer.resend(number, find, now, ANSWERED, false, &mut |_, _| None) else {
            panic!("{number} is in its ring");
        };
        let again = &again[0];
        assert_eq!(again.payload[2..], packet.payload[..]);
        assert_eq!(again.header.timestamp, packet.header.timestamp);
    }
}

#[test]
fn the_second_round_goes_out_twice_under_two_numbers() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = stream(TERMS, 700);
    whole(&mut viewer, &ring.push(frame(4, false, 1), now));
    let later = now + Duration::from_millis(200);
    for (at, copies) in [(now, 1), (later, 2)] {
        let Ok(rtx) = again(&mut viewer, 700, &ring, at) else {
            panic!("it is in the ring");
        };
        assert_eq!(rtx.len(), copies);
        assert!(
            rtx.windows(2)
                .all(|pair| pair[0].payload == pair[1].payload)
        );
        // A receiver drops a packet whose number it has seen.
        let (first, last) = (&rtx[0].header, &rtx[copies - 1].header);
        let apart = last.sequence_number.wrapping_sub(first.sequence_number);
        assert_eq!(usize::from(apart), copies - 1);
    }
}

#[test]
fn packets_from_before_a_newer_keyframe_are_not_sent_again() {
    let (mut ring, start) = (PacketRing::default(), Instant::now());
    let mut viewer = stream(TERMS, 700);
    let at = |ms| start + Duration::from_millis(ms);
    whole(&mut viewer, &ring.push(frame(0, true, 2), start));
    whole(&mut viewer, &ring.push(frame(1, false, 1), at(30)));
    let keyframe = ring.push(frame(2, true, 2), at(60));
    some(&mut viewer, &keyframe, 0..1, &mut |_, _| None);
    let refused = |viewer: &mut RtpStream, number, ms| again(viewer, number, &ring, at(ms)).err();
    assert_eq!(
        refused(&mut viewer, 702, 400),
        None,
        "half of the keyframe has not left"
    );
    some(&mut viewer, &keyframe, 1..2, &mut |_, _| None);
    assert_eq!(
        refused(&mut viewer, 700, 200),
        None,
        "the keyframe may not have arrived"
    );
    assert_eq!(refused(&mut viewer, 701, 400), Some(ResendOutcome::Passed));
    assert_eq!(refused(&mut viewer, 703, 400), None, "the keyframe itself");
}

#[test]
fn a_frame_sent_in_runs_has_the_same_packets() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(4, true, 5), now);
    let (mut one, mut other) = (stream(TERMS, 10), stream(TERMS, 10));
    let mut runs = some(&mut other, &entry, 0..2, &mut |_, _| None);
    runs.extend(some(&mut other, &entry, 2..5, &mut |_, _| None));
    assert_eq!(whole(&mut one, &entry), runs);
    let sent = |stream: &RtpStream| (stream.sent_packets, stream.sent_payload_bytes);
    assert_eq!(sent(&one), sent(&other));
}

#[test]
fn transport_numbers_are_in_media_retransmissions_and_padding() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let entry = ring.push(frame(4, false, 2), now);
    let mut viewer = stream(TERMS, 10);
    let mut next = 500;
    let mut stamp = |bytes: usize, _| {
        assert!(bytes >= 60, "{bytes}");
        next += 1;
        Some(next)
    };
    let mut packets = some(&mut viewer, &entry, 0..2, &mut stamp);
    let find = |_, number| ring.packet(number);
    let Ok(rtx) = viewer.resend(11, find, now, ANSWERED, false, &mut stamp) else {
        panic!("it is in the ring");
    };
    let rtx = &rtx[0];
    packets.push(rtx.clone());
    let newest = ring.packet(entry.first).expect("it is in the ring");
    let padding = viewer
        .padding(&newest, entry.first, &mut stamp)
        .expect("RTX is negotiated");
    assert_eq!(padding.header.ssrc, 0x2222);
    assert_eq!(padding.payload[..2], 10_u16.to_be_bytes());
    packets.push(padding);
    let stamped: Vec<Vec<u8>> = packets
        .iter()
        .map(|packet| packet.header.get_extension(3).expect("a number").to_vec())
        .collect();
    assert_eq!(
        stamped,
        [501_u16, 502, 503, 504].map(|number| number.to_be_bytes().to_vec())
    );
    let mut plain = stream(StreamTerms { rtx: None, ..TERMS }, 10);
    whole(&mut plain, &entry);
    assert!(
        plain
            .padding(&newest, entry.first, &mut |_, _| None)
            .is_none()
    );
}

#[test]
fn a_changed_playout_delay_is_sent_with_a_few_frames_and_with_keyframes() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    let mut viewer = stream(TERMS, 10);
    viewer.set_delay(Duration::from_millis(290));
    let sent: Vec<Option<Vec<u8>>> = (0..8)
        .map(|seq| {
            let entry = ring.push(frame(seq, seq == 7, 2), now);
            let packets = whole(&mut viewer, &entry);
            packets[1]
                .header
                .get_extension(5)
                .map(|value| value.to_vec())
        })
        .collect();
    // 29 and 58 units of 10 ms: 0x01d, 0x03a.
    let value = Some(vec![0x01, 0xd0, 0x3a]);
    let mut expected = vec![value.clone(); 4];
    expected.extend([None, None, None, value]);
    assert_eq!(sent, expected);
}

#[test]
fn packets_without_a_transport_wide_number_are_not_recorded() {
    let terms = StreamTerms {
        transport_id: None,
        ..TERMS
    };
    let (mut stream, mut ring) = (RtpStream::new(terms, 0), PacketRing::default());
    let now = Instant::now();
    let entry = ring.push(frame(0, true, 3), now);
    let mut sent = 0;
    let stamp: &mut Stamp<'_> = &mut |_, _| panic!("no feedback will come");
    stream.packets(now, &entry, 0..3, stamp, &mut |_, _| sent += 1);
    assert_eq!(sent, 3);
}

#[test]
fn the_timestamp_runs_on_from_the_newest_frame() {
    let terms = StreamTerms {
        ssrc: 9,
        payload_type: 96,
        rtx: None,
        playout_delay_id: None,
        transport_id: None,
        needs_regular_keyframes: false,
    };
    let stream = RtpStream::new(terms, 0);
    let newest = frame(2, true, 1);
    let now = newest.captured_at + Duration::from_millis(100);
    let report = stream.report(&ReportClock::new(now, SystemTime::now()), &newest, now);
    assert_eq!((report.ssrc, report.rtp_time), (9, 6000 + 9000));
}
