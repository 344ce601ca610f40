use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::*;

fn frame(index: usize, frame_seq: u64, keyframe: bool) -> EncodedFrame {
    EncodedFrame {
        rendition: RenditionId::new(index).expect("in range"),
        keyframe,
        frame_seq,
        captured_at: Instant::now(),
        rtp_ticks: 0,
        payloads: Vec::new(),
        bytes: 0,
        trace: None,
    }
}

fn drain(receiver: &FrameReceiver) -> Vec<u64> {
    std::iter::from_fn(|| receiver.try_recv())
        .map(|frame| frame.frame_seq)
        .collect()
}

#[test]
fn frames_come_out_in_order_and_each_wakes_the_engine() {
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    let wake = Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let (sink, receiver) = frame_queue(4, wake);
    (0..3).for_each(|seq| {
        let sent = sink.send(frame(0, seq, seq == 0));
        assert_eq!(
            sent,
            Sent {
                dropped: 0,
                needs_keyframe: false
            }
        );
    });
    assert_eq!(
        (drain(&receiver), woken.load(Ordering::Relaxed)),
        (vec![0, 1, 2], 3)
    );
    drop(sink);
    assert!(receiver.is_finished());
}

#[test]
fn a_full_queue_drops_up_to_the_next_keyframe() {
    let (sink, receiver) = frame_queue(2, Box::new(|| {}));
    sink.send(frame(0, 0, true));
    sink.send(frame(0, 1, false));
    assert_eq!(
        sink.send(frame(0, 2, false)),
        Sent {
            dropped: 1,
            needs_keyframe: true
        }
    );
    assert!(receiver.try_recv().is_some());
    let still_broken = sink.send(frame(0, 3, false));
    assert_eq!(
        still_broken,
        Sent {
            dropped: 1,
            needs_keyframe: true
        },
        "room, but no reference"
    );
    let restored = sink.send(frame(0, 4, true));
    assert_eq!(
        restored,
        Sent {
            dropped: 1,
            needs_keyframe: false
        },
        "frame 1 was replaced"
    );
    sink.send(frame(0, 5, false));
    assert_eq!(drain(&receiver), [4, 5]);
}

#[test]
fn a_dropped_frame_affects_only_its_own_rendition() {
    let (sink, receiver) = frame_queue(2, Box::new(|| {}));
    sink.send(frame(1, 10, true));
    sink.send(frame(0, 0, true));
    assert!(sink.send(frame(0, 1, false)).needs_keyframe);
    assert_eq!(drain(&receiver), [10, 0]);
    assert!(!sink.send(frame(1, 11, false)).needs_keyframe);
    assert_eq!(drain(&receiver), [11]);
}

#[test]
fn a_receiver_that_hangs_does_not_affect_another_one() {
    let (mut sink, hanging) = frame_queue(2, Box::new(|| {}));
    let other = sink.add_receiver(Box::new(|| {}));
    let mut got = Vec::new();
    for seq in 0..4 {
        let sent = sink.send(frame(0, seq, seq == 0));
        assert_eq!(sent.needs_keyframe, seq >= 2, "for the receiver that hangs");
        got.extend(drain(&other));
    }
    assert_eq!((got, drain(&hanging)), (vec![0, 1, 2, 3], vec![0, 1]));
    drop(hanging);
    assert!(!sink.is_closed());
    drop(other);
    assert!(sink.is_closed());
}

#[test]
fn without_an_engine_frames_are_dropped_and_need_no_keyframe() {
    let (sink, receiver) = frame_queue(2, Box::new(|| {}));
    drop(receiver);
    assert!(sink.is_closed());
    assert_eq!(
        sink.send(frame(0, 0, true)),
        Sent {
            dropped: 1,
            needs_keyframe: false
        }
    );
}

fn tap(capacity: usize) -> (FrameSink, FrameTap, Arc<Demand>, Counter) {
    let (demand, dropped) = (Demand::new(), Counter::default());
    let mut sink = FrameSink::new(1);
    let tap = sink.add_tap(Arc::clone(&demand), capacity, dropped.clone());
    (sink, tap, demand, dropped)
}

/// The frames that are queued in a tap.
fn drain_tap(open: &mut OpenTap<'_>) -> Vec<u64> {
    let mut context = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match std::pin::pin!(open.next()).poll(&mut context) {
        Poll::Ready(frame) => frame,
        Poll::Pending => None,
    })
    .map(|frame| frame.frame_seq)
    .collect()
}

#[test]
fn a_closed_tap_takes_no_frames_and_counts_as_no_viewer() {
    let (sink, mut tap, demand, dropped) = tap(4);
    let sent = sink.send(frame(0, 0, true));
    assert_eq!(sent.dropped, 0, "a closed tap counts no drops");
    assert!(!demand.somebody_watches());
    let mut open = tap.open();
    open.watch(&[RenditionId::MAIN]);
    assert!(drain_tap(&mut open).is_empty());
    assert_eq!(demand.viewers(RenditionId::MAIN), 1);
    assert!(
        demand
            .keyframe_gate(RenditionId::MAIN)
            .is_due(Instant::now())
    );
    drop(open);
    assert!(!demand.somebody_watches() && dropped.get() == 0);
}

#[test]
fn a_tap_begins_with_a_keyframe() {
    let (sink, mut tap, _, dropped) = tap(4);
    let mut open = tap.open();
    open.watch(&[RenditionId::MAIN]);
    (0..5).for_each(|seq| _ = sink.send(frame(0, seq, seq == 2)));
    assert_eq!((drain_tap(&mut open), dropped.get()), (vec![2, 3, 4], 2));
    drop(sink);
    let mut context = Context::from_waker(Waker::noop());
    let end = std::pin::pin!(open.next()).poll(&mut context);
    assert!(matches!(end, Poll::Ready(None)));
}

#[test]
fn a_full_tap_drops_to_the_next_keyframe_and_has_its_own_counter() {
    let (sink, mut tap, _, dropped) = tap(2);
    let mut open = tap.open();
    open.watch(&[RenditionId::MAIN]);
    for seq in 0..6 {
        let sent = sink.send(frame(0, seq, seq == 0 || seq == 4));
        assert_eq!(sent.needs_keyframe, seq == 2 || seq == 3);
        assert_eq!(sent.dropped, 0, "the tap has a counter of its own");
    }
    assert_eq!(drain_tap(&mut open), [4, 5]);
    assert_eq!(dropped.get(), 4, "2 and 3 refused, 0 and 1 replaced");
}

#[test]
fn frames_of_other_renditions_do_not_reach_a_tap() {
    let (sink, mut tap, _, dropped) = tap(2);
    let mut open = tap.open();
    open.watch(&[RenditionId::MAIN]);
    sink.send(frame(1, 0, true));
    assert!(drain_tap(&mut open).is_empty() && dropped.get() == 0);
}

#[test]
fn a_tap_changes_renditions_and_each_begins_with_a_keyframe() {
    let (sink, mut tap, demand, dropped) = tap(8);
    let smaller = RenditionId::new(1).expect("in range");
    let mut open = tap.open();
    open.watch(&[RenditionId::MAIN]);
    sink.send(frame(0, 0, true));
    open.watch(&[RenditionId::MAIN, smaller]);
    assert!(demand.keyframe_gate(smaller).is_due(Instant::now()));
    sink.send(frame(0, 1, false));
    assert!(sink.send(frame(1, 2, false)).needs_keyframe);
    sink.send(frame(1, 3, true));
    assert_eq!(drain_tap(&mut open), [0, 1, 3]);
    sink.send(frame(0, 4, false));
    open.watch(&[smaller]);
    assert_eq!(
        (demand.viewers(RenditionId::MAIN), demand.viewers(smaller)),
        (0, 1)
    );
    sink.send(frame(0, 5, false));
    sink.send(frame(1, 6, false));
    assert_eq!(drain_tap(&mut open), [6]);
    assert_eq!(dropped.get(), 1, "the frame before the keyframe");
}

#[test]
fn an_open_tap_does_not_keep_the_sink_open() {
    let (mut sink, mut tap, _, _) = tap(2);
    let _open = tap.open();
    let receiver = sink.add_receiver(Box::new(|| {}));
    assert!(!sink.is_closed());
    drop(receiver);
    assert!(sink.is_closed());
}
