//! Publishes from the compose thread to a WHIP server of another implementation.

mod server;

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capture::WallClock;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use signaling::publish::FailureKind;
use signaling::{
    ComposeConfig, PublishMetrics, PublishState, PublishTarget, Publisher, RenditionId,
    default_renditions,
};

use self::server::{Behaviour, ReceivedPicture, WhipServer};
use crate::rig::Rig;
use crate::timing::{HANG_TIMEOUT, expect_within};

const FRAME_TIME: Duration = Duration::from_micros(33_333);
const TOKEN: &str = "a-token";

/// A published feed.
struct Feed {
    rig: Rig,
    publisher: Publisher,
    metrics: Arc<PublishMetrics>,
    threads: capture::Threads,
    /// Of the pictures.
    size: (u32, u32),
}

impl Feed {
    fn to(url: &str) -> Self {
        let target = PublishTarget::parse(url, Some(TOKEN)).expect("valid");
        let metrics = Arc::new(PublishMetrics::default());
        let mut publisher = None;
        let threads = capture::Threads::default();
        let rig = Rig::tapped(
            ComposeConfig::new(WallClock::start()),
            64,
            |sink, demand| {
                let (demand, metrics) = (Arc::clone(demand), Arc::clone(&metrics));
                let renditions = default_renditions();
                let started = Publisher::start(target, sink, renditions, demand, metrics, &threads);
                publisher = Some(started.expect("a thread starts"));
            },
        );
        Self {
            rig,
            publisher: publisher.expect("started"),
            metrics,
            threads,
            size: (320, 180),
        }
    }

    /// Shows frames until something happens; returns how long that took.
    fn run_until(&mut self, what: &str, mut happened: impl FnMut(&Self) -> bool) -> Duration {
        let begin = Instant::now();
        while !happened(self) {
            assert!(
                begin.elapsed() < HANG_TIMEOUT,
                "{what}: {:?}",
                self.publisher.status()
            );
            std::thread::sleep(FRAME_TIME);
            self.rig.publish(self.size.0, self.size.1);
            // There are no viewers, but the queue fills all the same.
            while self.rig.engine.try_recv().is_some() {}
        }
        begin.elapsed()
    }

    fn run_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        self.run_until("time passes", |_| Instant::now() >= until);
    }

    fn state(&self) -> PublishState {
        self.publisher.status().state
    }

    fn failures(&self, kind: FailureKind) -> u64 {
        let counter = self
            .metrics
            .failures
            .get_or_create_owned(&[("reason", kind)]);
        counter.get()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.publisher.stop();
    }
}

fn is_keyframe(shown: &ReceivedPicture) -> bool {
    signaling::rtp::packetise::nal_units(&shown.access_unit).any(|unit| unit[0] & 0x1f == 5)
}

fn keyframes(server: &WhipServer) -> usize {
    server
        .shown()
        .iter()
        .filter(|shown| is_keyframe(shown))
        .count()
}

fn default_behaviour() -> Behaviour {
    Behaviour {
        token: Some(TOKEN),
        ..Behaviour::default()
    }
}

#[test]
fn publishing_restarts_after_a_panic_and_a_hang_is_reported() {
    let server = WhipServer::open(default_behaviour());
    let mut feed = Feed::to(&server.url("/whip/room"));
    feed.run_until("pictures", |_| server.shown().len() >= 10);
    let threads = feed.threads.clone();
    threads.inject("publish", capture::InjectedFault::Panic);
    feed.run_until("a restart", |_| threads.restarts("publish") == 1);
    feed.run_until("another session", |_| {
        server.requests_with("POST").len() >= 2
    });
    feed.run_until("live again", |feed| feed.state() == PublishState::Live);
    threads.inject("publish", capture::InjectedFault::Hang);
    feed.run_until("the hang is reported", |_| {
        threads.skip_time(2 * capture::TURN_MAX);
        let faults = threads.faults(Instant::now());
        faults
            .iter()
            .any(|fault| fault.to_string() == "publish hangs")
    });
    threads.inject("publish", capture::InjectedFault::None);
}

#[test]
#[allow(clippy::print_stdout)]
fn the_server_gets_a_complete_picture_first_and_a_delete_at_the_end() {
    let server = WhipServer::open(default_behaviour());
    let mut feed = Feed::to(&server.url("/whip/room"));
    assert_eq!(feed.rig.demand.viewers(RenditionId::MAIN), 0);
    feed.run_until("pictures", |_| server.shown().len() >= 10);

    let offers = server.requests_with("POST");
    assert_eq!((offers.len(), offers[0].path.as_str()), (1, "/whip/room"));
    let offer = &offers[0].body;
    for wanted in [
        "a=sendonly",
        "a=candidate:",
        "a=rtcp-fb:96 nack pli",
        "apt=96",
    ] {
        assert!(offer.contains(wanted), "{wanted} in\n{offer}");
    }
    assert!(
        !offer.contains("a=sendrecv") && !offer.contains(".local"),
        "{offer}"
    );

    let (shown, connected_at) = (server.shown(), server.connected_at().expect("connected"));
    let first_after = shown[0].at - connected_at;
    println!(
        "connected {:?} after the offer",
        connected_at - offers[0].at
    );
    expect_within("the first picture", first_after, Duration::from_secs(1));
    assert!(is_keyframe(&shown[0]));
    let mut decoder = Decoder::new().expect("a decoder");
    let size = |decoder: &mut Decoder, shown: &ReceivedPicture| {
        let decoded = decoder.decode(&shown.access_unit).expect("decodable");
        decoded.map(|picture| picture.dimensions())
    };
    let sizes: Vec<_> = shown
        .iter()
        .filter_map(|shown| size(&mut decoder, shown))
        .collect();
    assert!(
        sizes.len() >= 9 && sizes.iter().all(|size| *size == (320, 180)),
        "{sizes:?}"
    );
    assert!(shown.iter().all(|shown| shown.contiguous));

    assert_eq!(feed.state(), PublishState::Live);
    assert_eq!(feed.rig.demand.viewers(RenditionId::MAIN), 1);
    assert!(feed.metrics.packets.get() >= 10 && feed.metrics.connects.get() == 1);
    let stopping = Instant::now();
    feed.publisher.stop();
    println!("stopped within {:?}", stopping.elapsed());
    let deletes = server.requests_with("DELETE");
    assert_eq!(deletes.len(), 1);
    assert_eq!(
        deletes[0].path, "/whip/sessions/7",
        "relative to the endpoint"
    );
    assert_eq!(deletes[0].authorization.as_deref(), Some("Bearer a-token"));
    assert_eq!(feed.rig.demand.viewers(RenditionId::MAIN), 0);
}

#[test]
#[allow(clippy::print_stdout)]
fn a_keyframe_request_of_the_server_is_answered() {
    let server = WhipServer::open(default_behaviour());
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("pictures", |_| server.shown().len() >= 30);
    let before = keyframes(&server);
    server.request_keyframe();
    let took = feed.run_until("a keyframe", |_| keyframes(&server) > before);
    expect_within("a keyframe after a PLI", took, Duration::from_secs(1));
    assert_eq!(feed.metrics.keyframe_requests.get(), 1);
}

#[test]
fn lost_packets_are_retransmitted() {
    let server = WhipServer::open(Behaviour {
        lose_every: 20,
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("losses", |_| {
        server.lost() >= 10 && server.shown().len() >= 100
    });
    let broken = server
        .shown()
        .iter()
        .filter(|shown| !shown.contiguous)
        .count();
    assert_eq!(
        broken,
        0,
        "of {} after {} losses",
        server.shown().len(),
        server.lost()
    );
}

/// On the virtual clock it is measured how well; here, that the server's feedback arrives and counts.
#[test]
fn a_slow_network_to_the_server_is_sent_a_smaller_picture_and_the_status_says_so() {
    let server = WhipServer::open(Behaviour {
        rate_bps: Some(350_000),
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.size = (1280, 720);
    let sent = |feed: &Feed| feed.publisher.status().sent;
    let smallest = default_renditions().last().expect("there are some").id;
    feed.run_until("the smallest rendition", |feed| {
        sent(feed).is_some_and(|sent| sent.rendition == smallest)
    });
    let status = sent(&feed).expect("live");
    assert!(
        status.estimate_bps.is_some_and(|bps| bps < 600_000),
        "{status:?}"
    );
    assert!(status.rendition_change.is_some(), "{status:?}");
    assert!(feed.metrics.estimate_bps.get() > 0);
    let (shown, demand) = (server.shown().len(), Arc::clone(&feed.rig.demand));
    feed.run_until("the smallest picture", |_| {
        demand.viewers(RenditionId::MAIN) == 0 && demand.viewers(smallest) == 1
    });
    feed.run_until("pictures of it", |_| server.shown().len() > shown + 20);
    let status = sent(&feed).expect("live");
    assert!(status.sent_bps < 450_000, "{status:?}");
}

#[test]
#[allow(clippy::print_stdout)]
fn publishing_resumes_after_the_server_returns() {
    let server = WhipServer::open(default_behaviour());
    let at = server.at;
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("pictures", |_| !server.shown().is_empty());
    let lost_at = Instant::now();
    drop(server);
    let server = WhipServer::open_at(at, default_behaviour());
    feed.run_until("pictures again", |_| !server.shown().is_empty());
    let limit = Duration::from_secs(8);
    expect_within("back after a power cut", lost_at.elapsed(), limit);
    assert!(is_keyframe(&server.shown()[0]));
    assert_eq!(feed.failures(FailureKind::Lost), 1);

    // The server closes properly, so that no timeout is needed.
    let (shown, closed_at) = (server.shown().len(), Instant::now());
    server.close_media();
    feed.run_until("pictures after a close", |feed| {
        feed.metrics.connects.get() == 3 && server.shown().len() > shown + 10
    });
    let limit = Duration::from_secs(4);
    expect_within("back after a close", closed_at.elapsed(), limit);
}

#[test]
fn a_rejected_token_is_reported_and_not_retried_at_once() {
    let server = WhipServer::open(Behaviour {
        token: Some("another"),
        ..Behaviour::default()
    });
    let mut feed = Feed::to(&server.url("/secret-path"));
    feed.run_until("a refusal", |feed| feed.state() == PublishState::Refused);
    feed.run_for(Duration::from_millis(1500));
    assert_eq!(server.requests().len(), 1);
    let status = feed.publisher.status();
    let reason = status.reason.expect("a reason");
    assert_eq!(reason, "The server refused the token (401).");
    assert!(!feed.publisher.host().contains("secret-path"));
    assert_eq!(feed.failures(FailureKind::Refused), 1);
    assert_eq!(
        feed.rig.demand.viewers(RenditionId::MAIN),
        0,
        "nothing is encoded"
    );
}

#[test]
fn retry_after_of_a_busy_server_is_respected() {
    let server = WhipServer::open(Behaviour {
        instead: Some((503, "Retry-After: 2".to_owned())),
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("two offers", |_| server.requests().len() >= 2);
    let asked = server.requests();
    let apart = asked[1].at - asked[0].at;
    assert!(apart >= Duration::from_millis(1900), "{apart:?}");
    assert!(feed.failures(FailureKind::Busy) >= 1);
}

#[test]
fn a_redirect_is_followed_without_the_token_for_another_origin() {
    let elsewhere = WhipServer::open(Behaviour::default());
    let server = WhipServer::open(Behaviour {
        instead: Some((307, format!("Location: {}", elsewhere.url("/there")))),
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("pictures", |_| !elsewhere.shown().is_empty());
    feed.publisher.stop();
    assert_eq!(
        server.requests()[0].authorization.as_deref(),
        Some("Bearer a-token")
    );
    let there = elsewhere.requests();
    let methods: Vec<&str> = there.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods, ["POST", "DELETE"]);
    assert!(
        there.iter().all(|asked| asked.authorization.is_none()),
        "{there:?}"
    );

    let within = WhipServer::open(Behaviour {
        instead: Some((308, "Location: /new/whip".to_owned())),
        at: "/old",
        ..default_behaviour()
    });
    let mut feed = Feed::to(&within.url("/old/whip"));
    feed.run_until("pictures", |_| !within.shown().is_empty());
    assert_eq!(within.requests()[1].path, "/new/whip");
}

#[test]
fn a_session_without_h264_is_deleted() {
    let server = WhipServer::open(Behaviour {
        vp8: true,
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("a failure", |feed| feed.state() == PublishState::Waiting);
    let reason = feed.publisher.status().reason.expect("a reason");
    assert!(reason.contains("H.264"), "{reason}");
    feed.run_until("a DELETE", |_| !server.requests_with("DELETE").is_empty());
    assert_eq!(feed.metrics.connects.get(), 0);
}

#[test]
fn ice_servers_of_the_answer_are_used_and_their_candidates_trickled() {
    let stun = StunServer::open();
    let server = WhipServer::open(Behaviour {
        link: Some(format!(
            "<stun:127.0.0.1:{}>; rel=\"ice-server\"",
            stun.port
        )),
        ..default_behaviour()
    });
    let mut feed = Feed::to(&server.url("/whip"));
    feed.run_until("pictures", |_| !server.shown().is_empty());
    let patches = server.requests_with("PATCH");
    assert_eq!(patches.len(), 1);
    assert_eq!(patches[0].path, "/sessions/7");
    let fragment = &patches[0].body;
    assert!(
        fragment.contains("192.0.2.7") && fragment.contains("typ srflx"),
        "{fragment}"
    );
    assert!(
        fragment.contains("a=ice-ufrag:") && !fragment.contains("typ host"),
        "{fragment}"
    );
}

/// Answers every request with the mapped address 192.0.2.7 (RFC 8489).
struct StunServer {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl StunServer {
    fn open() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let timeout = Some(Duration::from_millis(50));
        socket.set_read_timeout(timeout).expect("a plain socket");
        let port = socket.local_addr().expect("bound").port();
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        std::thread::spawn(move || {
            let mut request = [0; 1500];
            while !until.load(Ordering::Relaxed) {
                let Ok((20.., from)) = socket.recv_from(&mut request) else {
                    continue;
                };
                // Binding success with XOR-MAPPED-ADDRESS: port 4660, address 192.0.2.7.
                let mut reply = vec![0x01, 0x01, 0x00, 0x0c];
                reply.extend_from_slice(&request[4..20]);
                reply.extend_from_slice(&[0x00, 0x20, 0x00, 0x08, 0x00, 0x01]);
                reply.extend_from_slice(&[0x12 ^ 0x21, 0x34 ^ 0x12]);
                reply.extend_from_slice(&[192 ^ 0x21, 0x12, 2 ^ 0xa4, 7 ^ 0x42]);
                let _ = socket.send_to(&reply, from);
            }
        });
        Self { port, ended }
    }
}

impl Drop for StunServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
