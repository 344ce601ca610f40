//! Datagrams with forged source addresses, and offers that name other hosts: no viewer loses its stream,
//! and no other host is sent anything.

use super::*;
use crate::transport::demux::{Kind, classify};
use crate::transport::stun::{
    Class, Draft, HEADER_BYTES, PRIORITY, USE_CANDIDATE, USERNAME, is_check,
};

const RTP: [u8; 40] = [0x80; 40];

fn way(port: u16) -> PacketSource {
    PacketSource {
        protocol: TransportProtocol::Udp,
        from: SocketAddr::from(([198, 51, 100, 7], port)),
        to: Some(OURS[0]),
    }
}

fn seal(draft: Draft, pwd: &str) -> Vec<u8> {
    let provider = rtc::crypto::default_provider().expect("ring");
    draft.seal(pwd, provider.crypto()).expect("short").to_vec()
}

/// A viewer's session with its credentials.
struct Session {
    key: ViewerKey,
    names: SessionNames,
    offer: Offer,
}

impl Station {
    fn session(&mut self, now: Instant, offer: &str) -> Session {
        let (names, offer) = (SessionNames::random(), Offer::parse(offer).expect("usable"));
        let newcomer = new_viewer_of(now, &offer, &parts(&self.identity, &names));
        self.audience.join(now, newcomer).expect("room");
        let key = self.audience.key_of(&names.id).expect("it is there");
        Session { key, names, offer }
    }

    /// A datagram comes in; returns whose it was and what was sent.
    fn arrive(&mut self, now: Instant, from: u16, bytes: &[u8]) -> (Option<ViewerKey>, Vec<Run>) {
        let (key, mut sent) = (self.audience.whose(way(from), bytes), Vec::new());
        if let Some(key) = key {
            let out: &mut Out<'_> = &mut |runs: &[Run]| sent.extend_from_slice(runs);
            self.audience.receive(now, key, way(from), bytes, out);
        }
        (key, sent)
    }

    /// The viewer checks from a port and answers there.
    fn connect(&mut self, now: Instant, session: &Session, port: u16) {
        let (_, sent) = self.arrive(now, port, &session.check(&session.names.pwd));
        for run in sent.iter().filter(|run| is_check(run.bytes())) {
            let transaction = run.bytes()[8..HEADER_BYTES].try_into().expect("a header");
            let answer =
                Draft::new(Class::Success, transaction).with_mapped_address(way(port).from);
            self.arrive(now, port, &seal(answer, &session.offer.pwd));
        }
    }

    /// A viewer sends an offer, and its first ICE check at once.
    pub(super) fn appear(&mut self, now: Instant) {
        let session = self.session(now, OFFER);
        let check = session.check(&session.names.pwd);
        self.arrive(now, 1, &check);
    }

    fn owner(&self, port: u16) -> Option<ViewerKey> {
        self.audience.whose(way(port), &RTP)
    }
}

impl Session {
    fn check(&self, pwd: &str) -> Vec<u8> {
        let name = format!("{}:{}", self.names.ufrag, self.offer.ufrag);
        let draft = Draft::new(Class::Request, rand::random())
            .with(USERNAME, name.as_bytes())
            .with(PRIORITY, &4_u32.to_be_bytes())
            .with(USE_CANDIDATE, &[]);
        seal(draft, pwd)
    }
}

#[test]
fn a_check_with_a_wrong_password_is_ignored() {
    let mut station = station();
    let now = station.start;
    let session = station.session(now, OFFER);
    let before = station.audience.footprint();
    let mut bare = session.check(&session.names.pwd);
    bare.truncate(bare.len() - 32);
    let length = u16::try_from(bare.len() - HEADER_BYTES).expect("short");
    bare[2..4].copy_from_slice(&length.to_be_bytes());
    assert!(matches!(classify(&bare), Kind::Stun(_)), "well formed");
    for forged in [bare, session.check("a guess"), session.check("")] {
        assert_eq!(station.arrive(now, 9, &forged), (None, Vec::new()));
    }
    assert_eq!(
        (station.owner(9), station.audience.footprint()),
        (None, before)
    );
    assert_eq!(station.audience.demand.viewers(RenditionId::MAIN), 0);
}

#[test]
fn a_forged_source_address_does_not_take_it_from_its_owner() {
    let mut station = station();
    let now = station.start;
    let victim = station.session(now, OFFER);
    station.connect(now, &victim, 1);
    assert_eq!(station.owner(1), Some(victim.key));
    // The attacker's own session, once with a wrong password and once with the right one.
    let attacker = station.session(now, OFFER);
    for ms in 0..1000 {
        let later = now + ms * MS;
        station.arrive(later, 1, &attacker.check("a guess"));
        station.arrive(later, 1, &attacker.check(&attacker.names.pwd));
        // A check of the victim's that the attacker has recorded, from many addresses.
        let recorded = victim.check(&victim.names.pwd);
        station.arrive(later, 1000 + u16::try_from(ms).expect("small"), &recorded);
        assert_eq!(station.owner(1), Some(victim.key));
    }
    // Only the answer to a check proves that an address has another owner now.
    station.connect(now + 9000 * MS, &attacker, 1);
    assert_eq!(station.owner(1), Some(attacker.key));
}

#[test]
fn nothing_is_sent_to_the_addresses_in_an_offer() {
    let mut station = station();
    let start = station.start;
    let named: String = (0..16)
        .map(|port| {
            format!(
                "a=candidate:1 1 udp 9 192.0.2.9 {} typ host\r\n",
                5000 + port
            )
        })
        .collect();
    station.session(start, &format!("{OFFER}{named}"));
    let mut sent = 0;
    for tenth in 0..400 {
        let out: &mut Out<'_> = &mut |runs: &[Run]| sent += runs.len();
        station.audience.tick(start + tenth * 100 * MS, out);
    }
    assert_eq!((sent, station.audience.footprint()), (0, 0));
}

#[test]
fn an_offer_alone_runs_no_encoder_and_a_check_does_for_a_while() {
    let mut station = station();
    let start = station.start;
    let watching = |station: &Station| station.audience.demand.viewers(RenditionId::MAIN);
    let asked = |station: &Station| station.audience.metrics.keyframe_requests.get();
    let sessions: Vec<Session> = (0..5).map(|_| station.session(start, OFFER)).collect();
    station.audience.tick(start + 100 * MS, &mut |_: &[Run]| {});
    assert_eq!((watching(&station), asked(&station)), (0, 0));
    let check = sessions[0].check(&sessions[0].names.pwd);
    station.arrive(start + 200 * MS, 1, &check);
    assert_eq!((watching(&station), asked(&station)), (1, 1));
    for tenth in 0..50 {
        let now = start + 200 * MS + tenth * 100 * MS;
        station.audience.tick(now, &mut |_: &[Run]| {});
    }
    assert_eq!(watching(&station), 0, "it has not connected");
}
