//! Targets for untrusted datagrams: demultiplexing, a viewer's transport, and media of a publisher.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;

use super::input::{byte, chunk};
use crate::ingest::metrics::WhipMetrics;
use crate::ingest::reception::{MediaParams, Reception};
use crate::ingest::unit_queue::{Taken, unit_queue};
use crate::rtp::rtcp::{Feedback, FeedbackInbox};
use crate::sdp::{Credentials, Offer};
use crate::transport::demux::{Demux, Kind, Shard, ViewerKey, classify};
use crate::transport::ice::{CheckCredentials, IceTimeouts};
use crate::transport::peer::{PacketSource, Peer, PeerParts};
use crate::transport::runs::TransportProtocol;
use crate::transport::session::{Identity, SessionNames};
use crate::transport::stun::Class;

const OFFER: &str = include_str!("../../tests/fixtures/chromium.sdp");
const OUR_SSRC: u32 = 7;
const TICK: Duration = Duration::from_millis(20);
/// Maximum steps per input; more find nothing new.
const STEPS_MAX: usize = 64;

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5000))
}

/// Joins, leaves and datagrams in any order leave no table entries behind.
pub(super) fn demux(mut data: &[u8]) {
    let mut demux = Demux::default();
    let mut keys = Vec::new();
    for _ in 0..STEPS_MAX {
        if data.is_empty() {
            break;
        }
        let (what, who) = (byte(&mut data), byte(&mut data));
        let key = ViewerKey {
            shard: Shard(0),
            number: u64::from(who % 8),
        };
        match what % 4 {
            // The engine reuses neither keys nor user names.
            0 if !keys.contains(&key) => {
                keys.push(key);
                demux.add(key, names(key));
            }
            1 => demux.remove(key),
            2 => demux.sent(key, chunk(&mut data)),
            _ => {
                let (kind, from) = (
                    classify(chunk(&mut data)),
                    (TransportProtocol::Udp, address(who)),
                );
                let key = match kind {
                    Kind::Stun(check) if check.class == Class::Request => {
                        demux.find_by_username(&check).map(|(key, _)| key)
                    }
                    _ => demux.route(kind, from),
                };
                let Some(key) = key else { continue };
                assert!(keys.contains(&key), "an unknown viewer");
                if who % 2 == 0 {
                    demux.claim(key, from);
                } else {
                    demux.prove(key, from);
                }
            }
        }
    }
    for key in keys {
        demux.remove(key);
    }
    assert_eq!(demux.len(), 0, "entries are left");
}

fn names(key: ViewerKey) -> Arc<CheckCredentials> {
    Arc::new(CheckCredentials {
        local: Credentials {
            ufrag: format!("u{}", key.number),
            pwd: String::new(),
        },
        remote: String::new(),
    })
}

/// Datagrams of one viewer after its offer: checks, responses, handshake, media, garbage.
pub(super) fn peer(mut data: &[u8]) {
    let mut now = Instant::now();
    let mut peer = viewer(now);
    let mut sent = Vec::new();
    for _ in 0..STEPS_MAX {
        if data.is_empty() {
            break;
        }
        let from = address(byte(&mut data));
        let datagram = chunk(&mut data);
        let way = PacketSource {
            protocol: TransportProtocol::Udp,
            from,
            to: Some(IpAddr::from([192, 0, 2, 254])),
        };
        peer.receive(now, classify(datagram), way, datagram);
        now += TICK;
        peer.tick(now);
        peer.drain(now, &mut sent);
        sent.clear();
        peer.feedback();
    }
    peer.close(now);
    peer.drain(now, &mut sent);
}

fn viewer(now: Instant) -> Peer {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    let identity = IDENTITY.get_or_init(|| Identity::generate().expect("a certificate"));
    let offer = Offer::parse(OFFER).expect("a browser's offer");
    let names = SessionNames {
        id: "session".to_owned(),
        ufrag: "u0u0".to_owned(),
        pwd: "p0p0p0p0p0p0p0p0p0p0p0p0".to_owned(),
        ssrc: OUR_SSRC,
        rtx_ssrc: OUR_SSRC + 1,
        numbering: 1,
    };
    let parts = PeerParts {
        identity,
        names: &names,
        local: &[IpAddr::from([192, 0, 2, 254])],
        networks: &[],
        ice: IceTimeouts {
            disconnected: Duration::from_secs(5),
            failed: Duration::from_secs(20),
        },
    };
    Peer::accept(now, &offer, &parts).expect("an acceptable offer")
}

/// A decrypted RTCP datagram.
pub(super) fn rtcp(data: &[u8]) {
    let Ok(packets) = rtc::rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut inbox = FeedbackInbox::new(OUR_SSRC);
    inbox.collect(&packets);
    for feedback in inbox.take() {
        match feedback {
            Feedback::Report(reception) => {
                assert!((0.0..1.0).contains(&reception.loss));
                let trip = reception.round_trip(0x8000_0000);
                assert!(trip.is_none_or(|trip| trip <= Duration::from_secs(60)));
            }
            Feedback::Nack(numbers) => assert!(numbers.len() <= 512),
            _ => {}
        }
    }
}

const MEDIA_PACKETS_MAX: usize = 256;
const MEDIA_TICK: Duration = Duration::from_millis(7);
const MEDIA_PARAMS: MediaParams = MediaParams {
    payload_type: 96,
    rtx_payload_type: Some(97),
};

/// Packets with any order and payload. Each starts with a byte of flags and the difference of its sequence
/// number to the previous. Every access unit must be valid.
pub(super) fn media(mut data: &[u8]) {
    let (sender, units) = unit_queue();
    let mut reception = Reception::new(MEDIA_PARAMS, sender, Arc::new(WhipMetrics::default()));
    let (mut now, mut number, mut timestamp) = (Instant::now(), 0_u16, 0_u32);
    for _ in 0..MEDIA_PACKETS_MAX {
        if data.is_empty() {
            break;
        }
        let choices = byte(&mut data);
        number = number.wrapping_add_signed(i16::from(byte(&mut data).cast_signed()));
        timestamp = timestamp.wrapping_add(u32::from(choices >> 4) * 3000);
        let header = Header {
            marker: choices & 1 != 0,
            payload_type: if choices & 2 != 0 { 97 } else { 96 },
            ssrc: u32::from(choices & 4),
            sequence_number: number,
            timestamp,
            ..Header::default()
        };
        let payload = Bytes::copy_from_slice(chunk(&mut data));
        reception.packet(now, Packet { header, payload });
        if choices & 8 != 0 {
            now += MEDIA_TICK * 40;
        }
        now += MEDIA_TICK;
        reception.tick(now);
        reception.requests(now);
        while let Taken::Unit(unit) = units.take(Duration::ZERO) {
            assert!(unit.bytes.starts_with(&[0, 0, 0, 1]), "Annex B");
            assert!(unit.picture || !unit.keyframe);
        }
    }
}
