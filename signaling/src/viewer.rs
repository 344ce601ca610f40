//! One viewer: its transport, its numbering, and where it stands between offer and goodbye.

use std::time::{Duration, Instant};

use crate::fanout::{Outlet, Refusal, Resend};
use crate::packet_ring::{PacketRing, RingFrame};
use crate::peer::{Link, Peer};
use crate::rendition::RenditionId;
use crate::reports::{REPORT_INTERVAL, ReportClock};

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

/// What a viewer brings when it joins.
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) local_ufrag: String,
    pub(crate) remote_ufrag: String,
    pub(crate) peer: Peer,
    pub(crate) outlet: Outlet,
    pub(crate) rendition: RenditionId,
    pub(crate) offered_at: Instant,
}

/// A viewer of the audience.
pub(crate) struct Viewer {
    pub(crate) id: String,
    pub(crate) local_ufrag: String,
    pub(crate) remote_ufrag: String,
    pub(crate) peer: Peer,
    pub(crate) outlet: Outlet,
    /// Which stream it gets. One for now; congestion control will move viewers between them, at a
    /// keyframe, and the outlet's numbering goes on.
    pub(crate) rendition: RenditionId,
    pub(crate) phase: Phase,
    pub(crate) offered_at: Instant,
    pub(crate) connected_at: Option<Instant>,
    /// Its first keyframe has gone out.
    pub(crate) started: bool,
    pub(crate) loss: Option<f32>,
    pub(crate) round_trip: Option<Duration>,
    next_report: Instant,
    /// The entry in the audience's timetable.
    pub(crate) deadline: Option<Instant>,
}

impl Viewer {
    pub(crate) fn new(arrival: Arrival) -> Self {
        Self {
            id: arrival.id,
            local_ufrag: arrival.local_ufrag,
            remote_ufrag: arrival.remote_ufrag,
            peer: arrival.peer,
            outlet: arrival.outlet,
            rendition: arrival.rendition,
            phase: Phase::Connecting,
            next_report: arrival.offered_at,
            offered_at: arrival.offered_at,
            connected_at: None,
            started: false,
            loss: None,
            round_trip: None,
            deadline: None,
        }
    }

    /// Follows the transport. Returns the phase it left, if it changed.
    pub(crate) fn follow_link(&mut self, now: Instant) -> Option<Phase> {
        let before = self.phase;
        match (self.peer.link(), self.phase) {
            (Link::Up, Phase::Connecting | Phase::Away) => {
                self.phase = Phase::Awaiting;
                self.connected_at.get_or_insert(now);
            }
            (Link::Silent, Phase::Awaiting | Phase::Live) => self.phase = Phase::Away,
            _ => {}
        }
        (self.phase != before).then_some(before)
    }

    /// Writes a frame's packets.
    pub(crate) fn write_frame(&mut self, now: Instant, entry: &RingFrame) {
        for packet in self.outlet.packets(entry) {
            self.peer.write_rtp(now, packet);
        }
    }

    /// Answers a request for one packet.
    pub(crate) fn resend(
        &mut self,
        now: Instant,
        number: u16,
        ring: &PacketRing,
    ) -> Option<Refusal> {
        match self.outlet.resend(number, ring, now, self.round_trip) {
            Resend::Packet(packet) => {
                self.peer.write_rtp(now, *packet);
                None
            }
            Resend::No(refusal) => Some(refusal),
        }
    }

    /// Writes a sender report when one is due.
    pub(crate) fn report(&mut self, now: Instant, clock: &ReportClock, ring: &PacketRing) {
        if self.phase != Phase::Live || now < self.next_report {
            return;
        }
        if let Some(newest) = ring.newest() {
            let report = clock.report(&self.outlet, &newest.frame, now);
            self.peer.write_rtcp(now, Box::new(report));
            self.next_report = now + REPORT_INTERVAL;
        }
    }

    /// When something of this viewer is due.
    pub(crate) fn due(&mut self, connect_within: Duration) -> Option<Instant> {
        let connect = (self.phase == Phase::Connecting).then(|| self.offered_at + connect_within);
        let report = (self.phase == Phase::Live).then_some(self.next_report);
        [self.peer.due(), connect, report]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the encoder works for this viewer. One that connects counts already, so that its
    /// picture is there when it has; one that went away does not.
    pub(crate) fn watches(&self) -> bool {
        self.phase != Phase::Away
    }
}
