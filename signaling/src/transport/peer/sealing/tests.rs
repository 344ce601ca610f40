//! The library of whoever receives is the judge.

use bytes::Bytes;
use rtc::rtp::header::Extension;
use rtc::rtp::packet::Packet;
use rtc::shared::marshal::Unmarshal;

use super::*;

const PROFILES: [ProtectionProfile; 4] = [
    ProtectionProfile::AeadAes128Gcm,
    ProtectionProfile::AeadAes256Gcm,
    ProtectionProfile::Aes128CmHmacSha1_80,
    ProtectionProfile::Aes128CmHmacSha1_32,
];

struct Both {
    sealing: Sealing,
    library: Context,
    opening: Context,
}

fn both(profile: ProtectionProfile) -> Both {
    let provider = rtc::crypto::default_provider().expect("ring");
    let crypto = provider.crypto();
    let key: Vec<u8> = (0..profile.key_len()).map(|at| at as u8 * 7 + 1).collect();
    let salt: Vec<u8> = (0..profile.salt_len()).map(|at| at as u8 * 5 + 3).collect();
    let context = || Context::new(&key, &salt, profile, None, None, crypto).expect("keys");
    Both {
        sealing: Sealing::new(profile, &key, &salt, crypto).expect("keys"),
        library: context(),
        opening: context(),
    }
}

fn header(ssrc: u32, sequence_number: u16, extensions: Vec<Extension>) -> Header {
    Header {
        version: 2,
        payload_type: 103,
        sequence_number,
        ssrc,
        timestamp: 90_000,
        extension: !extensions.is_empty(),
        extension_profile: rtc::rtp::header::EXTENSION_PROFILE_ONE_BYTE,
        extensions,
        ..Header::default()
    }
}

impl Both {
    fn seal(&mut self, header: &Header, payload: &[u8], loads: &mut Vec<Load>) {
        let sealed = self.sealing.seal(header, payload, &mut self.library, loads);
        sealed.expect("sealed");
    }

    fn opened(&mut self, sealed: &[u8]) -> Packet {
        let mut plain = self.opening.decrypt_rtp(sealed).expect("ours");
        Packet::unmarshal(&mut plain).expect("a packet")
    }
}

/// What is in loads, one by one.
fn apart(loads: &[Load]) -> Vec<Vec<u8>> {
    let path = crate::transport::runs::Path {
        carriage: crate::transport::runs::Carriage::Udp,
        local: [192, 0, 2, 9].into(),
        remote: ([192, 0, 2, 1], 1).into(),
    };
    let runs = loads
        .iter()
        .map(|load| crate::transport::runs::Run::new(path, load.clone()));
    runs.flat_map(|run| run.datagrams().map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect()
}

#[test]
fn what_is_sealed_the_library_opens() {
    for profile in PROFILES {
        let mut both = both(profile);
        let told = Extension {
            id: 3,
            payload: Bytes::from_static(&[1, 2]),
        };
        let mut loads = Vec::new();
        let headers = [
            header(7, 65_533, vec![told]),
            header(7, 65_534, vec![]),
            header(9, 12, vec![]),
        ];
        for (header, length) in headers.iter().zip([1100, 1100, 60]) {
            both.seal(header, &vec![length as u8; length], &mut loads);
        }
        let sealed = apart(&loads);
        assert_eq!(sealed.len(), 3, "{profile:?}");
        for (sealed, (header, length)) in sealed.iter().zip(headers.iter().zip([1100, 1100, 60])) {
            let packet = both.opened(sealed);
            assert_eq!(packet.header.sequence_number, header.sequence_number);
            assert_eq!(packet.header.get_extension(3), header.get_extension(3));
            assert!(packet.payload == vec![length as u8; length], "{length}");
        }
    }
}

#[test]
fn numbers_that_begin_anew_are_counted_and_old_ones_known() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut first = Vec::new();
    // Far enough that the library counts too; twice around.
    let mut number = 65_000_u64;
    while number < 3 * 65_536 {
        let mut loads = Vec::new();
        both.seal(&header(7, number as u16, vec![]), b"payload", &mut loads);
        let sealed = apart(&loads).remove(0);
        assert_eq!(both.opened(&sealed).payload, "payload", "{number}");
        if number == 65_000 + 64 * 536 {
            first.clone_from(&sealed);
        }
        number += 64;
    }
    // The same number, cycles later: the same bytes would be a catastrophe.
    let mut loads = Vec::new();
    both.seal(
        &header(7, (65_000_u64 + 64 * 536 + 2 * 65_536) as u16, vec![]),
        b"payload",
        &mut loads,
    );
    assert_ne!(apart(&loads)[0], first);
}

#[test]
fn a_packet_sent_again_is_the_same_to_the_last_bit() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut loads = Vec::new();
    for number in [65_534, 65_535, 0, 1, 65_535] {
        both.seal(&header(7, number, vec![]), b"payload", &mut loads);
    }
    let sealed = apart(&loads);
    assert_eq!(sealed[1], sealed[4]);
    assert_ne!(sealed[1], sealed[2]);
    both.seal(&header(9, 5, vec![]), b"payload", &mut loads);
    let before_the_first = header(9, 65_530, vec![]);
    let sealed = both
        .sealing
        .seal(&before_the_first, b"payload", &mut both.library, &mut loads);
    assert!(sealed.is_err());
    assert_eq!(apart(&loads).len(), 6, "and nothing of it is left");
}

#[test]
fn nothing_leaves_in_the_clear() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut loads = vec![Load::single(BytesMut::from(&[0; 400][..]))];
    both.seal(&header(7, 1, vec![]), &[0x5a; 300], &mut loads);
    let sealed = apart(&loads);
    assert_eq!(sealed.len(), 2, "behind what was there");
    assert!(!sealed[1].windows(4).any(|bytes| bytes == [0x5a; 4]));
}
