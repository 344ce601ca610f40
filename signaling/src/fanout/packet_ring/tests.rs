use super::*;
use crate::encode::encoder::RenditionId;

/// A frame of `packets` packets whose payloads begin with the frame's number.
pub(crate) fn frame(seq: u64, keyframe: bool, packets: usize) -> Arc<EncodedFrame> {
    frame_of(RenditionId::MAIN, seq, keyframe, packets)
}

pub(crate) fn frame_of(
    rendition: RenditionId,
    seq: u64,
    keyframe: bool,
    packets: usize,
) -> Arc<EncodedFrame> {
    let payloads: Vec<Bytes> = (0..packets)
        .map(|index| {
            let number = u8::try_from(seq % 256).expect("under 256");
            let mut bytes = vec![number, u8::try_from(index).expect("few packets")];
            bytes.resize(if index + 1 == packets { 60 } else { 100 }, 7);
            Bytes::from(bytes)
        })
        .collect();
    Arc::new(EncodedFrame {
        rendition,
        keyframe,
        frame_seq: seq,
        captured_at: Instant::now(),
        rtp_ticks: u32::try_from(seq * 3000).expect("small"),
        bytes: payloads.iter().map(Bytes::len).sum(),
        payloads,
        trace: None,
    })
}

#[test]
fn packets_are_found_by_number() {
    let (mut ring, now) = (PacketRing::default(), Instant::now());
    ring.push(frame(0, true, 3), now);
    ring.push(frame(1, false, 1), now);
    let last = ring.push(frame(2, false, 2), now);
    assert_eq!(last.first, 4);
    let found: Vec<(u8, u8, bool)> = (0..6)
        .map(|number| {
            let packet = ring.packet(number).expect("still there");
            (packet.payload[0], packet.payload[1], packet.marker)
        })
        .collect();
    let expected = [
        (0, 0, false),
        (0, 1, false),
        (0, 2, true),
        (1, 0, true),
        (2, 0, false),
        (2, 1, true),
    ];
    assert_eq!(found, expected);
    assert!(ring.packet(6).is_none());
}

#[test]
fn old_frames_go_and_the_replay_starts_at_the_newest_keyframe() {
    let (mut ring, start) = (PacketRing::default(), Instant::now());
    let at = |index: u64| start + Duration::from_millis(33 * index);
    (0..100).for_each(|index| {
        ring.push(frame(index, index == 0 || index == 80, 2), at(index));
    });
    assert!(ring.packet(0).is_none(), "3.3 s old");
    assert_eq!(ring.keyframe_at(), Some(at(80)));
    let replay: Vec<u64> = ring.since_keyframe().map(|f| f.frame.frame_seq).collect();
    assert_eq!(replay, (80..100).collect::<Vec<_>>());
    (100..160).for_each(|index| {
        ring.push(frame(index, false, 2), at(index));
    });
    assert_eq!(ring.keyframe_at(), None, "the keyframe itself is gone");
    assert_eq!(ring.since_keyframe().count(), 0);
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_fresh_keyframe_is_replayed_and_an_old_one_is_not() {
    let key = Instant::now();
    let starts = |offered: u32, now: u32| {
        starts_from_cache(key + offered * MS, key + now * MS, Some(MS), Some(key))
    };
    assert!(starts(0, 60) && starts(499, 500) && !starts(501, 560));
    assert!(starts(480, 1100), "asked in time, connected slowly");
    assert!(!starts(480, 1300) && !starts_from_cache(key, key, None, None));
    let far = |now: u32| starts_from_cache(key, key + now * MS, Some(40 * MS), Some(key));
    assert!(far(100) && !far(110), "too much at once");
    let early = key.checked_sub(50 * MS).unwrap_or(key);
    let own = starts_from_cache(early, key + 10 * MS, None, Some(key));
    assert!(own, "its own keyframe");
}

#[test]
fn a_join_needs_a_keyframe_only_when_the_cache_is_stale() {
    let key = Instant::now();
    assert!(join_needs_keyframe(key, None));
    assert!(!join_needs_keyframe(key + 400 * MS, Some(key)));
    assert!(join_needs_keyframe(key + 600 * MS, Some(key)));
}
