//! One viewer: its transport, its numbering, its network, and where it stands between offer and goodbye.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::outlet::{Outlet, Refusal, Resend};
use super::packet_ring::{PacketRing, RingFrame, RingPacket};
use super::send_queue::SendQueue;
use crate::congestion::{Choice, Control};
use crate::encode::encoder::RenditionId;
use crate::encode::keyframes::PliPatience;
use crate::rtp::clock::{REPORT_INTERVAL, ReportClock};
use crate::transport::peer::{LinkState, Peer};

/// What a keyframe takes to a viewer beside its round trips: pacing, decoding.
const KEYFRAME_TAKES: Duration = Duration::from_millis(250);

/// From its first check a viewer is connected within this, or it is not waited for with a picture.
const CONNECTS_SOON: Duration = Duration::from_secs(3);
/// How often it is looked at whether a viewer that has not connected still has its place.
const WAITING_LOOK: Duration = Duration::from_secs(1);

/// Where a viewer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Offer answered, not connected yet.
    Connecting,
    /// Connected, without a keyframe to start from.
    Awaiting,
    /// Gets every frame.
    Live,
    /// Silent for a while: nothing is sent until it is heard again.
    Away,
}

/// A viewer's place, kept by the HTTP side. It is dropped when the viewer is gone, for whatever reason.
pub trait Seat: Send {
    /// The viewer has connected: from now on the place is its own. `false`: it was given to another one
    /// meanwhile, and the viewer has to go.
    fn occupy(&self) -> bool {
        true
    }

    /// Whether it was given to another viewer while this one had not connected.
    fn is_lost(&self) -> bool {
        false
    }
}

/// No place is kept.
impl Seat for () {}

/// What a viewer brings when it joins.
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) outlet: Outlet,
    pub(crate) choice: Choice,
    pub(crate) offered_at: Instant,
    pub(crate) seat: Box<dyn Seat>,
}

/// A viewer of the audience.
pub(crate) struct Viewer {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) outlet: Outlet,
    pub(crate) control: Control,
    pub(crate) queue: SendQueue,
    /// Which stream it gets.
    pub(crate) rendition: RenditionId,
    /// Which it gets from that one's next keyframe on.
    pub(crate) next: Option<RenditionId>,
    pub(crate) phase: Phase,
    pub(crate) offered_at: Instant,
    pub(crate) connected_at: Option<Instant>,
    /// Its first keyframe has gone out.
    pub(crate) started: bool,
    pub(crate) loss: Option<f32>,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) freeze: FreezeClock,
    pub(crate) pli: PliPatience,
    next_report: Instant,
    /// The entry in the audience's timetable.
    pub(crate) deadline: Option<Instant>,
    pub(crate) seat: Box<dyn Seat>,
    /// When its first check came.
    pub(crate) checked_at: Option<Instant>,
    /// The demand for its rendition counts it.
    pub(crate) is_counted: bool,
}

impl Viewer {
    pub(crate) fn new(arrival: Arrival) -> Self {
        let rendition = first_rendition(arrival.choice);
        Self {
            id: arrival.id,
            peer: arrival.peer,
            outlet: arrival.outlet,
            control: Control::new(arrival.offered_at, arrival.choice),
            queue: SendQueue::default(),
            rendition,
            next: None,
            phase: Phase::Connecting,
            next_report: arrival.offered_at,
            offered_at: arrival.offered_at,
            connected_at: None,
            started: false,
            loss: None,
            round_trip: None,
            freeze: FreezeClock::default(),
            pli: PliPatience::default(),
            deadline: None,
            seat: arrival.seat,
            checked_at: None,
            is_counted: false,
        }
    }

    /// Follows the transport. Returns the phase it left, if it changed.
    pub(crate) fn follow_link(&mut self, now: Instant) -> Option<Phase> {
        let before = self.phase;
        match (self.peer.link(), self.phase) {
            (LinkState::Up, Phase::Connecting | Phase::Away) => {
                self.phase = Phase::Awaiting;
                self.connected_at.get_or_insert(now);
                // Whatever was known of its network was another one's.
                self.control = Control::new(now, self.control.choice());
                (self.rendition, self.next) = (first_rendition(self.control.choice()), None);
            }
            (LinkState::Silent, Phase::Awaiting | Phase::Live) => {
                self.phase = Phase::Away;
                self.queue.clear();
            }
            _ => {}
        }
        (self.phase != before).then_some(before)
    }

    /// The viewer cannot go on without a keyframe. `true`: ask for one now.
    pub(crate) fn pleads(&mut self, now: Instant) -> bool {
        self.pli
            .ask(now, self.control.round_trip() * 2 + KEYFRAME_TAKES)
    }

    /// Takes a frame to be sent: what may leave at once does.
    pub(crate) fn write_frame(&mut self, now: Instant, entry: RingFrame) {
        if entry.frame.keyframe {
            self.freeze.ended(now);
            self.pli.served(now);
        }
        self.queue.push(entry);
        self.write_queued(now);
    }

    /// Writes what may leave now.
    pub(crate) fn write_queued(&mut self, now: Instant) {
        self.outlet.set_delay(self.control.playout_delay());
        while let Some((entry, range)) = self.queue.run(now, self.control.estimate_bps()) {
            let control = &mut self.control;
            let mut stamp = |bytes| control.stamp(now, bytes);
            let peer = &mut self.peer;
            self.outlet
                .packets(now, &entry, range, &mut stamp, &mut |header, payload| {
                    peer.write_rtp(header, payload);
                });
        }
    }

    /// Answers a request for one packet; `find` looks into the rings.
    pub(crate) fn resend<'ring>(
        &mut self,
        now: Instant,
        number: u16,
        find: impl FnOnce(RenditionId, u64) -> Option<RingPacket<'ring>>,
    ) -> Option<Refusal> {
        let control = &mut self.control;
        let mut stamp = |bytes| control.stamp(now, bytes);
        let round_trip = self.round_trip;
        match self
            .outlet
            .resend(number, find, now, round_trip, &mut stamp)
        {
            Resend::Packets(packets) => {
                for packet in packets {
                    self.peer.write_rtp(&packet.header, &packet.payload);
                }
                None
            }
            Resend::No(refusal) => Some(refusal),
        }
    }

    /// Writes `count` packets of the newest frame once more, to see what the path carries.
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
            let Some(padding) = self.outlet.padding(&packet, number, &mut stamp) else {
                return;
            };
            self.peer.write_rtp(&padding.header, &padding.payload);
        }
    }

    /// Writes a sender report when one is due.
    pub(crate) fn report(&mut self, now: Instant, clock: &ReportClock, ring: &PacketRing) {
        if self.phase != Phase::Live || now < self.next_report {
            return;
        }
        if let Some(newest) = ring.newest() {
            let report = self.outlet.report(clock, &newest.frame, now);
            self.peer.write_rtcp(Box::new(report));
            self.next_report = now + REPORT_INTERVAL;
        }
    }

    /// When something of this viewer is due.
    pub(crate) fn due(&mut self, now: Instant, connect_within: Duration) -> Option<Instant> {
        let connecting = self.phase == Phase::Connecting;
        let connect =
            connecting.then(|| (now + WAITING_LOOK).min(self.offered_at + connect_within));
        let live = self.phase == Phase::Live;
        let report = live.then_some(self.next_report);
        let control = self.control.due(now).filter(|_| live);
        let pli = self.pli.due();
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

    /// Whether the encoder works for this viewer. One that has begun to check counts already, so that
    /// its picture is there when it has connected; an offer alone, or one that went away, does not.
    pub(crate) fn watches(&self, now: Instant) -> bool {
        let soon = |at| now.saturating_duration_since(at) < CONNECTS_SOON;
        match self.phase {
            Phase::Connecting => self.checked_at.is_some_and(soon),
            Phase::Awaiting | Phase::Live => true,
            Phase::Away => false,
        }
    }

    /// The next rendition's keyframe is here. `true`: it is another rendition than before.
    pub(crate) fn arrive(&mut self) -> bool {
        let Some(next) = self.next.take() else {
            return false;
        };
        // overflow: drops-to-keyframe, uncounted: what waits is of the old rendition, and the keyframe
        // stands for it.
        self.queue.clear();
        std::mem::replace(&mut self.rendition, next) != next
    }

    /// Nothing more of the present picture: the path is far too slow for it.
    pub(crate) fn give_up_picture(&mut self, now: Instant) {
        // overflow: drops-to-keyframe, uncounted: the next rendition's keyframe is on its way.
        self.queue.clear();
        if self.phase == Phase::Live {
            self.phase = Phase::Awaiting;
            self.freeze.began(now);
        }
    }
}

/// The largest that is allowed: the network may carry it, and falling is quicker than climbing.
fn first_rendition(choice: Choice) -> RenditionId {
    match choice {
        Choice::Fixed(rendition) => rendition,
        Choice::Auto => RenditionId::MAIN,
    }
}

/// From a lost picture (the viewer says so, or frames were thrown away for it) to the next keyframe.
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

    /// In all until now.
    pub(crate) fn total(&self, now: Instant) -> Duration {
        let running = self.since.map(|since| now.saturating_duration_since(since));
        self.before + running.unwrap_or_default()
    }
}
