//! A publisher's offer turned into a publisher and an answer, on the thread of whoever asks.

use std::time::Instant;

use super::inbox::{MediaInbox, MediaInterceptor};
use super::publisher::{Newcomer, NewcomerParts};
use super::reception::MediaTerms;
use crate::candidates::Candidates;
use crate::engine::Shared;
use crate::negotiation::OurSide;
use crate::peer::Peer;
use crate::sdp::{PublishError, parse_published, publish_answer};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PublishRefusal {
    #[error(transparent)]
    Offer(#[from] PublishError),
    /// The WebRTC library refused what was left of the offer.
    #[error("the offer's connection cannot be set up: {0}")]
    Transport(String),
}

/// Answers an offer; the answer's text is the second.
pub(super) fn negotiate(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    now: Instant,
    newcomer: NewcomerParts,
) -> Result<(Newcomer, String), PublishRefusal> {
    let offer = parse_published(text)?;
    let ours = OurSide::new(shared, candidates);
    let inbox = MediaInbox::default();
    let payload_type = offer.video.payload_type;
    let media = MediaInterceptor::new(payload_type, offer.video.transport_id, inbox.clone());
    let peer = Peer::accept_with(now, &offer, &ours.peer_parts(), Box::new(media))
        .map_err(|error| PublishRefusal::Transport(error.to_string()))?;
    let answer = publish_answer(&offer, &ours.answer_terms());
    let newcomer = Newcomer {
        peer,
        inbox,
        terms: MediaTerms {
            payload_type,
            rtx_payload_type: offer.video.rtx_payload_type,
        },
        ssrc: ours.names.ssrc,
        offered_at: now,
        id: ours.names.id,
        parts: newcomer,
    };
    Ok((newcomer, answer))
}
