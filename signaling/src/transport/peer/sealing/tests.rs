//! Decrypts with the library what the sealer encrypts.

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
    sealing: SrtpSealer,
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
        sealing: SrtpSealer::new(profile, &key, &salt, crypto).expect("keys"),
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
    fn seal(&mut self, header: &Header, payload: &[u8], buffers: &mut Vec<RunBuffer>) {
        let sealed = self
            .sealing
            .seal(header, payload, &mut self.library, buffers);
        sealed.expect("sealed");
    }

    fn opened(&mut self, sealed: &[u8]) -> Packet {
        let mut plain = self.opening.decrypt_rtp(sealed).expect("ours");
        Packet::unmarshal(&mut plain).expect("a packet")
    }
}

/// Splits buffers into datagrams.
fn apart(buffers: &[RunBuffer]) -> Vec<Vec<u8>> {
    let path = crate::transport::runs::Path {
        protocol: crate::transport::runs::TransportProtocol::Udp,
        local: [192, 0, 2, 9].into(),
        remote: ([192, 0, 2, 1], 1).into(),
    };
    let runs = buffers
        .iter()
        .map(|buffer| crate::transport::runs::Run::new(path, buffer.clone()));
    runs.flat_map(|run| run.datagrams().map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_library_decrypts_sealed_packets() {
    for profile in PROFILES {
        let mut both = both(profile);
        let extension = Extension {
            id: 3,
            payload: Bytes::from_static(&[1, 2]),
        };
        let mut buffers = Vec::new();
        let headers = [
            header(7, 65_533, vec![extension]),
            header(7, 65_534, vec![]),
            header(9, 12, vec![]),
        ];
        for (header, length) in headers.iter().zip([1100, 1100, 60]) {
            both.seal(header, &vec![length as u8; length], &mut buffers);
        }
        let sealed = apart(&buffers);
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
fn the_roll_over_counter_follows_the_sequence_number() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut first = Vec::new();
    // Steps that the library follows too; two wrap-arounds.
    let mut number = 65_000_u64;
    while number < 3 * 65_536 {
        let mut buffers = Vec::new();
        both.seal(&header(7, number as u16, vec![]), b"payload", &mut buffers);
        let sealed = apart(&buffers).remove(0);
        assert_eq!(both.opened(&sealed).payload, "payload", "{number}");
        if number == 65_000 + 64 * 536 {
            first.clone_from(&sealed);
        }
        number += 64;
    }
    // The same sequence number with another roll-over counter must not reuse the nonce.
    let mut buffers = Vec::new();
    both.seal(
        &header(7, (65_000_u64 + 64 * 536 + 2 * 65_536) as u16, vec![]),
        b"payload",
        &mut buffers,
    );
    assert_ne!(apart(&buffers)[0], first);
}

#[test]
fn a_retransmission_without_rtx_is_byte_identical() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut buffers = Vec::new();
    for number in [65_534, 65_535, 0, 1, 65_535] {
        both.seal(&header(7, number, vec![]), b"payload", &mut buffers);
    }
    let sealed = apart(&buffers);
    assert_eq!(sealed[1], sealed[4]);
    assert_ne!(sealed[1], sealed[2]);
    both.seal(&header(9, 5, vec![]), b"payload", &mut buffers);
    let before_the_first = header(9, 65_530, vec![]);
    let sealed = both.sealing.seal(
        &before_the_first,
        b"payload",
        &mut both.library,
        &mut buffers,
    );
    assert!(sealed.is_err());
    assert_eq!(apart(&buffers).len(), 6, "nothing of it is left");
}

#[test]
fn no_plain_text_is_sent() {
    let mut both = both(ProtectionProfile::AeadAes128Gcm);
    let mut buffers = vec![RunBuffer::single(BytesMut::from(&[0; 400][..]))];
    both.seal(&header(7, 1, vec![]), &[0x5a; 300], &mut buffers);
    let sealed = apart(&buffers);
    assert_eq!(sealed.len(), 2, "appended after the existing datagram");
    assert!(!sealed[1].windows(4).any(|bytes| bytes == [0x5a; 4]));
}
