//! Offers read, answers written: all session description text, and nothing else.
//!
//! The answer is our own text, not the WebRTC library's: it conforms for sections the library knows
//! nothing of (audio, data channels), and names exactly the payload type, SSRCs and candidates that
//! are used.

mod answer;
mod fragment;
mod h264;
mod offer;
mod publish;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use answer::{AnswerTerms, answer};
pub(crate) use fragment::{Fragment, RestartAnswer};
pub(crate) use offer::{Offer, RemoteCandidate, Setup, TRANSPORT_NUMBER};
pub(crate) use publish::{PublishError, parse_published, publish_answer};

/// Most sections an offer may have; browsers send one to four.
const SECTIONS_MAX: usize = 32;
/// Most candidates taken from a viewer, in all: each one is an address we send checks to.
pub(crate) const REMOTE_CANDIDATES_MAX: usize = 16;

/// Why an offer cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    /// Not SDP, or not what WebRTC needs of it.
    #[error("the offer is not usable SDP: {0}")]
    Malformed(String),
    /// There is nothing to send.
    #[error("the offer has no video section: add a video transceiver with direction recvonly")]
    NoVideo,
    /// Video, but none to receive.
    #[error(
        "the offer does not want to receive video: the video section must be recvonly or sendrecv"
    )]
    NotReceiving,
    /// Only H.264 with packetisation mode 1 is sent.
    #[error(
        "the offer has no H.264 with packetization-mode=1, the only video sent here; it has {0}"
    )]
    NoH264(String),
    /// Everything runs over one port.
    #[error("the offer lacks a=rtcp-mux, and RTCP has no port of its own here")]
    NoRtcpMux,
    /// The DTLS stack checks SHA-256 only.
    #[error("the offer's certificate fingerprint must be sha-256, not {0}")]
    Fingerprint(String),
}

impl SdpError {
    /// The text is at fault (HTTP 400), not what it asks for (422).
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_))
    }
}
