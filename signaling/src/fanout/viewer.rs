//! The state of one viewer: transport, RTP stream, congestion control, and its phase from offer to leave.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::trace::TraceContext;

use super::join::JoinSteps;
use super::packet_ring::{PacketRing, RingFrame, RingPacket};
use super::rtp_stream::RtpStream;
use super::send_queue::SendQueue;
use crate::congestion::{Control, RenditionChoice};
use crate::encode::encoder::RenditionId;
use crate::encode::keyframes::PliBackoff;
use crate::metrics::{RenditionChange, ResendOutcome};
use crate::rtp::clock::{REPORT_INTERVAL, ReportClock};
use crate::transport::peer::{LinkState, Peer};

/// What a keyframe takes to a viewer in addition to round trips: pacing, decoding.
const KEYFRAME_DELAY: Duration = Duration::from_millis(250);

/// A viewer that has not connected this long after its first ICE check no longer makes an encoder run.
const CONNECTS_SOON: Duration = Duration::from_secs(3);
/// How often the station checks whether a viewer that has not connected still has its place.
const PLACE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The phase of a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Offer answered, not connected yet.
    Connecting,
    /// Connected, waits for a keyframe.
    Awaiting,
    /// Is sent every frame.
    Live,
    /// Nothing came from it for a while: nothing is sent until something does.
    Away,
}

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
    pub(crate) rtp: RtpStream,
    pub(crate) control: Control,
    pub(crate) queue: SendQueue,
    /// The rendition that it gets.
    pub(crate) rendition: RenditionId,
    /// The rendition that it gets from that one's next keyframe on.
    pub(crate) next: Option<RenditionId>,
    /// Why its rendition last changed.
    pub(crate) rendition_change: Option<RenditionChange>,
    pub(crate) phase: Phase,
    pub(crate) steps: JoinSteps,
    /// Its first keyframe has gone out.
    pub(crate) started: bool,
    pub(crate) loss: Option<f32>,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) freeze: FreezeClock,
    pub(crate) pli_backoff: PliBackoff,
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
            rtp: newcomer.rtp,
            control: Control::new(newcomer.offered_at, newcomer.choice),
            queue: SendQueue::default(),
            rendition,
            next: None,
            rendition_change: None,
            phase: Phase::Connecting,
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
            round_trip: None,
            freeze: FreezeClock::default(),
            pli_backoff: PliBackoff::default(),
            deadline: None,
            place: newcomer.place,
            is_counted: false,
        }
    }

    /// Updates the phase from the state of the transport. Returns the phase before, if it changed. `first`: the
    /// rendition of a viewer that has just connected.
    pub(crate) fn follow_link(&mut self, now: Instant, first: RenditionId) -> Option<Phase> {
        let before = self.phase;
        match (self.peer.link(), self.phase) {
            (LinkState::Up, Phase::Connecting | Phase::Away) => {
                self.phase = Phase::Awaiting;
                self.steps.connected_at.get_or_insert(now);
                // It may have come back by another network, to which old estimates do not apply.
                self.control = Control::new(now, self.control.choice());
                (self.rendition, self.next) = (first, None);
            }
            (LinkState::Silent, Phase::Awaiting | Phase::Live) => {
                self.phase = Phase::Away;
                self.queue.clear();
            }
            _ => {}
        }
        (self.phase != before).then_some(before)
    }

    /// The viewer cannot go on without a keyframe. `true`: request one from the encoder now; otherwise
    /// its back-off does so later, or a keyframe is on its way.
    pub(crate) fn needs_keyframe(&mut self, now: Instant) -> bool {
        let in_flight = self.control.round_trip() * 2 + KEYFRAME_DELAY;
        self.pli_backoff.request(now, in_flight)
    }

    /// Like [`Self::needs_keyframe`], after frames of this viewer were dropped here: what is in flight does not help.
    pub(crate) fn needs_keyframe_after_drop(&mut self, now: Instant) -> bool {
        self.pli_backoff.keyframe_dropped();
        self.needs_keyframe(now)
    }

    /// Queues a frame, and sends what pacing allows.
    pub(crate) fn write_frame(&mut self, now: Instant, entry: RingFrame) {
        if entry.frame.keyframe {
            self.freeze.ended(now);
            self.pli_backoff.keyframe_sent(now);
        }
        self.queue.push(now, entry);
        self.write_queued(now);
    }

    /// Sends what pacing allows now.
    pub(crate) fn write_queued(&mut self, now: Instant) {
        self.rtp.set_delay(self.control.playout_delay());
        while let Some((entry, range)) = self.queue.run(now, self.control.estimate_bps()) {
            let control = &mut self.control;
            let mut stamp = |bytes| control.stamp(now, bytes);
            let peer = &mut self.peer;
            self.rtp
                .packets(now, &entry, range, &mut stamp, &mut |header, payload| {
                    peer.write_rtp(header, payload);
                });
        }
    }

    /// Answers a NACK for one packet; `find` looks into the rings.
    pub(crate) fn resend<'ring>(
        &mut self,
        now: Instant,
        number: u16,
        find: impl FnOnce(RenditionId, u64) -> Option<RingPacket<'ring>>,
    ) -> ResendOutcome {
        let control = &mut self.control;
        let mut stamp = |bytes| control.stamp(now, bytes);
        let round_trip = self.round_trip;
        match self.rtp.resend(number, find, now, round_trip, &mut stamp) {
            Ok(packets) => {
                for packet in packets {
                    self.peer.write_rtp(&packet.header, &packet.payload);
                }
                ResendOutcome::Sent
            }
            Err(outcome) => outcome,
        }
    }

    /// Sends `count` packets of the newest frame again, as padding for a bandwidth probe.
    pub(crate) fn write_padding(&mut self, now: Instant, count: usize, ring: &PacketRing) {
        let Some(newest) = ring.newest() else { return };
        let packets = newest.frame.payloads.len().max(1);
        for index in 0..count {
            let number = newest.first + (index % packets) as u64;
            let Some(packet) = ring.packet(number) else {
                return;
            };
            let control = &mut self.control;
            let mut stamp = |bytes| control.stamp(now, bytes);
            let Some(padding) = self.rtp.padding(&packet, number, &mut stamp) else {
                return;
            };
            self.peer.write_rtp(&padding.header, &padding.payload);
        }
    }

    /// Sends a sender report when one is due.
    pub(crate) fn report(&mut self, now: Instant, clock: &ReportClock, ring: &PacketRing) {
        if self.phase != Phase::Live || now < self.next_report {
            return;
        }
        if let Some(newest) = ring.newest() {
            let report = self.rtp.report(clock, &newest.frame, now);
            self.peer.write_rtcp(Box::new(report));
            self.next_report = now + REPORT_INTERVAL;
        }
    }

    /// When this viewer next needs a timer.
    pub(crate) fn due(&mut self, now: Instant, connect_within: Duration) -> Option<Instant> {
        let connecting = self.phase == Phase::Connecting;
        let connect = connecting
            .then(|| (now + PLACE_CHECK_INTERVAL).min(self.steps.offered_at + connect_within));
        let live = self.phase == Phase::Live;
        let report = live.then_some(self.next_report);
        let control = self.control.due(now).filter(|_| live);
        let pli = self.pli_backoff.due();
        [
            self.peer.due(),
            connect,
            report,
            control,
            pli,
            self.queue.due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether an encoder runs for this viewer. From its first ICE check on it does, so that a picture is
    /// ready when it has connected; for an offer alone, or a viewer that is away, it does not.
    pub(crate) fn watches(&self, now: Instant) -> bool {
        let soon = |at| now.saturating_duration_since(at) < CONNECTS_SOON;
        match self.phase {
            Phase::Connecting => self.steps.checked_at.is_some_and(soon),
            Phase::Awaiting | Phase::Live => true,
            Phase::Away => false,
        }
    }

    /// Changes to the next rendition, whose keyframe came. `true`: it is another one than before.
    pub(crate) fn change_rendition(&mut self) -> bool {
        let Some(next) = self.next.take() else {
            return false;
        };
        // overflow: drops-to-keyframe, uncounted: the keyframe replaces what is queued of the old
        // rendition.
        self.queue.clear();
        std::mem::replace(&mut self.rendition, next) != next
    }

    /// Sends nothing more of the present rendition: the path is far too slow for it.
    pub(crate) fn abandon_rendition(&mut self, now: Instant) {
        // overflow: drops-to-keyframe, uncounted: the next rendition's keyframe is on its way.
        self.queue.clear();
        if self.phase == Phase::Live {
            self.phase = Phase::Awaiting;
            self.freeze.began(now);
        }
    }
}

/// How long the picture stood still: from each loss (reported by the viewer, or frames dropped here) to the
/// next keyframe.
#[derive(Debug, Default)]
pub(crate) struct FreezeClock {
    since: Option<Instant>,
    before: Duration,
}

impl FreezeClock {
    pub(crate) fn began(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(crate) fn ended(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.before += now.saturating_duration_since(since);
        }
    }

    /// The sum until `now`.
    pub(crate) fn total(&self, now: Instant) -> Duration {
        let running = self.since.map(|since| now.saturating_duration_since(since));
        self.before + running.unwrap_or_default()
    }
}
