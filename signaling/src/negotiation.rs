//! An offer turned into a viewer and an answer, on the thread of whoever asks: the engine's own
//! thread only gets the finished viewer.

use std::time::Instant;

use crate::candidates::Candidates;
use crate::congestion::Choice;
use crate::engine::Shared;
use crate::fanout::{Outlet, StreamTerms};
use crate::identity::SessionNames;
use crate::peer::{Peer, PeerParts};
use crate::sdp::{AnswerTerms, Offer, SdpError, answer};
use crate::viewer::Arrival;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NegotiationError {
    #[error(transparent)]
    Offer(#[from] SdpError),
    /// The WebRTC library refused what was left of the offer.
    #[error("the offer's connection cannot be set up: {0}")]
    Transport(String),
}

/// A viewer ready to join, and what to tell it.
pub(crate) struct Negotiated {
    pub(crate) arrival: Arrival,
    pub(crate) answer: String,
}

/// Answers an offer.
pub(crate) fn negotiate(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    choice: Choice,
    now: Instant,
) -> Result<Negotiated, NegotiationError> {
    let offer = Offer::parse(text)?;
    let names = SessionNames::random();
    let parts = PeerParts {
        identity: &shared.identity,
        names: &names,
        local: &candidates.local,
        ice: shared.ice,
    };
    let peer = Peer::accept(now, &offer, &parts)
        .map_err(|error| NegotiationError::Transport(error.to_string()))?;
    let video = &offer.video;
    let stream = StreamTerms {
        ssrc: names.ssrc,
        payload_type: video.payload_type,
        rtx: video.rtx_payload_type.map(|rtx| (names.rtx_ssrc, rtx)),
        playout_delay_id: video.playout_delay_id,
        transport_id: video.transport_id,
    };
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
    let answer = answer(&offer, &terms);
    Ok(Negotiated {
        arrival: Arrival {
            local_ufrag: names.ufrag,
            remote_ufrag: offer.ufrag,
            peer,
            outlet: Outlet::new(stream, names.numbering),
            choice,
            offered_at: now,
            id: names.id,
            held: Box::new(()),
        },
        answer,
    })
}
