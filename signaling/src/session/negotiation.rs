//! An offer turned into a viewer or a publisher, and an answer, on the thread of whoever asks: the
//! engine's own thread only gets the finished one.

use std::time::Instant;

use crate::congestion::Choice;
use crate::engine::Shared;
use crate::fanout::outlet::{Outlet, StreamTerms};
use crate::fanout::viewer::Arrival;
use crate::ingest::inbox::{MediaInbox, MediaInterceptor};
use crate::ingest::publisher::{Newcomer, NewcomerParts};
use crate::ingest::reception::MediaTerms;
use crate::sdp::{
    AnswerTerms, Offer, PublishError, SdpError, answer, parse_published, publish_answer,
};
use crate::transport::candidates::Candidates;
use crate::transport::peer::{Peer, PeerParts};
use crate::transport::session::SessionNames;

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

/// Our side of a session that begins, whichever way its media goes.
pub(crate) struct OurSide<'a> {
    shared: &'a Shared,
    candidates: &'a Candidates,
    lines: Vec<String>,
    pub(crate) names: SessionNames,
}

impl<'a> OurSide<'a> {
    pub(crate) fn new(shared: &'a Shared, candidates: &'a Candidates) -> Self {
        Self {
            shared,
            candidates,
            lines: candidates.lines(shared.port, shared.tcp),
            names: SessionNames::random(),
        }
    }

    /// What its transport is made with.
    pub(crate) fn peer_parts(&self) -> PeerParts<'_> {
        PeerParts {
            identity: &self.shared.identity,
            names: &self.names,
            local: &self.candidates.local,
            networks: &self.candidates.networks,
            ice: self.shared.ice,
        }
    }

    /// What its answer tells.
    pub(crate) fn answer_terms(&self) -> AnswerTerms<'_> {
        AnswerTerms {
            session_number: self.names.numbering >> 1,
            ufrag: &self.names.ufrag,
            pwd: &self.names.pwd,
            fingerprint: &self.shared.identity.fingerprint,
            candidates: &self.lines,
            ssrc: self.names.ssrc,
            rtx_ssrc: self.names.rtx_ssrc,
            cname: "carrier",
        }
    }
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
    let ours = OurSide::new(shared, candidates);
    let peer = Peer::accept(now, &offer, &ours.peer_parts())
        .map_err(|error| NegotiationError::Transport(error.to_string()))?;
    let (names, video) = (&ours.names, &offer.video);
    let stream = StreamTerms {
        ssrc: names.ssrc,
        payload_type: video.payload_type,
        rtx: video.rtx_payload_type.map(|rtx| (names.rtx_ssrc, rtx)),
        playout_delay_id: video.playout_delay_id,
        transport_id: video.transport_id,
    };
    let answer = answer(&offer, &ours.answer_terms());
    let arrival = Arrival {
        peer,
        outlet: Outlet::new(stream, names.numbering),
        choice,
        offered_at: now,
        id: ours.names.id,
        seat: Box::new(()),
    };
    Ok(Negotiated { arrival, answer })
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishRefusal {
    #[error(transparent)]
    Offer(#[from] PublishError),
    /// The WebRTC library refused what was left of the offer.
    #[error("the offer's connection cannot be set up: {0}")]
    Transport(String),
}

/// Answers the offer of a publisher; the answer's text is the second.
pub(crate) fn negotiate_publisher(
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
