//! DTLS-SRTP (RFC 5764) of one viewer: the handshake, then encryption and decryption. It knows no addresses,
//! so that a change of the ICE path changes nothing here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::crypto::{HashAlgorithm, RTCCryptoProvider};
use rtc::dtls::config::{
    ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig,
    VerifyPeerCertificateFn,
};
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::dtls::state::State;
use rtc::rtp::header::Header;
use rtc::rtp::packet::Packet;
use rtc::shared::error::Error;
use rtc::shared::marshal::Unmarshal;
use rtc::shared::{TransportContext, TransportProtocol};
use rtc::srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc::srtp::context::Context;
use rtc::srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc::srtp::protection_profile::ProtectionProfile;

use super::dtls_duplicates::HandshakeDuplicates;
use super::sealing::SrtpSealer;
use crate::sdp::{Offer, Setup};
use crate::transport::runs::RunBuffer;
use crate::transport::session::Identity;

/// Best first. Every browser supports the first, which is also the cheapest with AES instructions.
const PROFILES: [(SrtpProtectionProfile, ProtectionProfile); 4] = [
    (
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        ProtectionProfile::AeadAes128Gcm,
    ),
    (
        SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        ProtectionProfile::AeadAes256Gcm,
    ),
    (
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ProtectionProfile::Aes128CmHmacSha1_80,
    ),
    (
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32,
        ProtectionProfile::Aes128CmHmacSha1_32,
    ),
];
/// Server name of handshakes that this side starts.
const SERVER_NAME: &str = "localhost";
/// How long an unanswered flight waits for its first retransmission; the wait doubles each time. Shorter than the
/// second that RFC 6347 4.2.4.1 recommends, since a visitor waits for a picture; browsers begin with 50 ms. The
/// library gives up after seven retransmissions: 25 s, which is longer than a viewer has for connecting.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(200);
/// Packets that may arrive out of order and are still distinguished from replayed ones.
const REPLAY_WINDOW: usize = 64;

/// The state of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DtlsState {
    Handshaking,
    Up,
    Failed,
    /// The viewer closed it.
    Closed,
}

/// The keys of both directions.
struct Keys {
    media: SrtpSealer,
    sealing: Context,
    opening: Context,
}

pub(super) struct DtlsSrtp {
    endpoint: Endpoint,
    /// Configuration of a handshake that this side starts once there is a path; `None` otherwise.
    to_begin: Option<Arc<HandshakeConfig>>,
    keys: Option<Keys>,
    state: DtlsState,
    crypto: Arc<dyn RTCCryptoProvider>,
    out: Vec<RunBuffer>,
    duplicates: HandshakeDuplicates,
    /// When the present flight is retransmitted, and the wait before that.
    retransmission: Option<(Instant, Duration)>,
}

impl DtlsSrtp {
    pub(super) fn new(
        offer: &Offer,
        identity: &Identity,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Result<Self, Error> {
        // As in the SDP answer: this side is the DTLS client where it may.
        let begins = offer.setup != Setup::Active;
        let config = Arc::new(
            ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&crypto))
                .with_certificates(vec![identity.certificate.dtls_certificate.clone()])
                .with_srtp_protection_profiles(
                    PROFILES.iter().map(|(offered, _)| *offered).collect(),
                )
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                // Certificates are self-signed; the fingerprint in the offer authenticates them.
                .with_insecure_skip_verify(true)
                // Unused, but without a name the library warns at every join.
                .with_server_name(SERVER_NAME.to_owned())
                .with_verify_peer_certificate(Some(fingerprint_verifier(
                    &offer.fingerprint,
                    &crypto,
                )))
                .with_extended_master_secret(ExtendedMasterSecretType::Require)
                .build(begins, None)?,
        );
        let (to_begin, to_expect) = if begins {
            (Some(config), None)
        } else {
            (None, Some(config))
        };
        let placeholder = TransportContext::default().local_addr;
        Ok(Self {
            endpoint: Endpoint::new(placeholder, TransportProtocol::UDP, to_expect),
            to_begin,
            keys: None,
            state: DtlsState::Handshaking,
            crypto,
            out: Vec::new(),
            duplicates: HandshakeDuplicates::default(),
            retransmission: None,
        })
    }

    pub(super) fn state(&self) -> DtlsState {
        self.state
    }

    /// Starts the handshake if that is this side's role and there was none.
    pub(super) fn begin(&mut self, now: Instant) {
        let Some(config) = self.to_begin.take() else {
            return;
        };
        if let Err(error) = self.endpoint.connect(now, other_side(), config, None) {
            tracing::debug!(%error, "cannot start a DTLS handshake");
            self.state = DtlsState::Failed;
        }
        self.collect_flight(now);
    }

    /// Handles a DTLS datagram.
    pub(super) fn handshake(&mut self, now: Instant, bytes: &[u8]) {
        // After the end, a late datagram would start a new handshake.
        if matches!(self.state, DtlsState::Closed | DtlsState::Failed) || is_plain_alert(bytes) {
            return;
        }
        let is_handshaking = self.state == DtlsState::Handshaking;
        if is_handshaking && self.duplicates.is_repetition(bytes) {
            return;
        }
        let read = self
            .endpoint
            .read(now, other_side(), None, BytesMut::from(bytes));
        match read {
            Ok(events) => {
                for event in events {
                    self.note(&event);
                }
                self.duplicates.note(bytes);
            }
            Err(error) => tracing::debug!(%error, "a DTLS datagram was rejected"),
        }
        self.collect_flight(now);
    }

    /// Handles the passing of time: retransmits unanswered handshake messages with exponential back-off.
    pub(super) fn tick(&mut self, now: Instant) {
        let (Some(timer), Some((at, wait))) = (self.library_timer(), self.retransmission) else {
            return;
        };
        if at > now {
            return;
        }
        // The library's own interval is fixed; with its timer's time it retransmits at once.
        if let Err(error) = self.endpoint.handle_timeout(other_side(), timer.max(now)) {
            tracing::debug!(%error, "a DTLS handshake timed out");
            self.state = DtlsState::Failed;
        }
        self.retransmission = Some((now + 2 * wait, 2 * wait));
        self.collect();
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.library_timer()?;
        self.retransmission.map(|(at, _)| at)
    }

    fn library_timer(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&other_side())
    }

    /// Encrypts a media packet; [`Self::drain`] returns it. Dropped before the handshake is complete.
    pub(super) fn seal_rtp(&mut self, header: &Header, payload: &[u8]) {
        let Some(keys) = &mut self.keys else {
            return;
        };
        let (library, out) = (&mut keys.sealing, &mut self.out);
        if let Err(error) = keys.media.seal(header, payload, library, out) {
            tracing::debug!(%error, "cannot encrypt a media packet");
        }
    }

    /// Encrypts a compound of control packets.
    pub(super) fn seal_rtcp(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let Some(keys) = &mut self.keys else {
            return;
        };
        let plain = rtc::rtcp::packet::marshal(packets);
        match plain.and_then(|plain| keys.sealing.encrypt_rtcp(&plain)) {
            Ok(sealed) => self.out.push(RunBuffer::single(sealed)),
            Err(error) => tracing::debug!(%error, "cannot encrypt a control packet"),
        }
    }

    /// Decrypts control packets; `None` if they are not authentic.
    pub(super) fn open_rtcp(&mut self, sealed: &[u8]) -> Option<Vec<Box<dyn rtc::rtcp::Packet>>> {
        let mut plain = self.keys.as_mut()?.opening.decrypt_rtcp(sealed).ok()?;
        rtc::rtcp::packet::unmarshal(&mut plain).ok()
    }

    /// Decrypts a media packet; `None` if it is not authentic.
    pub(super) fn open_rtp(&mut self, sealed: &[u8]) -> Option<Packet> {
        let mut plain = self.keys.as_mut()?.opening.decrypt_rtp(sealed).ok()?;
        Packet::unmarshal(&mut plain).ok()
    }

    /// Sends close_notify.
    pub(super) fn close(&mut self, now: Instant) {
        if let Err(error) = self.endpoint.close(now) {
            tracing::debug!(%error, "cannot close a DTLS connection cleanly");
        }
        self.collect();
    }

    /// Takes the datagrams to send.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = RunBuffer> {
        self.out.drain(..).filter(|buffer| !buffer.is_empty())
    }

    fn note(&mut self, event: &EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => {
                let state = self.endpoint.get_connection_state(other_side());
                let keys = state.map(|state| keys(state, &self.crypto));
                match keys {
                    Some(Ok(keys)) => {
                        self.keys = Some(keys);
                        self.state = DtlsState::Up;
                    }
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a DTLS handshake gave no usable keys");
                        self.state = DtlsState::Failed;
                    }
                    None => {}
                }
            }
            EndpointEvent::PeerClosed => self.state = DtlsState::Closed,
            // There is no data channel.
            _ => {}
        }
    }

    /// Takes what the library sends, and restarts the back-off if that is a new flight.
    fn collect_flight(&mut self, now: Instant) {
        let before = self.out.len();
        self.collect();
        if self.out.len() > before {
            self.retransmission = Some((now + FIRST_RETRANSMISSION, FIRST_RETRANSMISSION));
        }
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.out.push(RunBuffer::single(transmit.message));
        }
    }
}

/// Whether a datagram starts with an unencrypted alert (RFC 6347 4.1). Anybody can forge one to end a
/// handshake; a handshake that really fails times out.
fn is_plain_alert(datagram: &[u8]) -> bool {
    const ALERT: u8 = 21;
    datagram.first() == Some(&ALERT) && datagram.get(3..5) == Some(&[0, 0])
}

/// The library separates associations by address; here is one, whatever its path.
fn other_side() -> SocketAddr {
    TransportContext::default().peer_addr
}

/// Accepts only the certificate with the fingerprint of the offer.
fn fingerprint_verifier(
    fingerprint: &str,
    crypto: &Arc<dyn RTCCryptoProvider>,
) -> VerifyPeerCertificateFn {
    let (expected, crypto) = (fingerprint.to_owned(), Arc::clone(crypto));
    Arc::new(move |certificates, _| {
        let certificate = certificates.first().ok_or(Error::ErrNonCertificate)?;
        let digest = crypto
            .crypto()
            .hash(HashAlgorithm::Sha256, certificate)
            .map_err(|error| Error::Crypto(error.to_string()))?;
        let digest: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if digest.join(":").eq_ignore_ascii_case(&expected) {
            Ok(())
        } else {
            Err(Error::ErrNoMatchingCertificateFingerprint)
        }
    })
}

/// Derives both directions' keys from a finished handshake (RFC 5764 4.2).
fn keys(state: &State, crypto: &Arc<dyn RTCCryptoProvider>) -> Result<Keys, Error> {
    let agreed = state.srtp_protection_profile();
    let (_, profile) = PROFILES
        .into_iter()
        .find(|(offered, _)| *offered == agreed)
        .ok_or(Error::ErrNoSuchSrtpProfile)?;
    let mut config = Config {
        profile,
        ..Config::default()
    };
    let length = config.keying_material_len();
    let material = state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], length)?;
    config.set_session_keys_from_keying_material(material.as_ref(), state.is_client())?;
    let keys = &config.keys;
    let media = SrtpSealer::new(
        profile,
        &keys.local_master_key,
        &keys.local_master_salt,
        crypto.crypto(),
    )?;
    let sealing = Context::new(
        &keys.local_master_key,
        &keys.local_master_salt,
        profile,
        None,
        None,
        crypto.crypto(),
    )?;
    let opening = Context::new(
        &keys.remote_master_key,
        &keys.remote_master_salt,
        profile,
        Some(srtp_replay_protection(REPLAY_WINDOW)),
        Some(srtcp_replay_protection(REPLAY_WINDOW)),
        crypto.crypto(),
    )?;
    Ok(Keys {
        media,
        sealing,
        opening,
    })
}
