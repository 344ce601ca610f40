//! A publisher's offer turned into a publisher and an answer, on the thread of whoever asks.

use std::time::Instant;

use super::inbox::{MediaInbox, MediaInterceptor};
use super::publisher::{Newcomer, NewcomerParts};
use super::reception::MediaTerms;
use crate::candidates::Candidates;
use crate::engine::Shared;
use crate::identity::SessionNames;
use crate::peer::{Peer, PeerParts};
use crate::sdp::{AnswerTerms, PublishError, parse_published, publish_answer};

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
    let names = SessionNames::random();
    let parts = PeerParts {
        identity: &shared.identity,
        names: &names,
        local: &candidates.local,
        ice: shared.ice,
    };
    let inbox = MediaInbox::default();
    let payload_type = offer.video.payload_type;
    let media = MediaInterceptor::new(payload_type, offer.video.transport_id, inbox.clone());
    let peer = Peer::accept_with(now, &offer, &parts, Box::new(media))
        .map_err(|error| PublishRefusal::Transport(error.to_string()))?;
    let lines = candidates.lines(shared.port, shared.tcp);
    let terms = AnswerTerms {
        session_number: names.numbering >> 1,
        ufrag: &names.ufrag,
        pwd: &names.pwd,
        fingerprint: &shared.identity.fingerprint,
        candidates: &lines,
        ssrc: names.ssrc,
        rtx_ssrc: names.rtx_ssrc,
        cname: "carrier",
    };
    let answer = publish_answer(&offer, &terms);
    let newcomer = Newcomer {
        local_ufrag: names.ufrag,
        remote_ufrag: offer.ufrag,
        peer,
        inbox,
        terms: MediaTerms {
            payload_type,
            rtx_payload_type: offer.video.rtx_payload_type,
        },
        ssrc: names.ssrc,
        offered_at: now,
        id: names.id,
        parts: newcomer,
    };
    Ok((newcomer, answer))
}
