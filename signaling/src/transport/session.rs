//! Session data of the transport: the certificate, random identifiers, and requests that change a session.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use rtc::crypto::{self, SignatureScheme};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::shared::error::Error;

use super::ice::CheckCredentials;
use super::interfaces::Network;
use crate::sdp::{Credentials, RemoteCandidate};

/// One self-signed certificate for all viewers, because creating one costs more than a whole join. The
/// fingerprint in the answer authenticates it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: RTCCertificate,
    /// SHA-256, as `AA:BB:..`.
    pub(crate) fingerprint: String,
}

impl Identity {
    pub(crate) fn generate() -> Result<Self, Error> {
        let provider =
            crypto::default_provider().map_err(|error| Error::Crypto(error.to_string()))?;
        let params = CertificateParams::new(vec!["carrier".to_owned()])
            .map_err(|error| Error::Crypto(error.to_string()))?;
        let scheme = SignatureScheme::EcdsaP256Sha256;
        let certificate = RTCCertificate::generate(provider.crypto(), scheme, params)?;
        let fingerprints = certificate.get_fingerprints(provider.crypto())?;
        let fingerprint = fingerprints
            .first()
            .map(|print| print.value.to_ascii_uppercase())
            .ok_or_else(|| Error::Crypto("a certificate without fingerprint".to_owned()))?;
        Ok(Self {
            certificate,
            fingerprint,
        })
    }
}

/// The first sequence numbers are below 2^15 (RFC 3711 3.3.1): a receiver that misses the first packets and their
/// wrap-around would count another rollover, and could decrypt no packet of the session.
const FIRST_NUMBERS: u64 = 0x7fff_7fff_ffff_ffff;

/// Random identifiers of one session, all unguessable.
#[derive(Debug, Clone)]
pub(crate) struct SessionNames {
    /// Part of the session's URL; 128 bits.
    pub(crate) id: String,
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    /// Seed of the first sequence numbers (16 bits each, of media and RTX) and the first timestamp.
    pub(crate) numbering: u64,
}

impl SessionNames {
    pub(crate) fn random() -> Self {
        let ssrc: u32 = rand::random();
        let Credentials { ufrag, pwd } = Credentials::random();
        Self {
            id: hex(&rand::random::<[u8; 16]>()),
            ufrag,
            pwd,
            ssrc,
            rtx_ssrc: ssrc ^ 0x5858_5858,
            numbering: rand::random::<u64>() & FIRST_NUMBERS,
        }
    }
}

impl Credentials {
    pub(crate) fn random() -> Self {
        Self {
            // RFC 8445 5.3 requires 24 and 128 bits; hexadecimal digits are ice-chars.
            ufrag: hex(&rand::random::<[u8; 8]>()),
            pwd: hex(&rand::random::<[u8; 16]>()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Candidates sent after the offer.
pub(crate) struct Trickle {
    pub(crate) id: String,
    /// The `If-Match` entity tag; `None` accepts any state.
    pub(crate) tag: Option<String>,
    /// The user name fragment the candidates belong to, if given.
    pub(crate) ufrag: Option<String>,
    pub(crate) candidates: Vec<RemoteCandidate>,
}

/// New ICE credentials and addresses of a session.
pub(crate) struct Restart {
    pub(crate) id: String,
    /// See [`Trickle`].
    pub(crate) tag: Option<String>,
    pub(crate) names: Arc<CheckCredentials>,
    pub(crate) remote: Credentials,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) networks: Vec<Network>,
    pub(crate) candidates: Vec<RemoteCandidate>,
    /// Size of the request.
    pub(crate) request_bytes: usize,
}

/// Why a session request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionError {
    /// The viewer limit is reached, or somebody publishes already.
    Full,
    /// No such session.
    Unknown,
    /// The candidates are of other credentials, which needs an ICE restart.
    Restart,
    /// The entity tag is of another state of the session.
    WrongTag,
    /// The engine does not run any more.
    EngineEnded,
}

/// The credentials are those of the newest negotiation; our user name fragment is the session's entity tag.
impl CheckCredentials {
    /// Checks an entity tag against the current state of the session.
    pub(crate) fn check_tag(&self, tag: Option<&str>) -> Result<(), SessionError> {
        match tag {
            Some(tag) if tag != self.local.ufrag => Err(SessionError::WrongTag),
            _ => Ok(()),
        }
    }

    /// Checks that candidates belong to the current credentials.
    pub(crate) fn check_trickle(&self, trickle: &Trickle) -> Result<(), SessionError> {
        self.check_tag(trickle.tag.as_deref())?;
        match &trickle.ufrag {
            Some(ufrag) if *ufrag != self.remote => Err(SessionError::Restart),
            _ => Ok(()),
        }
    }
}

#[test]
fn first_sequence_numbers_are_far_from_their_wrap_around() {
    for _ in 0..200 {
        let [a, b, c, d, ..] = SessionNames::random().numbering.to_be_bytes();
        assert!(u16::from_be_bytes([a, b]) < 1 << 15);
        assert!(u16::from_be_bytes([c, d]) < 1 << 15);
    }
}
