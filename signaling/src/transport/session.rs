//! A session as its transport knows it: the certificate, its random names, requests about it, and why
//! one is refused.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use rtc::crypto::{self, SignatureScheme};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::shared::error::Error;

use super::ice::CheckNames;
use super::interfaces::Network;
use crate::sdp::{Credentials, RemoteCandidate};

/// One self-signed certificate for all viewers: making one costs more than a whole join, and the
/// fingerprint in the answer is what vouches for it.
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

/// Names of one session, all unguessable.
#[derive(Debug, Clone)]
pub(crate) struct SessionNames {
    /// The session's URL part: 128 bits.
    pub(crate) id: String,
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    /// Where sequence numbers and timestamps start.
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
            numbering: rand::random(),
        }
    }
}

impl Credentials {
    pub(crate) fn random() -> Self {
        Self {
            // RFC 8445 5.3 wants 24 and 128 bits at least; hexadecimal digits are ice-chars.
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

/// Candidates that came after the offer.
pub(crate) struct Trickle {
    pub(crate) id: String,
    /// What `If-Match` allows; `None`: whatever is there.
    pub(crate) tag: Option<String>,
    /// Whose candidates these are; `None`: not told.
    pub(crate) ufrag: Option<String>,
    pub(crate) candidates: Vec<RemoteCandidate>,
}

/// New credentials of a session, and where it can be reached now.
pub(crate) struct Restart {
    pub(crate) id: String,
    /// As in [`Trickle`].
    pub(crate) tag: Option<String>,
    pub(crate) names: Arc<CheckNames>,
    pub(crate) remote: Credentials,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) networks: Vec<Network>,
    pub(crate) candidates: Vec<RemoteCandidate>,
    /// The length of the request.
    pub(crate) brought_bytes: usize,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no place: as many viewers as allowed, or somebody who publishes already.
    Full,
    /// No such session.
    Unknown,
    /// It asks for an ICE restart.
    Restart,
    /// Its tag is another session state's.
    WrongTag,
}

/// The names are those of the offer and answer, or of the newest restart; ours is the session's tag.
impl CheckNames {
    /// Whether a request with this tag is about the session as it is now.
    pub(crate) fn fit_tag(&self, tag: Option<&str>) -> Result<(), Refused> {
        match tag {
            Some(tag) if tag != self.local.ufrag => Err(Refused::WrongTag),
            _ => Ok(()),
        }
    }

    /// Whether candidates are of the credentials that are known.
    pub(crate) fn fit(&self, trickle: &Trickle) -> Result<(), Refused> {
        self.fit_tag(trickle.tag.as_deref())?;
        match &trickle.ufrag {
            Some(ufrag) if *ufrag != self.remote => Err(Refused::Restart),
            _ => Ok(()),
        }
    }
}
