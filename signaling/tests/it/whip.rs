//! Publishing in: a published picture becomes the source, losses are repaired, and the previous source
//! returns when it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{
    CaptureConfig, CaptureHandle, CaptureMetrics, Frame, Signal, Slot, SourceSpec, SourceSwitch,
    WallClock, Wanted,
};
use signaling::whep::Reply;
use signaling::whip::{SessionPatch, UnitDrop, Whip, WhipMetrics, WhipPost};
use signaling::{Demand, Engine, EngineConfig, EngineHandle, EngineMetrics};

use crate::clip::eprint_line;
use crate::remote_end::trickled;
use crate::studio::{block_on, threads};
use crate::timing::{HANG_TIMEOUT, expect_within};
use crate::whip_client::{HALVES, Publisher, SIZE};
use crate::wire::Wire;

/// Time limit for the return of the previous source.
const BACK_WITHIN: Duration = Duration::from_secs(2);
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A station that shows the test scene and accepts publishers.
struct Station {
    engine: EngineHandle,
    whip: Whip,
    metrics: Arc<WhipMetrics>,
    engine_metrics: Arc<EngineMetrics>,
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    registered: capture::Threads,
    _capture: CaptureHandle,
}

impl Station {
    fn open() -> Self {
        let (frames, signal) = (Slot::new(), Slot::new());
        let switch = SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signal));
        let config = CaptureConfig {
            selected: SourceSpec::Scene.into(),
            cameras: Vec::new(),
            wanted: Wanted::default(),
            camera: std::sync::Arc::default(),
            demand: None,
            loop_file: false,
            clock: WallClock::start(),
            threads: capture::Threads::default(),
            is_shuttered: false,
        };
        let metrics = Arc::new(CaptureMetrics::default());
        let capture = capture::spawn(&config, Arc::clone(&switch), metrics).expect("threads");
        let engine_metrics = Arc::new(EngineMetrics::default());
        let registered = capture::Threads::default();
        let config = EngineConfig {
            media_port: 0,
            threads: threads().unwrap_or(1),
            registered: registered.clone(),
            ..EngineConfig::default()
        };
        // Without viewers the encoder's side is not needed.
        let (engine, _) = Engine::start(config, Demand::new(), Arc::clone(&engine_metrics))
            .expect("a free port is free");
        let metrics = Arc::new(WhipMetrics::default());
        let station = Self {
            whip: Whip::new(engine.clone(), switch, Arc::clone(&metrics)),
            engine,
            metrics,
            engine_metrics,
            frames,
            signal,
            registered,
            _capture: capture,
        };
        station.wait_for_scene();
        station
    }

    fn post(&self, offer: &str, takes_over: bool) -> Reply {
        block_on(self.whip.post(WhipPost {
            content_type: Some("application/sdp"),
            host: Some("localhost:8080"),
            user_agent: Some("Mozilla/5.0 (Linux; Android 16) Chrome/140.0"),
            takes_over,
            body: offer.as_bytes(),
        }))
    }

    fn patch(&self, id: &str, tag: Option<&str>, kind: &str, body: &str) -> Reply {
        let patch = SessionPatch {
            if_match: tag,
            content_type: Some(kind),
            host: Some("localhost:8080"),
            body: body.as_bytes(),
        };
        block_on(self.whip.patch(id, patch))
    }

    /// A publisher whose picture is shown, and its session id.
    fn with_publisher(&self) -> (Publisher, String) {
        let mut publisher = Publisher::new();
        let reply = self.post(&publisher.offer, false);
        assert_eq!(reply.status, 201, "{}", reply.body);
        let location = reply.header("Location").expect("a session");
        let id = location.strip_prefix("whip/").expect("below the endpoint");
        publisher.accept(&reply.body);
        publisher.run("the picture is live", |_| self.publisher_is_live());
        (publisher, id.to_owned())
    }

    fn live_size(&self) -> (u32, u32) {
        let frame = self.frames.latest().expect("a frame is live");
        (frame.pixels.width(), frame.pixels.height())
    }

    fn publisher_is_live(&self) -> bool {
        let named = matches!(self.signal.latest().as_deref(),
            Some(Signal::Live { source, .. }) if source == "phone camera");
        named && self.live_size() == SIZE
    }

    fn scene_is_live(&self) -> bool {
        let named = matches!(self.signal.latest().as_deref(),
            Some(Signal::Live { source, .. }) if source == "test scene");
        let frame = self.frames.latest();
        named && frame.is_some_and(|frame| frame.pixels.width() == 1280)
    }

    fn wait_for_scene(&self) {
        let until = Instant::now() + HANG_TIMEOUT;
        while !self.scene_is_live() {
            assert!(Instant::now() < until, "the scene is not live");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the return of the scene.
    fn scene_back(&self, what: &str) {
        let from = Instant::now();
        self.wait_for_scene();
        let what = format!("the scene is back, {what}");
        expect_within(&what, from.elapsed(), BACK_WITHIN);
    }

    fn dropped(&self, cause: UnitDrop) -> u64 {
        let dropped = &self.metrics.dropped;
        dropped.get_or_create_owned(&[("kind", cause)]).get()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

/// Mean luma of both halves, without their edges.
fn halves_of(frame: &Frame) -> [u8; 2] {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let luma = frame.pixels.planes().y;
    [0, 1].map(|half| {
        let from = half * width / 2 + 20;
        let rows = luma.chunks_exact(width).skip(20).take(height - 40);
        let pixels = rows.flat_map(|row| &row[from..from + width / 2 - 40]);
        let (sum, count) = pixels.fold((0_u64, 0_u64), |(sum, count), luma| {
            (sum + u64::from(*luma), count + 1)
        });
        u8::try_from(sum / count).expect("a mean of bytes")
    })
}

#[test]
fn a_published_picture_is_the_source_until_it_is_deleted() {
    let station = Station::open();
    let (mut publisher, id) = station.with_publisher();
    assert_eq!(station.metrics.publishers.get(), 1);
    publisher.run("pictures, and reports on arrivals", |publisher| {
        let pictures = station.metrics.pictures.get();
        pictures >= 20 && publisher.estimates > 0 && station.publisher_is_live()
    });
    let frame = station.frames.latest().expect("a frame is live");
    for (seen, sent) in halves_of(&frame).into_iter().zip(HALVES) {
        assert!(seen.abs_diff(sent) <= 3, "{seen} instead of {sent}");
    }
    let age = frame.captured_at.elapsed();
    expect_within("age of the picture", age, Duration::from_millis(500));
    // On a busy machine a slow decoder requests a keyframe although nothing was lost.
    let is_behind = station.dropped(UnitDrop::Behind) > 0;
    assert!(publisher.keyframes_asked == 0 || is_behind);
    assert_eq!(block_on(station.whip.delete(&id)).status, 200);
    station.scene_back("deleted");
    publisher.run("the DTLS close", |publisher| publisher.closed);
    assert_eq!(block_on(station.whip.delete(&id)).status, 404);
    assert_eq!(station.metrics.publishers.get(), 0);
}

#[test]
fn the_published_picture_continues_after_a_panic_of_the_decoder_thread() {
    let station = Station::open();
    let (mut publisher, _) = station.with_publisher();
    let registered = &station.registered;
    registered.inject("whip-decode", capture::InjectedFault::Panic);
    publisher.run("a restart", |_| registered.restarts("whip-decode") == 1);
    let before = station.metrics.pictures.get();
    publisher.run("the picture continues", |_| {
        station.metrics.pictures.get() > before + 10 && station.publisher_is_live()
    });
    registered.inject("whip-decode", capture::InjectedFault::Hang);
    publisher.run("the hang is reported", |_| {
        registered.skip_time(2 * capture::TURN_MAX);
        let faults = registered.faults(Instant::now());
        let mut told = faults.iter().map(ToString::to_string);
        told.any(|words| words == "whip-decode hangs")
    });
    registered.inject("whip-decode", capture::InjectedFault::None);
}

#[test]
fn the_previous_source_returns_after_every_other_end_too() {
    let station = Station::open();
    let (mut publisher, id) = station.with_publisher();
    publisher.filming = false;
    let from = Instant::now();
    publisher.run("the scene returns", |_| station.scene_is_live());
    let what = "the scene is back, a silent camera";
    expect_within(what, from.elapsed(), BACK_WITHIN);
    publisher.filming = true;
    publisher.run("the camera returns", |_| station.publisher_is_live());
    publisher.close();
    station.scene_back("closed");
    assert_eq!(
        block_on(station.whip.delete(&id)).status,
        200,
        "the session still exists"
    );

    let (publisher, _) = station.with_publisher();
    drop(publisher);
    station.scene_back("vanished");
}

#[test]
fn lost_packets_are_requested_and_the_picture_stays() {
    let station = Station::open();
    let (mut publisher, _) = station.with_publisher();
    publisher.lose_every = 10;
    let metrics = &station.metrics;
    let (pictures_before, sent_before) = (metrics.pictures.get(), publisher.sent);
    let shown = || metrics.pictures.get() - pictures_before;
    // On a busy machine a retransmission may arrive too late for the jitter buffer.
    publisher.run("most are recovered, most pictures shown", |publisher| {
        let sent = u64::from(publisher.sent - sent_before);
        sent >= 90
            && publisher.lost >= 5
            && metrics.recovered.get() >= publisher.lost / 2
            && shown() * 10 >= sent * 7
    });
    let pictures = shown();
    eprint_line(&format!(
        "{} of {} packets lost, {} recovered, {} never; {pictures} pictures, {} keyframes asked",
        publisher.lost,
        metrics.packets.get(),
        metrics.recovered.get(),
        metrics.lost.get(),
        metrics.plis.get(),
    ));
    assert!(metrics.nacks.get() > 0);
}

#[test]
fn a_permanent_loss_requests_a_keyframe() {
    let station = Station::open();
    let (mut publisher, _) = station.with_publisher();
    publisher.run_for(Duration::from_millis(600));
    publisher.lose_retransmissions = true;
    publisher.lose_every = 7;
    publisher.run("a packet is lost", |publisher| publisher.lost > 0);
    publisher.lose_every = 0;
    publisher.run("a keyframe request", |publisher| {
        publisher.keyframes_asked > 0
    });
    let before = station.metrics.pictures.get();
    publisher.run("pictures after the keyframe", |_| {
        station.metrics.pictures.get() >= before + 20
    });
    assert!(station.metrics.lost.get() > 0 && station.metrics.plis.get() > 0);
    let dropped = station.dropped(UnitDrop::Damaged) + station.dropped(UnitDrop::NoKeyframe);
    assert!(dropped > 0 && station.metrics.decode_failures.get() == 0);
}

#[test]
fn there_is_one_publisher_at_a_time() {
    let station = Station::open();
    let (mut first, _) = station.with_publisher();
    let mut second = Publisher::new();
    let refused = station.post(&second.offer, false);
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.header("Retry-After").is_some());
    first.run_for(Duration::from_millis(100));
    assert!(station.publisher_is_live());

    let reply = station.post(&second.offer, true);
    assert_eq!(reply.status, 201, "{}", reply.body);
    second.accept(&reply.body);
    first.run("the first is disconnected", |first| first.closed);
    second.run("the second is shown", |_| station.publisher_is_live());

    // A silent publisher can be replaced without a takeover.
    let third = Publisher::new();
    assert_eq!(station.post(&third.offer, false).status, 409);
    second.filming = false;
    second.run_for(Duration::from_millis(1500));
    second.run("the third is let in", |_| {
        station.post(&third.offer, false).status == 201
    });
}

#[test]
fn requests_are_answered_as_in_rfc_9725() {
    let station = Station::open();
    let mut publisher = Publisher::new();
    let reply = station.post(&publisher.offer, false);
    assert_eq!(reply.status, 201, "{}", reply.body);
    let location = reply.header("Location").expect("a session").to_owned();
    let id = location.strip_prefix("whip/").expect("below the endpoint");
    let tag = reply.header("ETag").expect("a tag");
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let sections: Vec<&str> = reply
        .body
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(sections.len(), 1);
    assert!(reply.body.contains("a=recvonly\r\n") && !reply.body.contains("VP8"));
    let fragment = trickled(&publisher.offer);
    let patch =
        |tag: Option<&str>, kind: &str, body: &str| station.patch(id, tag, kind, body).status;
    for tag in [Some(tag), Some("*"), None] {
        assert_eq!(patch(tag, FRAGMENT, &fragment), 204, "{tag:?}");
    }
    assert_eq!(patch(Some("\"other\""), FRAGMENT, &fragment), 412);
    assert_eq!(
        patch(None, FRAGMENT, "a=ice-ufrag:another\r\n"),
        400,
        "half a restart"
    );
    assert_eq!(patch(None, FRAGMENT, "hello"), 400);
    assert_eq!(patch(None, "application/sdp", &fragment), 415);
    publisher.accept(&reply.body);
    publisher.run("connected", |publisher| publisher.connected);
    assert_eq!(block_on(station.whip.delete("nobody")).status, 404);
    assert_eq!(block_on(station.whip.delete(id)).status, 200);
    assert_eq!(patch(None, FRAGMENT, &fragment), 404);
}

#[test]
fn unsupported_offers_are_rejected_with_a_reason() {
    let station = Station::open();
    let good = Publisher::new().offer;
    let post = |content_type: &str, body: &str| {
        block_on(station.whip.post(WhipPost {
            content_type: Some(content_type),
            host: None,
            user_agent: None,
            takes_over: true,
            body: body.as_bytes(),
        }))
    };
    let sdp = "application/sdp";
    let (vp8, receiving) = (
        good.replace("H264", "VP8"),
        good.replace("a=sendonly", "a=recvonly"),
    );
    for (status, content_type, body) in [
        (415, "application/json", good.as_str()),
        (400, sdp, "hello"),
        (400, sdp, ""),
        (422, sdp, &vp8),
        (422, sdp, &receiving),
        (422, sdp, &good.replace("m=video", "m=audio")),
    ] {
        let reply = post(content_type, body);
        assert_eq!(reply.status, status, "{}", reply.body);
        let kind = reply.header("Content-Type");
        assert_eq!(kind, Some("application/problem+json"));
    }
    let words = post(sdp, &vp8).body;
    assert!(
        words.contains("no H.264") && words.contains("VP8"),
        "{words}"
    );
    assert_eq!(station.metrics.publishers.get(), 0);
    assert_eq!(station.engine_metrics.viewers.get(), 0);
    let refused = Whip::unauthorised();
    assert_eq!(refused.status, 401);
    assert!(refused.header("WWW-Authenticate").is_some());
}

#[test]
fn a_publisher_that_changes_networks_continues_after_a_restart() {
    let station = Station::open();
    let (mut publisher, id) = station.with_publisher();
    publisher.run_for(Duration::from_millis(500));
    publisher.move_to(Wire::udp("127.0.0.1"));
    // Its packets from there are ignored, and it receives nothing.
    publisher.run_for(Duration::from_millis(400));
    let (before, began) = (station.metrics.pictures.get(), Instant::now());
    let reply = station.patch(&id, Some("\"*\""), FRAGMENT, &publisher.restart_fragment());
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("Content-Type"), Some(FRAGMENT));
    let tag = reply.header("ETag").expect("a tag");
    let ufrag = format!("a=ice-ufrag:{}\r\n", tag.trim_matches('"'));
    assert!(reply.body.contains(&ufrag), "{}", reply.body);
    assert!(reply.body.contains("a=candidate:") && reply.body.contains("a=ice-pwd:"));
    publisher.accept_restart(&reply.body);
    publisher.run("its picture again", |_| {
        station.metrics.pictures.get() > before
    });
    let took = began.elapsed();
    publisher.run("more of them", |_| {
        station.metrics.pictures.get() > before + 15 && station.publisher_is_live()
    });
    let what = "sixteen pictures after the restart";
    eprint_line(&format!("{what}: {:?}", began.elapsed()));
    expect_within("a picture", took, Duration::from_secs(2));
    assert_eq!(station.engine_metrics.restarts.get(), 1);
    assert_eq!(station.metrics.publishers.get(), 1, "the same session");
    assert_eq!(block_on(station.whip.delete(&id)).status, 200);
    station.scene_back("deleted");
}

#[test]
fn a_publishers_restart_without_a_path_keeps_the_old_path() {
    let station = Station::open();
    let (mut publisher, id) = station.with_publisher();
    let fragment = "a=ice-ufrag:nobody\r\na=ice-pwd:will-ever-use-this-one\r\nm=video 9 RTP/AVP 0\r\n\
                    a=mid:0\r\na=candidate:1 1 udp 99 127.0.0.1 9 typ host\r\n";
    let wrong = station.patch(&id, Some("\"old\""), FRAGMENT, fragment);
    assert_eq!(wrong.status, 412);
    let reply = station.patch(&id, Some("*"), FRAGMENT, fragment);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let before = station.metrics.pictures.get();
    publisher.run("pictures by the old path", |_| {
        station.metrics.pictures.get() >= before + 35 && station.publisher_is_live()
    });
    assert_eq!(block_on(station.whip.delete(&id)).status, 200);
}
