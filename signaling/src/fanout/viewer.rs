//! One viewer: its transport, its media, and what is counted and reported about it.

use std::time::{Duration, Instant};

use capture::trace::TraceContext;

use super::join::JoinSteps;
use super::media_sender::{MediaSender, Phase};
use super::packet_ring::PacketRing;
use super::rtp_stream::RtpStream;
use crate::congestion::{Control, RenditionChoice};
use crate::encode::encoder::RenditionId;
use crate::rtp::clock::ReportClock;
use crate::transport::peer::{LinkState, Peer};

/// A viewer that has not connected this long after its first ICE check no longer makes an encoder run.
const CONNECTS_SOON: Duration = Duration::from_secs(3);
/// How often the station checks whether a viewer that has not connected still has its place.
const PLACE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A viewer's place among the admitted viewers, which the HTTP side manages. Dropped when the viewer is
/// gone for any reason.
pub trait Place: Send {
    /// The viewer has connected and keeps the place from now on. `false`: the place was given to another
    /// viewer meanwhile, and this one is removed.
    fn occupy(&self) -> bool {
        true
    }

    /// Whether it was given to another viewer while this one had not connected.
    fn is_lost(&self) -> bool {
        false
    }
}

/// A viewer without a limit on places.
impl Place for () {}

/// What a viewer brings when it joins.
pub(crate) struct NewViewer {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) rtp: RtpStream,
    pub(crate) choice: RenditionChoice,
    pub(crate) offered_at: Instant,
    /// The span of the request with its offer.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) place: Box<dyn Place>,
}

/// One viewer of an [`Audience`](crate::engine).
pub(crate) struct Viewer {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) media: MediaSender,
    pub(crate) steps: JoinSteps,
    /// Its first keyframe has gone out.
    pub(crate) started: bool,
    /// Its entry in the audience's timetable.
    pub(crate) deadline: Option<Instant>,
    pub(crate) place: Box<dyn Place>,
    /// The demand for its rendition counts it.
    pub(crate) is_counted: bool,
}

impl Viewer {
    /// `rendition`: the one that it gets first; `now`: its offer was answered.
    pub(crate) fn new(now: Instant, newcomer: NewViewer, rendition: RenditionId) -> Self {
        Self {
            id: newcomer.id,
            peer: newcomer.peer,
            media: MediaSender::new(
                newcomer.offered_at,
                newcomer.rtp,
                newcomer.choice,
                rendition,
            ),
            steps: JoinSteps {
                trace: newcomer.trace,
                offered_at: newcomer.offered_at,
                answered_at: now,
                checked_at: None,
                path_at: None,
                connected_at: None,
            },
            started: false,
            deadline: None,
            place: newcomer.place,
            is_counted: false,
        }
    }

    /// Updates the phase from the state of the transport. Returns the phase before, if it changed. `first`: the
    /// rendition of a viewer that has just connected.
    pub(crate) fn follow_link(&mut self, now: Instant, first: RenditionId) -> Option<Phase> {
        let before = self.media.phase;
        match (self.peer.link(), self.media.phase) {
            (LinkState::Up, Phase::Connecting | Phase::Away) => {
                self.media.phase = Phase::Awaiting;
                self.steps.connected_at.get_or_insert(now);
                // It may have come back by another network, to which old estimates do not apply.
                self.media.control = Control::new(now, self.media.control.choice());
                if let Some(round_trip) = self.peer.round_trip() {
                    self.media.control.set_idle_round_trip(round_trip);
                }
                (self.media.rendition, self.media.next) = (first, None);
            }
            (LinkState::Silent, Phase::Awaiting | Phase::Live) => {
                self.media.phase = Phase::Away;
                self.media.queue.clear();
            }
            _ => {}
        }
        (self.media.phase != before).then_some(before)
    }

    /// Sends a sender report when one is due. `rings`: one of each rendition.
    pub(crate) fn report(&mut self, now: Instant, clock: &ReportClock, rings: &[PacketRing]) {
        if let Some(report) = self.media.sender_report(now, clock, rings) {
            self.peer.write_rtcp(Box::new(report));
        }
    }

    /// When this viewer next needs a timer.
    pub(crate) fn due(&mut self, now: Instant, connect_within: Duration) -> Option<Instant> {
        let connecting = self.media.phase == Phase::Connecting;
        let connect = connecting
            .then(|| (now + PLACE_CHECK_INTERVAL).min(self.steps.offered_at + connect_within));
        let all = [self.peer.due(), connect, self.media.due(now)];
        all.into_iter().flatten().min()
    }

    /// Whether an encoder runs for this viewer. From its first ICE check on it does, so that a picture is
    /// ready when it has connected; for an offer alone, or a viewer that is away, it does not.
    pub(crate) fn watches(&self, now: Instant) -> bool {
        let soon = |at| now.saturating_duration_since(at) < CONNECTS_SOON;
        match self.media.phase {
            Phase::Connecting => self.steps.checked_at.is_some_and(soon),
            Phase::Awaiting | Phase::Live => true,
            Phase::Away => false,
        }
    }
}
