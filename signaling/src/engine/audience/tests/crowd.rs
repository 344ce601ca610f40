//! Two hundred joins within a second, with viewers of another WebRTC implementation, on a virtual clock:
//! the number of keyframes does not depend on how busy this machine is.

use std::collections::{HashMap, VecDeque};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::*;
use crate::fanout::media_sender::Phase;
use crate::sdp::{AnswerParams, answer};

const VIEWERS: u32 = 200;
const JOINS_MS: u32 = 1000;
const LASTS_MS: u32 = 2500;
/// One way.
const WAY: Duration = Duration::from_millis(10);
/// From the capture of a frame to the engine: scaling, encoding.
const ENCODE: Duration = Duration::from_millis(15);
const FRAME_MS: u32 = 33;
const KEYFRAME_PACKETS: usize = 40;
const STATION: ([u8; 4], u16) = ([192, 0, 2, 1], 8189);

struct Client {
    rtc: Rtc,
    pending: Option<SdpPendingOffer>,
    addr: SocketAddr,
    due: Instant,
    offered_at: Option<Instant>,
    picture_after: Option<Duration>,
}

/// What is in flight, with a constant delay.
type Way<T> = VecDeque<(Instant, T)>;

struct Crowd {
    audiences: Vec<Audience>,
    identity: Identity,
    start: Instant,
    clients: Vec<Client>,
    by_addr: HashMap<SocketAddr, usize>,
    to_station: Way<(SocketAddr, Vec<u8>)>,
    to_clients: Way<(SocketAddr, Vec<u8>)>,
    frames: Way<Arc<crate::encode::frame_queue::EncodedFrame>>,
    keyframes: Vec<u64>,
    seq: u64,
}

impl Crowd {
    fn new(shards: usize) -> Self {
        let start = Instant::now();
        let (peer_index, demand) = (Arc::new(PeerIndex::new(shards)), Demand::new());
        let metrics = Arc::new(EngineMetrics::default());
        let audience = |shard| {
            audience_of(
                Shard(shard),
                start,
                &peer_index,
                &demand,
                &metrics,
                VIEWERS as usize,
            )
        };
        Self {
            audiences: (0..shards).map(audience).collect(),
            identity: Identity::generate().expect("a certificate"),
            start,
            clients: (0..VIEWERS)
                .map(|index| Client::new(start, index))
                .collect(),
            by_addr: HashMap::new(),
            to_station: VecDeque::new(),
            to_clients: VecDeque::new(),
            frames: VecDeque::new(),
            keyframes: Vec::new(),
            seq: 0,
        }
    }

    fn run(&mut self) {
        let mut joined = 0;
        for ms in 0..LASTS_MS {
            while joined < VIEWERS && joined * JOINS_MS / VIEWERS <= ms {
                self.join(self.start + ms * MS, joined as usize);
                joined += 1;
            }
            self.pass(ms);
        }
    }

    fn pass(&mut self, ms: u32) {
        let now = self.start + ms * MS;
        self.millisecond(now);
        if ms.is_multiple_of(FRAME_MS) {
            self.encode(now);
        }
    }

    fn join(&mut self, now: Instant, index: usize) {
        let client = &mut self.clients[index];
        self.by_addr.insert(client.addr, index);
        let offer = Offer::parse(&client.offer(now)).expect("usable");
        let names = SessionNames::random();
        let parts = parts(&self.identity, &names);
        let lines = ["candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host".to_owned()];
        let answer = answer(
            &offer,
            &AnswerParams {
                session_number: 1,
                ufrag: &names.ufrag,
                pwd: &names.pwd,
                fingerprint: &self.identity.fingerprint,
                candidates: &lines,
                ssrc: names.ssrc,
                rtx_ssrc: names.rtx_ssrc,
                cname: "carrier",
            },
        );
        let newcomer = new_viewer_of(now, &offer, &parts);
        let emptiest = self.audiences[0].peer_index.emptiest();
        let joined = self.audiences[emptiest.0].join(now, newcomer);
        joined.expect("room");
        client.accept(&answer);
    }

    /// Does everything that is due.
    fn millisecond(&mut self, now: Instant) {
        while self.frames.front().is_some_and(|(at, _)| *at <= now) {
            let (_, frame) = self.frames.pop_front().expect("one");
            self.each_audience(now, |audience, out| {
                audience.frame(now, Arc::clone(&frame), out)
            });
        }
        while self.to_station.front().is_some_and(|(at, _)| *at <= now) {
            let (_, (from, bytes)) = self.to_station.pop_front().expect("one");
            let way = PacketSource {
                protocol: TransportProtocol::Udp,
                from,
                to: Some(IpAddr::from(STATION.0)),
            };
            // Any shard knows whose datagram it is.
            if let Some(key) = self.audiences[0].whose(way, &bytes) {
                let out = sender(&mut self.to_clients, now);
                self.audiences[key.shard.0].receive(now, key, way, &bytes, &mut { out });
            }
        }
        self.each_audience(now, |audience, out| audience.tick(now, out));
        while self.to_clients.front().is_some_and(|(at, _)| *at <= now) {
            let (_, (to, bytes)) = self.to_clients.pop_front().expect("one");
            let client = &mut self.clients[self.by_addr[&to]];
            client.take(now, &bytes);
        }
        for client in &mut self.clients {
            client.work(now, &self.keyframes, &mut self.to_station);
        }
    }

    fn each_audience(&mut self, now: Instant, mut work: impl FnMut(&mut Audience, &mut Out<'_>)) {
        for audience in &mut self.audiences {
            let mut out = sender(&mut self.to_clients, now);
            work(audience, &mut out);
        }
    }

    fn encode(&mut self, now: Instant) {
        let demand = &self.audiences[0].demand;
        if demand.viewers(RenditionId::MAIN) == 0 {
            return;
        }
        let mut gate = demand.keyframe_gate(RenditionId::MAIN);
        let keyframe = gate.is_due(now) || self.seq == 0;
        let packets = if keyframe { KEYFRAME_PACKETS } else { 5 };
        if keyframe {
            gate.made(now);
            self.keyframes.push(self.seq);
        }
        let frame = frame(self.seq, keyframe, packets);
        self.frames.push_back((now + ENCODE, frame));
        self.seq += 1;
    }
}

/// Sends datagrams with the constant delay.
fn sender(way: &mut Way<(SocketAddr, Vec<u8>)>, now: Instant) -> impl FnMut(&[Run]) + use<'_> {
    move |runs| {
        for run in runs {
            let datagrams = run
                .datagrams()
                .map(|bytes| (run.path.remote, bytes.to_vec()));
            way.extend(datagrams.map(|datagram| (now + WAY, datagram)));
        }
    }
}

impl Client {
    fn new(start: Instant, index: u32) -> Self {
        let port = u16::try_from(10_000 + index).expect("few");
        let addr = SocketAddr::from(([198, 51, 100, 7], port));
        let config = Rtc::builder().clear_codecs().enable_h264(true);
        let mut rtc = config.set_rtp_mode(true).build(start);
        rtc.add_local_candidate(Candidate::host(addr, "udp").expect("an address"));
        Self {
            rtc,
            pending: None,
            addr,
            due: start,
            offered_at: None,
            picture_after: None,
        }
    }

    fn offer(&mut self, now: Instant) -> String {
        self.offered_at = Some(now);
        let mut change = self.rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = change.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("SDP");
        let pending = self.pending.take().expect("once");
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.expect("acceptable");
        self.due = self.offered_at.expect("it has offered");
    }

    fn take(&mut self, now: Instant, bytes: &[u8]) {
        let received = Receive::new(Protocol::Udp, SocketAddr::from(STATION), self.addr, bytes);
        let input = Input::Receive(now, received.expect("sound"));
        self.rtc.handle_input(input).expect("sound");
        self.due = now;
    }

    fn work(&mut self, now: Instant, keyframes: &[u64], out: &mut Way<(SocketAddr, Vec<u8>)>) {
        if self.offered_at.is_none() || self.due > now {
            return;
        }
        loop {
            match self.rtc.poll_output().expect("sound") {
                Output::Timeout(at) if at > now => {
                    self.due = at;
                    return;
                }
                Output::Timeout(_) => self.rtc.handle_input(Input::Timeout(now)).expect("sound"),
                Output::Transmit(sent) => {
                    out.push_back((now + WAY, (self.addr, sent.contents.to_vec())));
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let seq = u64::from(packet.payload[0]);
                    if packet.header.marker && keyframes.contains(&seq) {
                        let after = self.offered_at.map(|at| now - at);
                        self.picture_after = self.picture_after.or(after);
                    }
                }
                Output::Event(_) => {}
            }
        }
    }
}

fn two_hundred_join(shards: usize) {
    let mut crowd = Crowd::new(shards);
    crowd.run();
    assert!(
        crowd.keyframes.len() <= 2,
        "{} keyframes, frames {:?}",
        crowd.keyframes.len(),
        crowd.keyframes
    );
    let pictures = crowd.clients.iter().map(|client| client.picture_after);
    let slowest = pictures.map(|after| after.unwrap_or(Duration::MAX)).max();
    assert!(slowest <= Some(Duration::from_secs(1)), "{slowest:?}");
    let watching = crowd
        .audiences
        .iter()
        .map(|audience| audience.viewers.len());
    let fair = VIEWERS as usize / shards;
    assert!(
        watching.clone().all(|viewers| viewers == fair),
        "{:?}",
        watching.collect::<Vec<_>>()
    );
}

#[test]
fn two_hundred_joins_within_a_second_cost_two_keyframes_at_most() {
    two_hundred_join(1);
}

#[test]
fn who_joins_behind_an_address_whose_limit_is_known_starts_with_a_share_of_it() {
    let mut crowd = Crowd::new(1);
    crowd.join(crowd.start, 0);
    (0..500).for_each(|ms| crowd.pass(ms));
    let now = crowd.start + 500 * MS;
    let mut viewers = crowd.audiences[0].viewers.values_mut();
    let first = viewers.next().expect("it has joined");
    first.media.control.start_limited(now, 1_000_000);
    let before = first.media.control.estimate_bps().expect("limited");
    crowd.join(now, 1);
    (500..900).for_each(|ms| crowd.pass(ms));
    let viewers = crowd.audiences[0].viewers.values();
    let second = viewers.max_by_key(|viewer| viewer.steps.offered_at);
    let second = &second.expect("it has joined").media;
    let estimate_bps = second.control.estimate_bps().expect("limited");
    assert!(
        (before * 2 / 5..=before / 2).contains(&estimate_bps),
        "{estimate_bps}"
    );
    let smaller = RenditionId::new(1);
    assert_eq!((second.next, second.phase), (smaller, Phase::Awaiting));
    assert!(crowd.audiences[0].demand.viewers(smaller.expect("one")) > 0);
}

#[test]
fn two_engine_threads_cost_no_more_keyframes() {
    two_hundred_join(2);
}
