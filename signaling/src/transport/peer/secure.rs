//! DTLS-SRTP (RFC 5764) of one viewer: a handshake, then packets sealed and opened. It knows of no
//! addresses: whichever path ICE has chosen carries it, so that a change of path changes nothing
//! here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

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

use super::sealing::Sealing;
use crate::sdp::{Offer, Setup};
use crate::transport::runs::Load;
use crate::transport::session::Identity;

/// Best first; the first is what every browser takes, and the cheapest with AES instructions.
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
/// What a handshake that we begin calls the other side.
const SERVER_NAME: &str = "localhost";
/// Packets that may come out of order and are still told from repeated ones.
const REPLAY_WINDOW: usize = 64;

/// How the handshake stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecureState {
    Handshaking,
    Up,
    Failed,
    /// The viewer closed it.
    Closed,
}

/// Keys of one direction each.
struct Keys {
    media: Sealing,
    sealing: Context,
    opening: Context,
}

pub(super) struct Secure {
    endpoint: Endpoint,
    /// To begin with, once there is a path; `None`: the viewer begins, or we have begun.
    to_begin: Option<Arc<HandshakeConfig>>,
    keys: Option<Keys>,
    state: SecureState,
    crypto: Arc<dyn RTCCryptoProvider>,
    out: Vec<Load>,
}

impl Secure {
    pub(super) fn new(
        offer: &Offer,
        identity: &Identity,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Result<Self, Error> {
        // As the answer says: the one who connects begins wherever it may.
        let begins = offer.setup != Setup::Active;
        let config = Arc::new(
            ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&crypto))
                .with_certificates(vec![identity.certificate.dtls_certificate.clone()])
                .with_srtp_protection_profiles(
                    PROFILES.iter().map(|(offered, _)| *offered).collect(),
                )
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                // Certificates are self-signed; the fingerprint in the offer vouches for them.
                .with_insecure_skip_verify(true)
                // Nobody looks at it; without one the library would warn at every join.
                .with_server_name(SERVER_NAME.to_owned())
                .with_verify_peer_certificate(Some(vouched(&offer.fingerprint, &crypto)))
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
            state: SecureState::Handshaking,
            crypto,
            out: Vec::new(),
        })
    }

    pub(super) fn state(&self) -> SecureState {
        self.state
    }

    /// Begins the handshake, if that is ours to do and not done.
    pub(super) fn begin(&mut self, now: Instant) {
        let Some(config) = self.to_begin.take() else {
            return;
        };
        if let Err(error) = self.endpoint.connect(now, other_side(), config, None) {
            tracing::debug!(%error, "a handshake could not begin");
            self.state = SecureState::Failed;
        }
        self.collect();
    }

    /// Takes a datagram of the handshake, or an alert.
    pub(super) fn handshake(&mut self, now: Instant, bytes: &[u8]) {
        // Once it is over, a late datagram would be taken for a new handshake.
        if matches!(self.state, SecureState::Closed | SecureState::Failed) || is_bare_alert(bytes) {
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
            }
            Err(error) => tracing::debug!(%error, "a handshake datagram was refused"),
        }
        self.collect();
    }

    /// Lets time pass: what the viewer did not answer is repeated.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        if let Err(error) = self.endpoint.handle_timeout(other_side(), now) {
            tracing::debug!(%error, "a handshake was given up");
            self.state = SecureState::Failed;
        }
        self.collect();
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&other_side())
    }

    /// Takes a media packet; it comes out of [`Self::drain`] sealed. Before the handshake is over
    /// there is nobody to send it to.
    pub(super) fn seal_rtp(&mut self, header: &Header, payload: &[u8]) {
        let Some(keys) = &mut self.keys else {
            return;
        };
        let (library, out) = (&mut keys.sealing, &mut self.out);
        if let Err(error) = keys.media.seal(header, payload, library, out) {
            tracing::debug!(%error, "a packet was refused");
        }
    }

    /// Takes a compound of control packets.
    pub(super) fn seal_rtcp(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let Some(keys) = &mut self.keys else {
            return;
        };
        let plain = rtc::rtcp::packet::marshal(packets);
        match plain.and_then(|plain| keys.sealing.encrypt_rtcp(&plain)) {
            Ok(sealed) => self.out.push(Load::single(sealed)),
            Err(error) => tracing::debug!(%error, "a control packet was refused"),
        }
    }

    /// Opens the viewer's control packets; `None`: not its own, or none.
    pub(super) fn open_rtcp(&mut self, sealed: &[u8]) -> Option<Vec<Box<dyn rtc::rtcp::Packet>>> {
        let mut plain = self.keys.as_mut()?.opening.decrypt_rtcp(sealed).ok()?;
        rtc::rtcp::packet::unmarshal(&mut plain).ok()
    }

    /// Opens a media packet of one who sends some; `None`: not its own, or none.
    pub(super) fn open_rtp(&mut self, sealed: &[u8]) -> Option<Packet> {
        let mut plain = self.keys.as_mut()?.opening.decrypt_rtp(sealed).ok()?;
        Packet::unmarshal(&mut plain).ok()
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, now: Instant) {
        if let Err(error) = self.endpoint.close(now) {
            tracing::debug!(%error, "a viewer's connection did not close cleanly");
        }
        self.collect();
    }

    /// Takes what is to be sent.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Load> {
        self.out.drain(..).filter(|load| !load.is_empty())
    }

    fn note(&mut self, event: &EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => {
                let state = self.endpoint.get_connection_state(other_side());
                let keys = state.map(|state| keys(state, &self.crypto));
                match keys {
                    Some(Ok(keys)) => {
                        self.keys = Some(keys);
                        self.state = SecureState::Up;
                    }
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a handshake gave no usable keys");
                        self.state = SecureState::Failed;
                    }
                    None => {}
                }
            }
            EndpointEvent::PeerClosed => self.state = SecureState::Closed,
            // There is no data channel.
            _ => {}
        }
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.out.push(Load::single(transmit.message));
        }
    }
}

/// Whether a datagram begins with an alert that is not encrypted (RFC 6347 4.1): anybody can write one,
/// and it would end a handshake. A handshake that fails in earnest ends by itself, in time.
fn is_bare_alert(datagram: &[u8]) -> bool {
    const ALERT: u8 = 21;
    datagram.first() == Some(&ALERT) && datagram.get(3..5) == Some(&[0, 0])
}

/// The library tells associations apart by address; here there is one, wherever it moves.
fn other_side() -> SocketAddr {
    TransportContext::default().peer_addr
}

/// Accepts the certificate that the offer's fingerprint is of, and no other.
fn vouched(fingerprint: &str, crypto: &Arc<dyn RTCCryptoProvider>) -> VerifyPeerCertificateFn {
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

/// Both directions' keys out of a finished handshake (RFC 5764 4.2).
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
    let media = Sealing::new(
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
