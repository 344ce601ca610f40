//! One viewer: how its picture starts and continues.

use std::time::{Duration, Instant};

use str0m::media::KeyframeRequestKind;

use crate::client::{Client, run, run_for};
use crate::clip::eprint_line;
use crate::studio::{Studio, eventually};
use crate::timing::{HANG_TIMEOUT, expect_within};

#[test]
fn a_viewer_gets_a_keyframe_first_and_every_later_packet() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "90 packets without a hole", |clients| {
        clients[0].got.len() > 90 && clients[0].missing() == 0
    });
    let client = &mut clients[0];
    client.got.sort_by_key(|got| got.number);
    client.got.dedup_by_key(|got| got.number);
    let first = &client.got[0];
    assert!(first.keyframe && first.no_delay, "{first:?}");
    for (before, after) in client.got.iter().zip(&client.got[1..]) {
        assert_eq!(
            after.number,
            before.number + 1,
            "sequence numbers without a gap"
        );
        assert_eq!(after.timestamp == before.timestamp, !before.marker);
        let frames = after.frame - before.frame;
        assert_eq!(frames, u64::from(before.marker), "frames without a gap");
        let ticks = after.timestamp.wrapping_sub(before.timestamp);
        assert_eq!(u64::from(ticks), frames * 3000);
    }
    let connect = client.connected_at.expect("connected") - client.offered_at;
    eprint_line(&format!("connected after {connect:?}"));
    let picture = client.first_packet_at.expect("media") - client.offered_at;
    expect_within("the first packet", picture, Duration::from_millis(400));
    assert_eq!(studio.demand.viewers(signaling::RenditionId::MAIN), 1);
    eventually("reports", || {
        let viewers = studio.engine.viewers();
        viewers.len() == 1 && viewers[0].connected
    });
}

#[test]
fn ordinary_frames_leave_in_one_send_each() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    let count = || (studio.metrics.packets.get(), studio.metrics.offloads.get());
    // On a busy machine the viewer is slow, and its frames are paced.
    let until = Instant::now() + HANG_TIMEOUT;
    while Instant::now() < until {
        let before = count();
        run_for(&mut clients, Duration::from_millis(700));
        let after = count();
        let (packets, offloads) = (after.0 - before.0, after.1 - before.1);
        eprint_line(&format!(
            "{packets} datagrams in {offloads} offloaded sends"
        ));
        if offloads == 0 {
            eprint_line("skipped: this kernel has no UDP segmentation offload");
            return;
        }
        // Five datagrams per frame, and some reports.
        if packets <= offloads * 5 + 12 {
            return;
        }
    }
    panic!("frames were split in every attempt");
}

#[test]
fn keyframe_requests_coalesce() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio), Client::joined(&studio)];
    run(&mut clients, "pictures", |clients| {
        clients.iter().all(|c| !c.got.is_empty())
    });
    run_for(&mut clients, Duration::from_millis(600));
    let (before, began) = (studio.keyframes(), Instant::now());
    let (plis, firs) = (&studio.metrics.plis, &studio.metrics.firs);
    let before_that = (plis.get(), firs.get());
    let mut ask = |kind, what, come: &dyn Fn() -> bool| {
        clients
            .iter_mut()
            .for_each(|client| client.request_keyframe(kind));
        run(&mut clients, what, |_| come());
    };
    // One kind after the other, because the client drops a request when a newer one follows.
    ask(KeyframeRequestKind::Pli, "requests", &|| {
        plis.get() >= before_that.0 + 2
    });
    ask(KeyframeRequestKind::Fir, "other requests", &|| {
        firs.get() >= before_that.1 + 2
    });
    run(&mut clients, "a keyframe for both", |clients| {
        let mut newest = clients
            .iter()
            .map(|client| client.got.iter().rposition(|got| got.keyframe));
        newest.all(|newest| newest.is_some_and(|at| at > 40))
    });
    run_for(&mut clients, Duration::from_millis(100));
    // One keyframe for all requests within half a second.
    let most = 1 + began.elapsed().as_millis() / 500;
    let made = u128::from(studio.keyframes() - before);
    assert!((1..=most).contains(&made), "{made}, at most {most}");
}

#[test]
fn reports_give_the_round_trip() {
    let studio = Studio::open();
    let began = Instant::now();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a round trip", |_| {
        let viewers = studio.engine.viewers();
        viewers.iter().any(|viewer| viewer.round_trip.is_some())
    });
    let viewer = studio.engine.viewers()[0].clone();
    let round_trip = viewer.round_trip.expect("told");
    assert!(round_trip <= began.elapsed(), "{viewer:?}");
    expect_within("a round trip", round_trip, Duration::from_millis(100));
    assert_eq!(viewer.loss, Some(0.0));
}
