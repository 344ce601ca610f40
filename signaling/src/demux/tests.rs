use super::*;

fn message(kind: u16, transaction: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (attribute, value) in attributes {
        body.extend_from_slice(&attribute.to_be_bytes());
        body.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut message = kind.to_be_bytes().to_vec();
    message.extend_from_slice(&u16::try_from(body.len()).expect("short").to_be_bytes());
    message.extend_from_slice(&MAGIC_COOKIE);
    message.extend_from_slice(&[transaction; 12]);
    message.extend_from_slice(&body);
    message
}

fn addr(port: u16) -> Origin {
    (Carriage::Udp, SocketAddr::from(([192, 0, 2, 7], port)))
}

const KEY: ViewerKey = key(1);

const fn key(number: u64) -> ViewerKey {
    ViewerKey {
        shard: Shard(0),
        number,
    }
}

#[test]
fn the_first_byte_tells_the_kind() {
    assert_eq!(classify(&[22; 40]), Kind::Dtls);
    assert_eq!(classify(&[21; 40]), Kind::Dtls);
    assert_eq!(classify(&[0x80; 40]), Kind::Rtp);
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
fn checks_are_read() {
    let check = message(1, 3, &[(USERNAME, b"ours:theirs"), (0x0025, b"")]);
    assert_eq!(classify(&check), Kind::StunRequest { ufrag: "ours" });
    let plain = message(1, 3, &[(0x8022, b"odd"), (USERNAME, b"a:b")]);
    assert_eq!(classify(&plain), Kind::StunRequest { ufrag: "a" });
}

#[test]
fn hostile_stun_is_garbage() {
    let good = message(1, 3, &[(USERNAME, b"ours:theirs")]);
    for end in 0..good.len() {
        assert_eq!(classify(&good[..end]), Kind::Garbage, "cut at {end}");
    }
    let mut lying = good.clone();
    lying[23] = 200;
    assert_eq!(
        classify(&lying),
        Kind::Garbage,
        "an attribute longer than the message"
    );
    let mut cookie = good.clone();
    cookie[5] ^= 1;
    assert_eq!(classify(&cookie), Kind::Garbage);
    assert_eq!(
        classify(&message(1, 3, &[(USERNAME, b"nocolon")])),
        Kind::Garbage
    );
    assert_eq!(
        classify(&message(1, 3, &[(USERNAME, b"\xff:\xfe")])),
        Kind::Garbage
    );
    assert_eq!(
        classify(&message(3, 3, &[])),
        Kind::Garbage,
        "a TURN request"
    );
}

#[test]
fn strangers_leave_no_trace() {
    let mut demux = Demux::default();
    let check = message(1, 3, &[(USERNAME, b"ours:theirs")]);
    assert_eq!(demux.route(classify(&check), addr(1)), None);
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
    assert_eq!(
        demux.route(classify(&message(0x101, 9, &[])), addr(1)),
        None
    );
    assert_eq!(demux.len(), 0);
}

#[test]
fn a_check_teaches_the_address_and_removal_forgets_all() {
    let mut demux = Demux::default();
    demux.add(KEY, "ours".to_owned());
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
    let check = message(1, 3, &[(USERNAME, b"ours:theirs")]);
    assert_eq!(demux.route(classify(&check), addr(1)), Some(KEY));
    assert_eq!(demux.route(Kind::Dtls, addr(1)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(2)), None);
    demux.sent(KEY, &message(1, 7, &[]));
    let answer = message(0x101, 7, &[]);
    assert_eq!(demux.route(classify(&answer), addr(5)), Some(KEY));
    assert_eq!(
        demux.route(classify(&answer), addr(5)),
        None,
        "answered once"
    );
    demux.sent(KEY, &message(1, 8, &[]));
    demux.remove(KEY);
    assert_eq!(demux.len(), 0);
}

#[test]
fn one_viewer_cannot_fill_the_tables() {
    let mut demux = Demux::default();
    demux.add(KEY, "ours".to_owned());
    let check = message(1, 3, &[(USERNAME, b"ours:theirs")]);
    for port in 1..1000 {
        demux.route(classify(&check), addr(port));
        let number = u8::try_from(port % 251).expect("small");
        demux.sent(KEY, &message(1, number, &[]));
    }
    assert!(demux.len() <= 2 + ADDRESSES_MAX + TRANSACTIONS_MAX);
    assert_eq!(demux.route(Kind::Rtp, addr(999)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
}

#[test]
fn an_address_follows_its_newest_owner() {
    let mut demux = Demux::default();
    demux.add(KEY, "first".to_owned());
    demux.add(key(2), "second".to_owned());
    demux.route(classify(&message(1, 1, &[(USERNAME, b"first:x")])), addr(1));
    demux.route(
        classify(&message(1, 1, &[(USERNAME, b"second:x")])),
        addr(1),
    );
    assert_eq!(demux.route(Kind::Rtp, addr(1)), Some(key(2)));
    demux.remove(KEY);
    assert_eq!(demux.route(Kind::Rtp, addr(1)), Some(key(2)));
}

#[test]
fn a_restart_adds_a_name_and_keeps_the_one_before_it() {
    let check = |ufrag: &str| message(1, 3, &[(USERNAME, format!("{ufrag}:b").as_bytes())]);
    let mut demux = Demux::default();
    demux.add(KEY, "first".to_owned());
    demux.rename(KEY, "second".to_owned());
    for name in ["first", "second"] {
        assert_eq!(demux.route(classify(&check(name)), addr(1)), Some(KEY));
    }
    demux.rename(KEY, "third".to_owned());
    assert_eq!(demux.route(classify(&check("first")), addr(1)), None);
    demux.rename(key(9), "nobody's".to_owned());
    demux.remove(KEY);
    assert_eq!(demux.len(), 0);
}

#[test]
fn the_same_address_over_tcp_is_another() {
    let mut demux = Demux::default();
    demux.add(KEY, "ours".to_owned());
    let check = message(1, 3, &[(USERNAME, b"ours:theirs")]);
    let (_, address) = addr(1);
    assert_eq!(
        demux.route(classify(&check), (Carriage::Tcp, address)),
        Some(KEY)
    );
    assert_eq!(demux.route(Kind::Rtp, (Carriage::Tcp, address)), Some(KEY));
    assert_eq!(demux.route(Kind::Rtp, addr(1)), None);
}
