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
pub(crate) use offer::{Offer, Setup, TRANSPORT_NUMBER};
pub(crate) use publish::{PublishError, parse_published, publish_answer};
pub(crate) use text::{Credentials, REMOTE_CANDIDATES_MAX, RemoteCandidate, SdpError};
