//! One viewer: its transport, its media, and what is counted and reported about it.

use std::time::{Duration, Instant};

use capture::trace::TraceContext;
use rtc::rtp::header::Header;

use super::join::JoinSteps;
use super::media_sender::{MediaSender, Phase};
use super::packet_ring::{PacketRing, RingFrame, RingPacket};
use super::rtp_stream::RtpStream;
use crate::congestion::{Control, RenditionChoice};
use crate::encode::encoder::RenditionId;
use crate::metrics::{RenditionChange, ResendOutcome};
use crate::rtp::clock::{REPORT_INTERVAL, ReportClock};
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
    /// Why its rendition last changed.
    pub(crate) rendition_change: Option<RenditionChange>,
    pub(crate) steps: JoinSteps,
    /// Its first keyframe has gone out.
    pub(crate) started: bool,
    pub(crate) loss: Option<f32>,
    next_report: Instant,
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
            rendition_change: None,
            next_report: newcomer.offered_at,
            steps: JoinSteps {
                trace: newcomer.trace,
                offered_at: newcomer.offered_at,
                answered_at: now,
                checked_at: None,
                path_at: None,
                connected_at: None,
            },
            started: false,
            loss: None,
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

    /// Queues a frame, and sends what pacing allows.
    pub(crate) fn write_frame(&mut self, now: Instant, entry: RingFrame) {
        let peer = &mut self.peer;
        let sink = &mut |header: &Header, payload: &[u8]| peer.write_rtp(header, payload);
        self.media.write_frame(now, entry, sink);
    }

    /// Sends what pacing allows now.
    pub(crate) fn write_queued(&mut self, now: Instant) {
        let peer = &mut self.peer;
        let sink = &mut |header: &Header, payload: &[u8]| peer.write_rtp(header, payload);
        self.media.write_queued(now, sink);
    }

    /// Answers a NACK for one packet; `find` looks into the rings.
    pub(crate) fn resend<'ring>(
        &mut self,
        now: Instant,
        number: u16,
        find: impl FnOnce(RenditionId, u64) -> Option<RingPacket<'ring>>,
    ) -> ResendOutcome {
        let peer = &mut self.peer;
        let sink = &mut |header: &Header, payload: &[u8]| peer.write_rtp(header, payload);
        self.media.resend(now, number, find, sink)
    }

    /// Sends `count` packets of the newest frame again, as padding for a bandwidth probe.
    pub(crate) fn write_padding(&mut self, now: Instant, count: usize, ring: &PacketRing) {
        let peer = &mut self.peer;
        let sink = &mut |header: &Header, payload: &[u8]| peer.write_rtp(header, payload);
        self.media.write_padding(now, count, ring, sink);
    }

    /// Sends a sender report when one is due.
    pub(crate) fn report(&mut self, now: Instant, clock: &ReportClock, ring: &PacketRing) {
        if self.media.phase != Phase::Live || now < self.next_report {
            return;
        }
        if let Some(newest) = ring.newest() {
            let report = self.media.rtp.report(clock, &newest.frame, now);
            self.peer.write_rtcp(Box::new(report));
            self.next_report = now + REPORT_INTERVAL;
        }
    }

    /// When this viewer next needs a timer.
    pub(crate) fn due(&mut self, now: Instant, connect_within: Duration) -> Option<Instant> {
        let connecting = self.media.phase == Phase::Connecting;
        let connect = connecting
            .then(|| (now + PLACE_CHECK_INTERVAL).min(self.steps.offered_at + connect_within));
        let live = self.media.phase == Phase::Live;
        let report = live.then_some(self.next_report);
        let control = self.media.control.due(now).filter(|_| live);
        let pli = self.media.pli_backoff.due();
        [
            self.peer.due(),
            connect,
            report,
            control,
            pli,
            self.media.queue.due(),
        ]
        .into_iter()
        .flatten()
        .min()
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
