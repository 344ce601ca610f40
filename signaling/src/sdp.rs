//! SDP: parses offers and fragments, writes answers.
//!
//! Answers are not written by the WebRTC library, because they must conform for sections that the library
//! does not know (audio, data channels), and list exactly the payload type, SSRCs and candidates in use.

mod answer;
mod fragment;
mod h264;
mod offer;
mod publish;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use answer::{AnswerParams, answer};
pub(crate) use fragment::{Fragment, RestartAnswer};
pub(crate) use offer::{Offer, Setup, TRANSPORT_WIDE_SEQUENCE};
pub(crate) use publish::{parse_published, publish_answer};
pub(crate) use text::{Credentials, REMOTE_CANDIDATES_MAX, RemoteCandidate};
