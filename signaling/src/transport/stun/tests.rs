use std::sync::Arc;

use rtc::crypto::{self, RTCCryptoProvider};

use super::*;

const PASSWORD: &str = "a password of 22 bytes";
const NUMBER: TransactionId = [7; 12];

fn provider() -> Arc<dyn RTCCryptoProvider> {
    crypto::default_provider().expect("a crypto provider")
}

fn check() -> Draft {
    Draft::new(Class::Request, NUMBER)
        .with(USERNAME, b"ours:theirs")
        .with(PRIORITY, &9_u32.to_be_bytes())
        .with(ICE_CONTROLLING, &5_u64.to_be_bytes())
}

fn sealed(draft: Draft) -> BytesMut {
    draft.seal(PASSWORD, provider().crypto()).expect("short")
}

/// The request of RFC 5769 2.1.
const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
    002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56\
    781ef2b5b2d3f249c1b571a280280004e57a3bcf";

#[test]
fn the_rfc_sample_is_authentic_only_with_its_password() {
    let bytes: Vec<u8> = (0..SAMPLE.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&SAMPLE[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let message = Message::parse(&bytes).expect("well formed");
    assert_eq!(message.user_name(), Some(("evtj", "h6vY")));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(
        message.tie_breaker(ICE_CONTROLLED),
        Some(0x932f_f9b1_5126_3b36)
    );
    assert_eq!(message.unknown().next(), None);
    let provider = provider();
    assert!(message.is_authentic("VOkJxbRl1RmTxUk/WvJxBt", provider.crypto()));
    assert!(!message.is_authentic("VOkJxbRl1RmTxUk/WvJxBu", provider.crypto()));
}

#[test]
fn every_bit_before_the_integrity_is_protected() {
    let (bytes, provider) = (sealed(check()), provider());
    let authentic = |bytes: &[u8]| {
        Message::parse(bytes).is_some_and(|message| {
            message.is_authentic(PASSWORD, provider.crypto())
                && message.class == Class::Request
                && message.user_name() == Some(("ours", "theirs"))
        })
    };
    assert!(authentic(&bytes));
    // FINGERPRINT follows the integrity and is not protected by it (RFC 8489 14.7).
    let protected = bytes.len() - ATTRIBUTE_HEADER_BYTES - FINGERPRINT_BYTES;
    for bit in 0..protected * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!authentic(&changed), "bit {bit}");
    }
    for end in 0..bytes.len() {
        assert!(!authentic(&bytes[..end]), "cut at {end}");
    }
}

#[test]
fn attributes_after_the_integrity_are_ignored() {
    let mut bytes = sealed(check()).to_vec();
    bytes.truncate(bytes.len() - 8);
    bytes.extend_from_slice(&[0, 0x25, 0, 0]);
    let length = u16::try_from(bytes.len() - HEADER_BYTES).expect("short");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let message = Message::parse(&bytes).expect("well formed");
    assert!(message.is_authentic(PASSWORD, provider().crypto()));
    assert!(!message.nominates(), "appended by an attacker");
    let nominating = sealed(check().with(USE_CANDIDATE, &[]));
    assert!(Message::parse(&nominating).expect("valid").nominates());
}

#[test]
fn a_message_without_integrity_is_not_authentic() {
    let mut draft = check();
    draft.set_length(0).expect("short");
    let message = Message::parse(&draft.0).expect("well formed");
    assert!(!message.is_authentic(PASSWORD, provider().crypto()));
    assert!(!message.is_authentic("", provider().crypto()));
    let odd = sealed(check().with(MESSAGE_INTEGRITY, &[1; 4]));
    assert_eq!(Message::parse(&odd), None, "a tag of four bytes");
}

#[test]
fn the_fingerprint_must_be_correct_and_last() {
    let good = sealed(check());
    let mut wrong = good.to_vec();
    *wrong.last_mut().expect("long") ^= 1;
    assert_eq!(Message::parse(&wrong), None);
    let mut more = good.to_vec();
    more.extend_from_slice(&[0xc0, 1, 0, 0]);
    let length = u16::try_from(more.len() - HEADER_BYTES).expect("short");
    more[2..4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(Message::parse(&more), None);
}

#[test]
fn unknown_comprehension_required_attributes_are_listed() {
    let bytes = sealed(check().with(0x7abc, b"odd").with(0xc057, &[0; 4]));
    let message = Message::parse(&bytes).expect("well formed");
    assert_eq!(message.unknown().collect::<Vec<_>>(), [0x7abc]);
}

#[test]
fn responses_report_the_source_address() {
    for seen in ["192.0.2.1:32853", "[2001:db8::1]:32853"] {
        let seen: SocketAddr = seen.parse().expect("an address");
        let bytes = sealed(Draft::new(Class::Success, NUMBER).with_mapped_address(seen));
        let mut known = rtc::stun::message::Message {
            raw: bytes.to_vec(),
            ..Default::default()
        };
        known.decode().expect("the library reads it");
        let mut mapped = rtc::stun::xoraddr::XorMappedAddress::default();
        rtc::stun::message::Getter::get_from(&mut mapped, &known).expect("an address");
        assert_eq!((mapped.ip, mapped.port), (seen.ip(), seen.port()));
    }
    let error = sealed(Draft::new(Class::Error, NUMBER).with_error(487, "Role Conflict"));
    assert_eq!(
        Message::parse(&error).expect("valid").error_code(),
        Some(487)
    );
}
