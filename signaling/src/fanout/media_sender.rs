//! What one viewer is sent: its RTP stream, its congestion control, and what waits for the network. Pure: time
//! is an argument, and packets go to a [`Sink`].

pub(crate) mod step;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::packet_ring::{PacketRing, RingFrame, RingPacket};
use super::rtp_stream::{RtpStream, Sink};
use super::send_queue::SendQueue;
use crate::congestion::{Control, Decision, RenditionChoice, Rung};
use crate::encode::encoder::RenditionId;
use crate::encode::keyframes::PliBackoff;
use crate::metrics::{RenditionChange, ResendOutcome};

/// What a keyframe takes to a viewer in addition to round trips: pacing, decoding.
const KEYFRAME_DELAY: Duration = Duration::from_millis(250);

/// The longest time between two keyframes of a receiver that needs regular ones.
const REGULAR_KEYFRAME_INTERVAL: Duration = Duration::from_secs(10);

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

/// What a new frame means to a viewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FrameUse {
    /// The viewer is sent the frame.
    pub(crate) is_sent: bool,
    /// The frame starts its picture.
    pub(crate) starts: bool,
    /// The viewer has changed to the frame's rendition.
    pub(crate) moves: bool,
}

/// A change of the rendition that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RenditionMove {
    pub(crate) from: RenditionId,
    pub(crate) to: RenditionId,
    pub(crate) cause: RenditionChange,
    pub(crate) needs_keyframe: bool,
}

/// The media of one viewer.
pub(crate) struct MediaSender {
    pub(crate) rtp: RtpStream,
    pub(crate) control: Control,
    pub(crate) queue: SendQueue,
    pub(crate) phase: Phase,
    /// The rendition that it gets.
    pub(crate) rendition: RenditionId,
    /// The rendition that it gets from that one's next keyframe on.
    pub(crate) next: Option<RenditionId>,
    /// Why that last changed.
    pub(crate) rendition_change: Option<RenditionChange>,
    /// Share of packets lost, and the round trip, in the last receiver report that told.
    pub(crate) loss: Option<f32>,
    pub(crate) round_trip: Option<Duration>,
    next_report: Instant,
    /// The newest frame that has left is a keyframe.
    keyframe_left: bool,
    pub(crate) freeze: FreezeClock,
    pub(crate) pli_backoff: PliBackoff,
    /// When the receiver needs its next regular keyframe; `None`: it requests keyframes itself.
    regular_keyframe_at: Option<Instant>,
}

impl MediaSender {
    /// `rendition`: the one that the viewer gets first.
    pub(crate) fn new(
        now: Instant,
        rtp: RtpStream,
        choice: RenditionChoice,
        rendition: RenditionId,
    ) -> Self {
        let needs_regular_keyframes = rtp.terms().needs_regular_keyframes;
        Self {
            rtp,
            control: Control::new(now, choice),
            queue: SendQueue::default(),
            phase: Phase::Connecting,
            rendition,
            next: None,
            rendition_change: None,
            loss: None,
            round_trip: None,
            next_report: now,
            keyframe_left: false,
            freeze: FreezeClock::default(),
            pli_backoff: PliBackoff::default(),
            regular_keyframe_at: needs_regular_keyframes.then(|| now + REGULAR_KEYFRAME_INTERVAL),
        }
    }

    /// Decides whether the viewer gets a new frame, and changes rendition and phase accordingly.
    fn admit(&mut self, rendition: RenditionId, keyframe: bool) -> FrameUse {
        let mut found = FrameUse::default();
        if keyframe && self.next == Some(rendition) && self.phase != Phase::Connecting {
            found.moves = self.change_rendition();
        }
        // A viewer that abandoned its rendition waits for a keyframe of the next one.
        found.starts = self.phase == Phase::Awaiting
            && keyframe
            && self.next.is_none()
            && self.rendition == rendition;
        found.is_sent = self.rendition == rendition && (self.phase == Phase::Live || found.starts);
        if found.starts {
            self.phase = Phase::Live;
        }
        found
    }

    /// The viewer cannot go on without a keyframe. `true`: request one from the encoder now; otherwise
    /// its back-off does so later, or a keyframe is on its way.
    fn needs_keyframe(&mut self, now: Instant) -> bool {
        let in_flight = self.control.round_trip() * 2 + KEYFRAME_DELAY;
        self.pli_backoff.request(now, in_flight)
    }

    /// Drops what waited too long for the network; returns how many frames. The viewer then waits for a keyframe.
    ///
    /// overflow: drops-to-keyframe, counted by the caller.
    fn drop_late(&mut self, now: Instant) -> usize {
        let dropped = self.queue.drop_late(now);
        if dropped > 0 {
            self.phase = Phase::Awaiting;
            self.freeze.began(now);
            self.control.frames_dropped(now, self.rendition);
        }
        dropped
    }

    /// Like [`Self::needs_keyframe`], after frames of this viewer were dropped here and its rendition was reconsidered:
    /// what is in flight does not help.
    fn needs_keyframe_after_drop(&mut self, now: Instant) -> bool {
        self.pli_backoff.keyframe_dropped();
        self.next.is_none() && self.needs_keyframe(now)
    }

    /// Whether a regular keyframe is due. `true` only once for each.
    fn take_regular_keyframe(&mut self, now: Instant) -> bool {
        let is_due = self.regular_keyframe_at.is_some_and(|at| at <= now);
        if is_due {
            self.postpone_regular_keyframe(now);
        }
        is_due
    }

    fn postpone_regular_keyframe(&mut self, now: Instant) {
        if let Some(at) = &mut self.regular_keyframe_at {
            *at = now + REGULAR_KEYFRAME_INTERVAL;
        }
    }

    /// Queues a frame, and sends what pacing allows.
    pub(crate) fn write_frame(&mut self, now: Instant, entry: RingFrame, sink: &mut Sink<'_>) {
        if entry.frame.keyframe {
            self.freeze.ended(now);
            self.pli_backoff.keyframe_sent(now);
            self.postpone_regular_keyframe(now);
        }
        let frame = &entry.frame;
        self.control.frame_queued(frame.payloads.len(), frame.bytes);
        self.queue.push(now, entry);
        self.write_queued(now, sink);
    }

    /// Sends what pacing allows now.
    fn write_queued(&mut self, now: Instant, sink: &mut Sink<'_>) {
        self.rtp.set_delay(self.control.playout_delay());
        while let Some((entry, range)) = self.queue.run(now, self.control.room(now)) {
            let control = &mut self.control;
            let mut stamp = |bytes, media| control.stamp(now, bytes, Some(media));
            self.rtp
                .packets(now, &entry, range.clone(), &mut stamp, sink);
            let is_second = self.keyframe_left && !entry.frame.keyframe;
            if is_second && self.control.repeats_second_picture() {
                for index in range.clone() {
                    self.write_copy(now, &entry, index, true, sink);
                }
            }
            if range.end >= entry.frame.payloads.len() {
                self.keyframe_left = entry.frame.keyframe;
            }
        }
    }

    /// Answers a NACK for one packet; `find` looks into the rings.
    fn resend<'ring>(
        &mut self,
        now: Instant,
        number: u16,
        find: impl FnOnce(RenditionId, u64) -> Option<RingPacket<'ring>>,
        sink: &mut Sink<'_>,
    ) -> ResendOutcome {
        let limited = self.control.estimate_bps().is_some();
        // The keyframe of another rendition makes what came before it useless.
        let sent_of = self.rtp.rendition_of(number);
        let is_of_another = sent_of.is_some_and(|id| id != self.rendition);
        if limited && (self.phase == Phase::Awaiting || is_of_another) {
            return ResendOutcome::Passed;
        }
        if !self.control.takes_resend(now) {
            return ResendOutcome::OverBudget;
        }
        let answered_within = self.control.answered_within(now);
        let is_lossy = self.control.is_lossy();
        let control = &mut self.control;
        let mut stamp = |bytes, media| control.stamp(now, bytes, Some(media));
        let mut is_keyframe = false;
        let find = |id, number| {
            let packet = find(id, number);
            is_keyframe = packet.as_ref().is_some_and(|packet| packet.frame.keyframe);
            packet
        };
        match self
            .rtp
            .resend(number, find, now, answered_within, is_lossy, &mut stamp)
        {
            Ok(packets) => {
                if is_keyframe {
                    // What is missing of it is on its way.
                    self.pli_backoff.keyframe_sent(now);
                }
                for packet in packets {
                    sink(&packet.header, &packet.payload);
                }
                ResendOutcome::Sent
            }
            Err(outcome) => {
                if outcome == ResendOutcome::Exhausted {
                    self.pli_backoff.keyframe_dropped();
                }
                outcome
            }
        }
    }

    /// Sends `count` packets of the newest frame again, as padding for a bandwidth probe.
    fn write_padding(
        &mut self,
        now: Instant,
        count: usize,
        ring: &PacketRing,
        sink: &mut Sink<'_>,
    ) {
        let Some(newest) = ring.newest() else { return };
        let packets = newest.frame.payloads.len().max(1);
        for index in 0..count {
            self.write_copy(now, newest, index % packets, false, sink);
        }
    }

    /// Sends a packet that has left already once more, as a retransmission. `is_media`: in case the first one was lost.
    fn write_copy(
        &mut self,
        now: Instant,
        entry: &RingFrame,
        index: usize,
        is_media: bool,
        sink: &mut Sink<'_>,
    ) {
        let control = &mut self.control;
        let mut stamp = |bytes, media| control.stamp(now, bytes, Some(media).filter(|_| is_media));
        let number = entry.first + index as u64;
        let copy = entry
            .packet(index)
            .and_then(|packet| self.rtp.padding(&packet, number, &mut stamp));
        if let Some(copy) = copy {
            sink(&copy.header, &copy.payload);
        }
    }

    /// What the encoders of its present and its next rendition may spend on this viewer. Empty until the path is known:
    /// otherwise, of viewers who join together, the first one whose limit is known would be moved to a smaller rendition
    /// for the sake of the others.
    pub(crate) fn estimates(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (RenditionId, Option<u32>)> + use<> {
        let bps = self.control.media_bps();
        let both = [Some(self.rendition), self.next];
        let is_known = self.control.is_path_known(now);
        let known = both.into_iter().flatten().filter(move |_| is_known);
        known.map(move |id| (id, bps))
    }

    /// The bandwidth estimate as others behind the same bottleneck may use it: `Some(None)` if the path shows no limit,
    /// `None` if nothing was measured.
    pub(crate) fn path_limit(&self, now: Instant) -> Option<Option<u32>> {
        let is_measured = self.control.is_path_known(now) && !self.control.lacks_feedback();
        let is_known = self.phase == Phase::Live && is_measured;
        is_known.then(|| self.control.estimate_bps())
    }

    /// Decides which rendition the viewer gets now.
    fn reconsider(&mut self, now: Instant, ladder: &[Rung]) -> Option<RenditionMove> {
        let from = self.next.unwrap_or(self.rendition);
        let (to, cause) = match self.control.decide(now, ladder, from) {
            Decision::Stay => return None,
            Decision::Move(to, cause) => (to, cause),
            Decision::Abandon(to, cause) => {
                self.abandon_rendition(now);
                (to, cause)
            }
        };
        self.next = (to != self.rendition).then_some(to);
        self.rendition_change = Some(cause);
        Some(RenditionMove {
            from,
            to,
            cause,
            needs_keyframe: self.next.is_some() || self.phase == Phase::Awaiting,
        })
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

    /// Changes to the next rendition, whose keyframe came. `true`: it is another one than before.
    fn change_rendition(&mut self) -> bool {
        let Some(next) = self.next.take() else {
            return false;
        };
        // overflow: drops-to-keyframe, uncounted: the keyframe replaces what is queued of the old
        // rendition.
        self.queue.clear();
        std::mem::replace(&mut self.rendition, next) != next
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
