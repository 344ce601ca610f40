use rtc::rtp::header::Header;

use super::super::packet_ring::tests::frame;
use super::super::rtp_stream::StreamTerms;
use super::*;

const MS: Duration = Duration::from_millis(1);

/// A viewer that was sent a keyframe of three packets, numbered from 0.
fn with_keyframe(start: Instant, ring: &mut PacketRing) -> MediaSender {
    let terms = StreamTerms {
        ssrc: 1,
        payload_type: 102,
        rtx: Some((2, 103)),
        playout_delay_id: None,
        transport_id: Some(3),
        needs_regular_keyframes: false,
    };
    let rtp = RtpStream::new(terms, 0);
    let mut media = MediaSender::new(start, rtp, RenditionChoice::Auto, RenditionId::MAIN);
    media.phase = Phase::Awaiting;
    let entry = ring.push(frame(0, true, 3), start);
    assert!(media.frame(start, &entry, &mut |_, _| {}).starts);
    media
}

fn again(media: &mut MediaSender, now: Instant, ring: &PacketRing) -> ResendOutcome {
    media.resend(now, 1, |_, number| ring.packet(number), &mut |_, _| {})
}

#[test]
fn a_pli_is_answered_by_the_packet_of_a_keyframe_that_was_sent_again() {
    let (mut ring, start) = (PacketRing::default(), Instant::now());
    let mut media = with_keyframe(start, &mut ring);
    let asked = start + 400 * MS;
    assert_eq!(again(&mut media, asked, &ring), ResendOutcome::Sent);
    assert!(!media.needs_keyframe(asked + 300 * MS));
    assert!(media.needs_keyframe(asked + 500 * MS), "it was lost, too");
}

#[test]
fn a_keyframe_is_requested_at_once_after_the_last_retransmission() {
    let (mut ring, start) = (PacketRing::default(), Instant::now());
    let mut media = with_keyframe(start, &mut ring);
    let at = |round: u32| start + round * 150 * MS;
    for round in 0..3 {
        assert_eq!(again(&mut media, at(round), &ring), ResendOutcome::Sent);
        let repeated = again(&mut media, at(round) + 80 * MS, &ring);
        assert_eq!(repeated, ResendOutcome::Repeat, "it may not have arrived");
    }
    assert_eq!(again(&mut media, at(3), &ring), ResendOutcome::Exhausted);
    assert!(media.needs_keyframe(at(3)));
}

#[test]
fn freezes_add_up_and_overlapping_ones_count_once() {
    let (mut clock, start) = (FreezeClock::default(), Instant::now());
    let at = |millis| start + Duration::from_millis(millis);
    clock.ended(at(5));
    clock.began(at(10));
    clock.began(at(200));
    assert_eq!(clock.total(at(300)), Duration::from_millis(290));
    clock.ended(at(310));
    clock.began(at(1000));
    clock.ended(at(1100));
    assert_eq!(clock.total(at(5000)), Duration::from_millis(400));
}

#[test]
fn the_second_picture_leaves_twice_over_a_slow_and_long_path() {
    let copies = |bps, round_trip| {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut media = with_keyframe(start, &mut ring);
        media.control.set_idle_round_trip(round_trip);
        media.control.start_limited(start, bps);
        let mut leaves = |seq: u64| {
            let now = start + Duration::from_millis(100 * seq);
            let (mut copies, entry) = (0, ring.push(frame(seq, false, 1), now));
            let sink = &mut |header: &Header, _: &[u8]| copies += usize::from(header.ssrc == 2);
            media.frame(now, &entry, sink);
            copies
        };
        [leaves(1), leaves(2)]
    };
    assert_eq!(copies(300_000, 100 * MS), [1, 0]);
    assert_eq!(copies(300_000, 20 * MS), [0, 0], "sent again in time");
    assert_eq!(copies(800_000, 100 * MS), [0, 0]);
}
