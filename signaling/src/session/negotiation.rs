//! Turns an offer into a viewer or a publisher and an answer. Runs on the caller's thread, so that the
//! engine's threads only add the finished session.

use std::time::Instant;

use capture::trace;
use rtc::shared::error::Error;

use super::reply::{Reply, offer_problem};
use crate::congestion::RenditionChoice;
use crate::engine::Shared;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::fanout::viewer::{NewViewer, Place};
use crate::ingest::inbox::{MediaInbox, MediaInterceptor};
use crate::ingest::publisher::{NewPublisher, NewPublisherParts};
use crate::ingest::reception::MediaParams;
use crate::sdp::{AnswerParams, Offer, answer, parse_published, publish_answer};
use crate::transport::candidates::Candidates;
use crate::transport::peer::{Peer, PeerParts};
use crate::transport::session::SessionNames;

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

/// Negotiates a viewer's offer: the viewer, ready to join, and the answer.
pub(crate) fn negotiate(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    choice: RenditionChoice,
    place: Box<dyn Place>,
) -> Result<(NewViewer, String), Reply> {
    let now = Instant::now();
    let offer = Offer::parse(text)
        .map_err(|error| offer_problem(error.is_malformed(), &error.to_string()))?;
    let local = LocalSession::new(shared, candidates);
    let peer = Peer::accept(now, &offer, &local.peer_parts()).map_err(|e| no_transport(&e))?;
    let (names, video) = (&local.names, &offer.video);
    let stream = StreamTerms {
        ssrc: names.ssrc,
        payload_type: video.payload_type,
        rtx: video.rtx_payload_type.map(|rtx| (names.rtx_ssrc, rtx)),
        playout_delay_id: video.playout_delay_id,
        transport_id: video.transport_id,
        needs_regular_keyframes: !video.requests_keyframes(),
    };
    let answer = answer(&offer, &local.answer_params());
    let newcomer = NewViewer {
        peer,
        rtp: RtpStream::new(stream, names.numbering),
        choice,
        offered_at: now,
        id: local.names.id,
        trace: trace::current(),
        place,
    };
    Ok((newcomer, answer))
}

/// Negotiates a publisher's offer; returns the publisher and the answer.
pub(crate) fn negotiate_publisher(
    shared: &Shared,
    candidates: &Candidates,
    text: &str,
    parts: NewPublisherParts,
) -> Result<(NewPublisher, String), Reply> {
    let now = Instant::now();
    let offer = parse_published(text)
        .map_err(|error| offer_problem(error.is_malformed(), &error.to_string()))?;
    let local = LocalSession::new(shared, candidates);
    let inbox = MediaInbox::default();
    let payload_type = offer.video.payload_type;
    let media = MediaInterceptor::new(payload_type, offer.video.transport_id, inbox.clone());
    let peer = Peer::accept_with(now, &offer, &local.peer_parts(), Box::new(media))
        .map_err(|e| no_transport(&e))?;
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
        parts,
    };
    Ok((newcomer, answer))
}

/// The WebRTC library rejected the parameters of the transport.
fn no_transport(error: &Error) -> Reply {
    let detail = format!("the offer's connection cannot be set up: {error}");
    offer_problem(false, &detail)
}
