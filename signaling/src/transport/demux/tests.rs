use super::*;
use crate::sdp::Credentials;
use crate::transport::stun::{Draft, USERNAME};

const PWD: &str = "a password of 22 bytes";

fn message(class: Class, transaction: u8, name: &[u8]) -> Vec<u8> {
    let provider = rtc::crypto::default_provider().expect("a crypto provider");
    let draft = Draft::new(class, [transaction; 12]).with(USERNAME, name);
    draft.seal(PWD, provider.crypto()).expect("short").to_vec()
}

fn check(transaction: u8) -> Vec<u8> {
    message(Class::Request, transaction, b"ours:theirs")
}

fn names(ufrag: &str) -> Arc<CheckCredentials> {
    Arc::new(CheckCredentials {
        local: Credentials {
            ufrag: ufrag.to_owned(),
            pwd: PWD.to_owned(),
        },
        remote: "theirs".to_owned(),
    })
}

fn named(demux: &Demux, name: &str) -> Option<ViewerKey> {
    let check = message(Class::Request, 3, name.as_bytes());
    let Kind::Stun(check) = classify(&check) else {
        panic!("{name} is not a check");
    };
    demux.find_by_username(&check).map(|(key, _)| key)
}

fn addr(port: u16) -> Origin {
    (
        TransportProtocol::Udp,
        SocketAddr::from(([192, 0, 2, 7], port)),
    )
}

const KEY: ViewerKey = key(1);

const fn key(number: u64) -> ViewerKey {
    ViewerKey {
        shard: Shard(0),
        number,
    }
}

fn demux() -> Demux {
    let mut demux = Demux::default();
    demux.add(KEY, names("ours"));
    demux
}

#[test]
fn the_first_byte_determines_the_kind() {
    assert_eq!(classify(&[22; 40]), Kind::Dtls);
    assert_eq!(classify(&[21; 40]), Kind::Dtls);
    assert_eq!(classify(&[0x80; 40]), Kind::Rtp);
    assert!(matches!(classify(&check(3)), Kind::Stun(_)));
    for garbage in [
        &[][..],
        &[22; 5],
        &[0x80; 4],
        &[64; 40],
        &[200; 40],
        &[0; 40],
        &[10; 2],
    ] {
        assert_eq!(classify(garbage), Kind::Garbage, "{garbage:?}");
    }
}

#[test]
fn malformed_stun_is_garbage() {
    let good = check(3);
    for end in 0..good.len() {
        assert_eq!(classify(&good[..end]), Kind::Garbage, "cut at {end}");
    }
    let changed = |at: usize, byte: u8| {
        let mut changed = good.clone();
        changed[at] = byte;
        changed
    };
    let lying = changed(23, 200);
    assert_eq!(classify(&lying), Kind::Garbage, "longer than the message");
    assert_eq!(classify(&changed(5, 0)), Kind::Garbage, "another cookie");
    assert_eq!(classify(&changed(1, 3)), Kind::Garbage, "a TURN request");
}

#[test]
fn unknown_senders_create_no_entries() {
    let mut demux = Demux::default();
    assert_eq!(named(&demux, "ours:theirs"), None);
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
    let answer = message(Class::Success, 9, b"");
    assert_eq!(demux.route(classify(&answer), addr(1)), None);
    demux.claim(KEY, addr(1));
    demux.prove(KEY, addr(1));
    assert_eq!(demux.len(), 0);
}

#[test]
fn unknown_user_names_match_nobody() {
    let demux = demux();
    assert_eq!(named(&demux, "ours:theirs"), Some(KEY));
    for odd in ["", "ours", ":", "theirs:ours", "our:stheirs"] {
        assert_eq!(named(&demux, odd), None, "{odd}");
    }
    let binary = message(Class::Request, 3, b"\xff:\xfe");
    let Kind::Stun(binary) = classify(&binary) else {
        panic!("well formed");
    };
    assert!(demux.find_by_username(&binary).is_none());
}

#[test]
fn routing_needs_a_claim_and_removal_clears_all_tables() {
    let mut demux = demux();
    assert_eq!(named(&demux, "ours:theirs"), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
    demux.claim(KEY, addr(1));
    assert_eq!(demux.route(Kind::Dtls, addr(1)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(2)), None);
    demux.sent(KEY, &check(7));
    let answer = message(Class::Success, 7, b"");
    for _ in 0..2 {
        let route = demux.route(classify(&answer), addr(5));
        assert_eq!(route, Some(KEY), "a forged response removes nothing");
    }
    demux.prove(KEY, addr(1));
    demux.prove(KEY, addr(3));
    demux.remove(KEY);
    assert_eq!(demux.len(), 0);
}

#[test]
fn the_tables_of_one_viewer_are_bounded() {
    let mut demux = demux();
    for port in 1..1000 {
        demux.claim(KEY, addr(port));
        demux.prove(KEY, addr(port + 10_000));
        demux.sent(KEY, &check(u8::try_from(port % 251).expect("small")));
    }
    assert!(demux.len() <= 2 + OWNED_MAX + CLAIMED_MAX + TRANSACTIONS_MAX);
    assert_eq!(demux.route(Kind::Rtp, addr(999)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(10_999)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
}

#[test]
fn claims_do_not_evict_proven_addresses() {
    let mut demux = demux();
    demux.claim(KEY, addr(1));
    demux.prove(KEY, addr(1));
    (2..1000).for_each(|port| demux.claim(KEY, addr(port)));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), Some(KEY));
}

#[test]
fn only_proof_reassigns_an_address() {
    let mut demux = demux();
    demux.add(key(2), names("second"));
    demux.prove(KEY, addr(1));
    demux.claim(key(2), addr(1));
    assert_eq!(
        demux.route(Kind::Rtp, addr(1)),
        Some(KEY),
        "a source can be forged"
    );
    demux.claim(key(2), addr(5));
    demux.claim(KEY, addr(5));
    assert_eq!(
        demux.route(Kind::Rtp, addr(5)),
        Some(key(2)),
        "the first claim wins"
    );
    demux.prove(KEY, addr(5));
    assert_eq!(demux.route(Kind::Rtp, addr(5)), Some(KEY));
    demux.prove(key(2), addr(1));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), Some(key(2)));
    demux.remove(KEY);
    assert_eq!(demux.route(Kind::Rtp, addr(1)), Some(key(2)));
    demux.remove(key(2));
    assert_eq!(demux.len(), 0);
}

#[test]
fn a_restart_adds_a_user_name_and_keeps_the_previous_one() {
    let mut demux = Demux::default();
    demux.add(KEY, names("first"));
    demux.rename(KEY, names("second"));
    for name in ["first:b", "second:b"] {
        assert_eq!(named(&demux, name), Some(KEY));
    }
    demux.rename(KEY, names("third"));
    assert_eq!(named(&demux, "first:b"), None);
    demux.rename(key(9), names("nobody's"));
    demux.remove(KEY);
    assert_eq!(demux.len(), 0);
}

#[test]
fn the_same_address_over_tcp_is_separate() {
    let mut demux = demux();
    let (_, address) = addr(1);
    demux.claim(KEY, (TransportProtocol::Tcp, address));
    assert_eq!(
        demux.route(Kind::Rtp, (TransportProtocol::Tcp, address)),
        Some(KEY)
    );
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
}
