//! The audience on a virtual clock, without a socket: joins, leaves, requests.

mod crowd;
mod forged;
mod offer;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use super::*;
use crate::congestion::RenditionChoice;
use crate::encode::encoder::default_renditions;
use crate::fanout::packet_ring::tests::frame;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::fanout::viewer::NewViewer;
use crate::metrics::JoinFailure;
use crate::sdp::{Credentials, Offer};
use crate::transport::ice::{CheckCredentials, IceTimeouts};
use crate::transport::peer::{PacketSource, Peer, PeerParts};
use crate::transport::runs::TransportProtocol;
use crate::transport::session::{Identity, Restart, SessionError, SessionNames, Trickle};

const OFFER: &str = include_str!("../../../tests/fixtures/chromium.sdp");
const MS: Duration = Duration::from_millis(1);

struct Station {
    audience: Audience,
    identity: Identity,
    start: Instant,
}

fn station() -> Station {
    let start = Instant::now();
    let (peer_index, demand) = (Arc::new(PeerIndex::new(1)), Demand::new());
    let metrics = Arc::new(EngineMetrics::default());
    Station {
        audience: audience_of(Shard(0), start, &peer_index, &demand, &metrics, 30),
        identity: Identity::generate().expect("a certificate"),
        start,
    }
}

fn audience_of(
    shard: Shard,
    start: Instant,
    peer_index: &Arc<PeerIndex>,
    demand: &Arc<Demand>,
    metrics: &Arc<EngineMetrics>,
    viewers_max: usize,
) -> Audience {
    Audience::new(AudienceParts {
        shard,
        peer_index: Arc::clone(peer_index),
        crypto: rtc::crypto::default_provider().expect("ring"),
        clock: ReportClock::new(start, SystemTime::now()),
        limits: AudienceLimits {
            viewers_max,
            connect_within: Duration::from_secs(20),
        },
        demand: Arc::clone(demand),
        metrics: Arc::clone(metrics),
        renditions: default_renditions(),
    })
}

const OURS: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))];

fn parts<'a>(identity: &'a Identity, names: &'a SessionNames) -> PeerParts<'a> {
    PeerParts {
        identity,
        names,
        local: OURS,
        networks: &[],
        ice: IceTimeouts {
            disconnected: Duration::from_secs(5),
            failed: Duration::from_secs(20),
        },
    }
}

fn new_viewer_of(now: Instant, offer: &Offer, parts: &PeerParts<'_>) -> NewViewer {
    let terms = StreamTerms {
        ssrc: parts.names.ssrc,
        payload_type: offer.video.payload_type,
        rtx: None,
        playout_delay_id: None,
        transport_id: None,
        needs_regular_keyframes: false,
    };
    NewViewer {
        peer: Peer::accept(now, offer, parts).expect("acceptable"),
        rtp: RtpStream::new(terms, parts.names.numbering),
        choice: RenditionChoice::Auto,
        offered_at: now,
        id: parts.names.id.clone(),
        trace: None,
        place: Box::new(()),
    }
}

impl Station {
    fn failed_joins(&self, reason: JoinFailure) -> u64 {
        let failures = &self.audience.metrics.join_failures;
        failures.get_or_create(&[("reason", reason)]).get()
    }

    fn newcomer(&self, now: Instant) -> NewViewer {
        let offer = Offer::parse(OFFER).expect("usable");
        new_viewer_of(now, &offer, &parts(&self.identity, &SessionNames::random()))
    }

    fn join(&mut self, now: Instant) -> String {
        let newcomer = self.newcomer(now);
        let id = newcomer.id.clone();
        self.audience.join(now, newcomer).expect("room");
        id
    }
}

#[test]
fn viewers_that_leave_or_never_connect_leave_no_state() {
    let mut station = station();
    let start = station.start;
    let ids: Vec<String> = (0..20).map(|_| station.join(start)).collect();
    assert_eq!(station.audience.demand.viewers(RenditionId::MAIN), 0);
    let mut sent = 0;
    let out: &mut Out<'_> = &mut |runs: &[Run]| sent += runs.len();
    for id in &ids[..8] {
        station.audience.leave(start, id, out).expect("it is there");
        assert_eq!(
            station.audience.leave(start, id, out),
            Err(SessionError::Unknown)
        );
    }
    for second in 0..40 {
        let now = start + second * 1000 * MS;
        station.audience.tick(now, out);
    }
    assert_eq!(station.audience.footprint(), 0);
    assert_eq!(station.audience.demand.viewers(RenditionId::MAIN), 0);
    assert_eq!(station.audience.due(), None, "nothing left to do");
    assert_eq!(sent, 0, "no address is known");
    assert_eq!(station.failed_joins(JoinFailure::Left), 8);
    assert_eq!(station.failed_joins(JoinFailure::NoCheck), 12);
}

#[test]
fn datagrams_of_strangers_change_nothing() {
    let mut station = station();
    let start = station.start;
    station.join(start);
    let before = station.audience.footprint();
    let way = PacketSource {
        protocol: TransportProtocol::Udp,
        from: SocketAddr::from(([203, 0, 113, 9], 4000)),
        to: None,
    };
    let mut sent = 0;
    for byte in 0..=255_u8 {
        for length in [0, 1, 20, 100, 1500] {
            let out: &mut Out<'_> = &mut |runs: &[Run]| sent += runs.len();
            let datagram = vec![byte; length];
            if let Some(key) = station.audience.whose(way, &datagram) {
                station.audience.receive(start, key, way, &datagram, out);
            }
        }
    }
    assert_eq!((station.audience.footprint(), sent), (before, 0));
}

#[test]
fn a_viewer_requests_a_keyframe_unless_a_recent_one_serves_it() {
    let mut station = station();
    let start = station.start;
    let asked = |station: &Station| station.audience.metrics.keyframe_requests.get();
    station.appear(start);
    station.appear(start + 5 * MS);
    assert_eq!(asked(&station), 1);
    station
        .audience
        .frame(start + 30 * MS, frame(0, true, 3), &mut |_: &[Run]| {});
    station.appear(start + 500 * MS);
    assert_eq!(asked(&station), 1, "the cache serves it");
    station.appear(start + 560 * MS);
    assert_eq!(asked(&station), 2);
}

#[test]
fn a_viewer_whose_place_was_given_away_is_removed() {
    struct Given(bool);
    impl crate::fanout::viewer::Place for Given {
        fn is_lost(&self) -> bool {
            self.0
        }
    }
    let mut station = station();
    let start = station.start;
    for lost in [false, true] {
        let place = Box::new(Given(lost));
        let newcomer = NewViewer {
            place,
            ..station.newcomer(start)
        };
        station.audience.join(start, newcomer).expect("room");
    }
    let now = start + 1000 * MS;
    station.audience.tick(now, &mut |_: &[Run]| {});
    assert_eq!(
        station.audience.viewers.len(),
        1,
        "long before its time to connect is over"
    );
    assert_eq!(station.failed_joins(JoinFailure::Displaced), 1);
}

fn trickle(id: &str, tag: Option<&str>, ufrag: Option<&str>) -> Trickle {
    Trickle {
        id: id.to_owned(),
        tag: tag.map(str::to_owned),
        ufrag: ufrag.map(str::to_owned),
        candidates: Vec::new(),
    }
}

#[test]
fn a_wrong_tag_and_other_credentials_get_different_errors() {
    let mut station = station();
    let start = station.start;
    let id = station.join(start);
    let out: &mut Out<'_> = &mut |_: &[Run]| {};
    let mut trickle = |id: &str, tag: Option<&str>, ufrag: Option<&str>| {
        let trickle = trickle(id, tag, ufrag);
        station.audience.trickle(start, &trickle, out)
    };
    assert_eq!(trickle(&id, None, None), Ok(()));
    assert_eq!(trickle(&id, None, Some("hBtT")), Ok(()));
    assert_eq!(
        trickle(&id, Some("other"), None),
        Err(SessionError::WrongTag)
    );
    assert_eq!(trickle(&id, None, Some("new!")), Err(SessionError::Restart));
    assert_eq!(trickle("nobody", None, None), Err(SessionError::Unknown));
}

#[test]
fn a_full_station_refuses_a_viewer() {
    let mut station = station();
    let start = station.start;
    (0..30).for_each(|_| {
        station.join(start);
    });
    let one_more = station.newcomer(start);
    assert_eq!(
        station.audience.join(start, one_more),
        Err(SessionError::Full)
    );
}

#[test]
fn a_restart_changes_the_credentials_and_a_refused_one_changes_nothing() {
    let mut station = station();
    let start = station.start;
    let id = station.join(start);
    let out: &mut Out<'_> = &mut |_: &[Run]| {};
    let restart = |id: &str, tag: Option<&str>| Restart {
        id: id.to_owned(),
        tag: tag.map(str::to_owned),
        names: Arc::new(CheckCredentials {
            local: Credentials::random(),
            remote: "theirs".to_owned(),
        }),
        remote: Credentials {
            ufrag: "theirs".to_owned(),
            ..Credentials::random()
        },
        addresses: vec![IpAddr::from([192, 0, 2, 2])],
        networks: Vec::new(),
        candidates: Vec::new(),
        request_bytes: 0,
    };
    let before = station.audience.footprint();
    let wrong = restart(&id, Some("other"));
    assert_eq!(
        station.audience.restart(start, wrong, out),
        Err(SessionError::WrongTag)
    );
    let unknown = restart("nobody", None);
    assert_eq!(
        station.audience.restart(start, unknown, out),
        Err(SessionError::Unknown)
    );
    assert_eq!(station.audience.footprint(), before);
    let right = restart(&id, None);
    let (ours, theirs) = (right.names.local.ufrag.clone(), right.remote.ufrag.clone());
    assert_eq!(station.audience.restart(start, right, out), Ok(()));
    let mut trickle = |tag: &str, ufrag: &str| {
        let trickle = trickle(&id, Some(tag), Some(ufrag));
        station.audience.trickle(start, &trickle, out)
    };
    assert_eq!(trickle(&ours, &theirs), Ok(()));
    assert_eq!(trickle(&ours, "hBtT"), Err(SessionError::Restart));
    let out: &mut Out<'_> = &mut |_: &[Run]| {};
    station
        .audience
        .leave(start, &id, out)
        .expect("it is there");
    assert_eq!(station.audience.footprint(), 0);
}
