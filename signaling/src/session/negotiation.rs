//! Turns an offer into a viewer or a publisher and an answer. Runs on the caller's thread, so that the
//! engine's threads only add the finished session.

use std::time::Instant;

use crate::congestion::Choice;
use crate::engine::Shared;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::fanout::viewer::NewViewer;
use crate::ingest::inbox::{MediaInbox, MediaInterceptor};
use crate::ingest::publisher::{NewPublisher, NewPublisherParts};
use crate::ingest::reception::MediaParams;
use crate::sdp::{
    AnswerParams, Offer, PublishError, SdpError, answer, parse_published, publish_answer,
};
use crate::transport::candidates::Candidates;
use crate::transport::peer::{Peer, PeerParts};
use crate::transport::session::SessionNames;

/// Why an offer was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NegotiationError {
    #[error(transparent)]
    Offer(#[from] SdpError),
    /// The WebRTC library rejected the transport parameters.
    #[error("the offer's connection cannot be set up: {0}")]
    Transport(String),
}

/// A viewer ready to join, and the answer.
pub(crate) struct NegotiatedViewer {
    pub(crate) newcomer: NewViewer,
    pub(crate) answer: String,
}

/// This side of a new session, for both directions of media.
pub(crate) struct LocalSession<'a> {
    shared: &'a Shared,
    candidates: &'a Candidates,
    lines: Vec<String>,
    pub(crate) names: SessionNames,
}

impl<'a> LocalSession<'a> {
    pub(crate) fn new(shared: &'a Shared, candidates: &'a Candidates) -> Self {
        Self {
            shared,
            candidates,
            lines: candidates.lines(shared.port, shared.tcp),
            names: SessionNames::random(),
        }
    }

    /// The parts of its transport.
    pub(crate) fn peer_parts(&self) -> PeerParts<'_> {
        PeerParts {
            identity: &self.shared.identity,
            names: &self.names,
            local: &self.candidates.local,
            networks: &self.candidates.networks,
            ice: self.shared.ice,
        }
    }

    /// The parameters of its answer.
    pub(crate) fn answer_params(&self) -> AnswerParams<'_> {
        AnswerParams {
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

/// Negotiates a viewer's offer.
pub(crate) fn negotiate(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    choice: Choice,
    now: Instant,
) -> Result<NegotiatedViewer, NegotiationError> {
    let offer = Offer::parse(text)?;
    let local = LocalSession::new(shared, candidates);
    let peer = Peer::accept(now, &offer, &local.peer_parts())
        .map_err(|error| NegotiationError::Transport(error.to_string()))?;
    let (names, video) = (&local.names, &offer.video);
    let stream = StreamTerms {
        ssrc: names.ssrc,
        payload_type: video.payload_type,
        rtx: video.rtx_payload_type.map(|rtx| (names.rtx_ssrc, rtx)),
        playout_delay_id: video.playout_delay_id,
        transport_id: video.transport_id,
    };
    let answer = answer(&offer, &local.answer_params());
    let newcomer = NewViewer {
        peer,
        rtp: RtpStream::new(stream, names.numbering),
        choice,
        offered_at: now,
        id: local.names.id,
        place: Box::new(()),
    };
    Ok(NegotiatedViewer { newcomer, answer })
}

/// Why a publisher's offer was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishNegotiationError {
    #[error(transparent)]
    Offer(#[from] PublishError),
    /// The WebRTC library rejected the transport parameters.
    #[error("the offer's connection cannot be set up: {0}")]
    Transport(String),
}

/// Negotiates a publisher's offer; returns the publisher and the answer.
pub(crate) fn negotiate_publisher(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    now: Instant,
    newcomer: NewPublisherParts,
) -> Result<(NewPublisher, String), PublishNegotiationError> {
    let offer = parse_published(text)?;
    let local = LocalSession::new(shared, candidates);
    let inbox = MediaInbox::default();
    let payload_type = offer.video.payload_type;
    let media = MediaInterceptor::new(payload_type, offer.video.transport_id, inbox.clone());
    let peer = Peer::accept_with(now, &offer, &local.peer_parts(), Box::new(media))
        .map_err(|error| PublishNegotiationError::Transport(error.to_string()))?;
    let answer = publish_answer(&offer, &local.answer_params());
    let newcomer = NewPublisher {
        peer,
        inbox,
        params: MediaParams {
            payload_type,
            rtx_payload_type: offer.video.rtx_payload_type,
        },
        ssrc: local.names.ssrc,
        offered_at: now,
        id: local.names.id,
        parts: newcomer,
    };
    Ok((newcomer, answer))
}
