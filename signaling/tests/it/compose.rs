//! The compose thread with a fake painter, synthetic frames and the real encoder.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use capture::{Frame, I420, Next, Signal, WallClock};
use signaling::encode::encoder::{EncodeError, Encoded, Encoder};
use signaling::encode::openh264_encoder::OpenH264Encoder;
use signaling::{ComposeConfig, Rendition, RenditionId};

use crate::rig::{Rig, until};
use crate::timing::{HANG_TIMEOUT, expect_within};

const MAIN: RenditionId = RenditionId::MAIN;

#[test]
fn without_viewers_nothing_is_copied_painted_or_encoded() {
    let mut rig = Rig::new();
    (0..5).for_each(|_| {
        rig.publish(320, 180);
        std::thread::sleep(Duration::from_millis(10));
    });
    assert_eq!(rig.calls(), (0, 0));
    assert!(rig.composed.try_next().is_none() && rig.engine.try_recv().is_none());
    // The first picture is composed on the first request.
    let _lease = rig.demand.watch_picture();
    assert_eq!(rig.next_composed().seq, 4);
    assert_eq!(rig.calls(), (1, 0));
}

#[test]
fn the_first_viewer_gets_a_keyframe_of_the_current_frame() {
    let mut rig = Rig::new();
    rig.publish(320, 180);
    let begin = Instant::now();
    rig.demand.change_viewers(MAIN, 0, 1);
    let first = rig.receive();
    let limit = Duration::from_millis(150);
    expect_within("the first viewer's keyframe", begin.elapsed(), limit);
    assert!(first.keyframe && first.frame_seq == 0);
    assert_eq!(
        first.payloads[0][0] & 0x1f,
        24,
        "parameter sets first, aggregated"
    );
    let mut last_ticks = first.rtp_ticks;
    for seq in 1..4 {
        let frame = rig.publish_and_receive(320, 180);
        assert_eq!((frame.keyframe, frame.frame_seq), (false, seq));
        assert_eq!(
            frame.bytes,
            frame.payloads.iter().map(bytes::Bytes::len).sum::<usize>()
        );
        assert!(frame.rtp_ticks > last_ticks);
        last_ticks = frame.rtp_ticks;
    }
    assert_eq!(
        (rig.metrics.encoded.get(), rig.metrics.keyframes.get()),
        (4, 1)
    );
}

#[test]
fn a_picture_lease_composes_at_once_and_encodes_nothing() {
    let mut rig = Rig::new();
    rig.publish(320, 180);
    let lease = rig.demand.watch_picture();
    let composed = rig.next_composed();
    let clean = composed.clean.as_ref().expect("a frame, not a card");
    assert_eq!((composed.painted.planes().y[0], composed.seq), (235, 0));
    assert_ne!(
        clean.pixels.planes().y[0],
        235,
        "the unpainted frame is unchanged"
    );
    drop(lease);
    rig.publish(320, 180);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(rig.calls(), (1, 0));
    let _lease = rig.demand.watch_picture();
    assert_eq!(rig.next_composed().seq, 1);
    assert!(rig.engine.try_recv().is_none() && rig.metrics.encoded.get() == 0);
}

#[test]
fn a_stalled_source_shows_a_card_and_recovers() {
    let mut rig = Rig::new();
    let _lease = rig.demand.watch_picture();
    rig.publish(320, 180);
    assert!(rig.next_composed().clean.is_some());
    let stalled_at = Instant::now();
    rig.publish_last(320, 180);
    let mut card = rig.next_composed();
    while card.clean.is_some() {
        card = rig.next_composed();
    }
    // `pacing/tests.rs` checks the limit of two seconds on a virtual clock.
    let took = stalled_at.elapsed();
    assert!(took >= Frame::STALE_AFTER, "not at once: {took:?}");
    expect_within("a card", took, Duration::from_secs(2));
    assert_eq!(
        (card.painted.width(), card.painted.height()),
        (320, 180),
        "no size change"
    );
    rig.publish(320, 180);
    while rig.next_composed().clean.is_none() {}
    assert!(rig.calls().0 <= 3, "each frame is painted once");
}

#[test]
fn a_lost_source_shows_its_card_at_once_at_five_frames_a_second() {
    let mut rig = Rig::new();
    rig.demand.change_viewers(MAIN, 0, 1);
    rig.publish(320, 180);
    let first = rig.receive();
    let begin = Instant::now();
    let reason = "Camera unplugged. Waiting for it.".into();
    rig.signal.publish(Signal::Lost {
        source: "camera".into(),
        reason,
        since: Instant::now(),
    });
    let cards = [rig.receive(), rig.receive(), rig.receive()];
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
    expect_within("three cards", took, Duration::from_secs(1));
    assert!(cards.iter().all(|card| card.frame_seq == first.frame_seq));
    let frame = rig.publish_and_receive(320, 180);
    assert!(frame.frame_seq == 1 && frame.rtp_ticks > cards[2].rtp_ticks);
}

#[test]
fn a_size_change_makes_a_keyframe_and_large_frames_are_scaled() {
    let mut rig = Rig::new();
    rig.demand.change_viewers(MAIN, 0, 1);
    let sizes = [(320, 180), (320, 180), (640, 480), (640, 480), (1920, 1080)];
    let keyframes = sizes.map(|(width, height)| rig.publish_and_receive(width, height).keyframe);
    assert_eq!(keyframes, [true, false, true, false, true]);
    let painted = &rig.next_composed().painted;
    assert_eq!((painted.width(), painted.height()), (1280, 720));
}

#[test]
fn a_stuck_engine_drops_counted_frames_and_recovers_with_a_keyframe() {
    let mut rig = Rig::with(ComposeConfig::new(WallClock::start()), 2);
    rig.demand.change_viewers(MAIN, 0, 1);
    let _lease = rig.demand.watch_picture();
    for _ in 0..5 {
        rig.publish(320, 180);
        rig.next_composed();
    }
    assert!(until(|| rig.metrics.dropped.get() >= 3));
    let mut before = rig.receive();
    assert!(before.keyframe, "the queue starts with a keyframe");
    while rig.metrics.keyframes.get() < 2 || before.frame_seq < 4 {
        let next = rig.receive();
        assert!(
            next.keyframe || next.frame_seq == before.frame_seq + 1,
            "{} after {}",
            next.frame_seq,
            before.frame_seq
        );
        before = next;
    }
}

#[test]
fn a_keyframe_request_without_new_frames_repeats_the_last_picture() {
    let mut rig = Rig::new();
    rig.demand.change_viewers(MAIN, 0, 1);
    rig.publish(320, 180);
    let first = rig.receive();
    rig.demand.request_keyframe(MAIN);
    rig.demand.request_keyframe(MAIN);
    let repeat = rig.receive();
    assert!(repeat.keyframe && repeat.frame_seq == first.frame_seq);
    let apart = Duration::from_micros(u64::from(repeat.rtp_ticks - first.rtp_ticks) * 1000 / 90);
    // Both timestamps are rounded down to a tick of the RTP clock.
    assert!(apart.as_millis() >= 499, "spaced by {apart:?}");
    expect_within("the next keyframe", apart, Duration::from_secs(1));
    assert_eq!(
        rig.metrics.repeats.get(),
        1,
        "two requests coalesce to one keyframe"
    );
}

/// Panics at its third picture.
struct Fragile(OpenH264Encoder, usize);

impl Encoder for Fragile {
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
    ) -> Result<Encoded<'_>, EncodeError> {
        self.1 += 1;
        assert!(self.1 < 3, "a driver failure");
        self.0.encode(picture, force_keyframe, ticks)
    }

    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError> {
        self.0.set_bitrate(bitrate_bps)
    }
}

#[test]
fn a_panicking_encoder_is_replaced() {
    let mut config = ComposeConfig::new(WallClock::start());
    config.new_encoder =
        Box::new(|rendition: &Rendition| Box::new(Fragile(OpenH264Encoder::new(rendition), 0)));
    let mut rig = Rig::with(config, 64);
    rig.demand.change_viewers(MAIN, 0, 1);
    let before = [
        rig.publish_and_receive(320, 180),
        rig.publish_and_receive(320, 180),
    ];
    assert!(before[0].keyframe && !before[1].keyframe);
    rig.publish(320, 180);
    assert!(until(|| rig.metrics.encoder_failures.get() == 1));
    // Longer than a new encoder waits after the first failure.
    std::thread::sleep(Duration::from_millis(150));
    let after = rig.publish_and_receive(320, 180);
    assert!(after.keyframe, "the new encoder starts with a keyframe");
    assert_eq!(rig.metrics.encoder_failures.get(), 1);
}

#[test]
fn a_panicking_painter_loses_only_its_picture() {
    let mut rig = Rig::new();
    rig.demand.change_viewers(MAIN, 0, 1);
    rig.painted.panic.store(true, Ordering::Relaxed);
    rig.publish(320, 180);
    assert!(until(|| rig.metrics.picture_failures.get() == 1));
    rig.painted.panic.store(false, Ordering::Relaxed);
    let frame = rig.publish_and_receive(320, 180);
    assert!(
        frame.keyframe && frame.frame_seq == 1,
        "no half-painted picture is sent"
    );
}

#[test]
fn a_rendition_is_encoded_only_while_it_has_viewers() {
    let small = RenditionId::new(1).expect("in range");
    let mut config = ComposeConfig::new(WallClock::start());
    config.renditions.truncate(1);
    config.renditions.push(Rendition {
        id: small,
        width: 160,
        height: 90,
        bitrate_bps: 100_000,
        fps: 30,
    });
    let mut rig = Rig::with(config, 64);
    rig.demand.change_viewers(small, 0, 1);
    let only = rig.publish_and_receive(320, 180);
    assert!(only.rendition == small && only.keyframe);
    rig.demand.change_viewers(MAIN, 0, 1);
    let both = [rig.publish_and_receive(320, 180), rig.receive()];
    assert!(both[0].rendition == MAIN && both[0].keyframe);
    assert!(both[1].rendition == small && !both[1].keyframe);
    assert_eq!(
        both[0].rtp_ticks + 1,
        both[1].rtp_ticks,
        "the smaller rendition is encoded second"
    );
}

#[test]
fn a_rendition_with_half_the_frame_rate_gets_every_other_picture() {
    let slow = RenditionId::new(1).expect("in range");
    let mut config = ComposeConfig::new(WallClock::start());
    config.renditions.truncate(1);
    config.renditions.push(Rendition {
        id: slow,
        width: 160,
        height: 90,
        bitrate_bps: 100_000,
        fps: 15,
    });
    let mut rig = Rig::with(config, 64);
    rig.demand.change_viewers(MAIN, 0, 1);
    rig.demand.change_viewers(slow, 0, 1);
    let mut counts = [0, 0];
    for _ in 0..30 {
        rig.publish_evenly(320, 180);
        // Wait for the main rendition, so that no frame replaces one that was not composed yet.
        loop {
            let frame = rig.receive();
            counts[frame.rendition.index()] += 1;
            if frame.rendition == MAIN {
                break;
            }
        }
    }
    // The rate limit has a tolerance of a tenth, so that one more may pass; the last may still be queued.
    assert_eq!(counts[0], 30);
    assert!((14..=17).contains(&counts[1]), "{counts:?}");
}

#[test]
fn closing_the_frame_slot_ends_the_thread() {
    let mut rig = Rig::new();
    let _lease = rig.demand.watch_picture();
    rig.frames.close();
    assert!(matches!(rig.composed.wait(HANG_TIMEOUT), Next::Closed));
}

#[test]
fn a_new_picture_epoch_forgets_every_picture_and_starts_with_a_keyframe() {
    let mut rig = Rig::new();
    rig.demand.change_viewers(RenditionId::MAIN, 0, 1);
    assert!(rig.publish_and_receive(320, 180).keyframe);
    assert!(!rig.publish_and_receive(320, 180).keyframe);
    // The slot is emptied first, as by a closing shutter.
    rig.frames.clear();
    rig.demand.begin_picture_epoch();
    rig.demand.request_keyframe(RenditionId::MAIN);
    std::thread::sleep(Duration::from_millis(150));
    assert!(
        rig.engine.try_recv().is_none(),
        "no old picture is repeated"
    );
    assert!(rig.publish_and_receive(320, 180).keyframe);
}
