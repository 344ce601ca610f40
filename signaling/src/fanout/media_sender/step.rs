//! The loop of one sender, without its sockets: a step takes what is due, or what the receiver sent. Its owner then sets
//! the encoders' targets if the estimate changed, calls [`MediaSender::settle`], and requests the keyframes that this
//! names.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use rtc::rtcp::sender_report::SenderReport;

use super::{FrameUse, MediaSender, Phase, RenditionMove};
use crate::congestion::Rung;
use crate::encode::encoder::RenditionId;
use crate::fanout::packet_ring::{PacketRing, RingFrame};
use crate::fanout::rtp_stream::Sink;
use crate::metrics::ResendOutcome;
use crate::rtp::clock::{REPORT_INTERVAL, ReportClock};
use crate::rtp::rtcp::Feedback;

/// What steps found.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// The bandwidth estimate changed.
    pub(crate) estimate_changed: bool,
    /// The rendition may no longer be the right one.
    pub(crate) reconsiders: bool,
    /// Pictures cannot be decoded before the next keyframe.
    pub(crate) picture_lost: bool,
    /// Frames that waited too long and were dropped.
    pub(crate) late: usize,
    /// Padding packets that were sent.
    pub(crate) padding: usize,
    /// What became of each packet that was asked for again, or that feedback reported as lost.
    pub(crate) resends: Vec<ResendOutcome>,
    /// A keyframe request that was held back, or a regular keyframe, is due.
    keyframe_due: bool,
}

impl Step {
    /// Nothing happened but what changes the choice of the rendition.
    pub(crate) fn reconsider() -> Self {
        Self {
            reconsiders: true,
            ..Self::default()
        }
    }

    /// The bandwidth estimate changed by what is known of others.
    pub(crate) fn estimate_changed() -> Self {
        Self {
            estimate_changed: true,
            ..Self::reconsider()
        }
    }
}

/// What follows from a [`Step`].
#[derive(Debug)]
pub(crate) struct Settled {
    /// A change of the rendition begins.
    pub(crate) change: Option<RenditionMove>,
    keyframes: [Option<RenditionId>; 2],
}

impl Settled {
    /// The renditions of which the viewer needs a keyframe.
    pub(crate) fn keyframes(self) -> impl Iterator<Item = RenditionId> {
        self.keyframes.into_iter().flatten()
    }
}

impl MediaSender {
    /// A new frame of any rendition: sends it if it is this viewer's.
    pub(crate) fn frame(
        &mut self,
        now: Instant,
        entry: &RingFrame,
        sink: &mut Sink<'_>,
    ) -> FrameUse {
        let used = self.admit(entry.frame.rendition, entry.frame.keyframe);
        if used.is_sent {
            self.write_frame(now, entry.clone(), sink);
        }
        used
    }

    /// Does what is due: paced packets, padding, a keyframe request that was held back, a regular keyframe. `rings`: one
    /// of each rendition.
    pub(crate) fn run_timers(
        &mut self,
        now: Instant,
        ladder: &[Rung],
        rings: &[PacketRing],
        sink: &mut Sink<'_>,
    ) -> Step {
        let mut step = Step {
            keyframe_due: self.pli_backoff.forward_delayed(now),
            ..Step::default()
        };
        if self.phase != Phase::Live {
            return step;
        }
        step.keyframe_due |= self.take_regular_keyframe(now);
        // overflow: drops-to-keyframe, counted by the owner. Every viewer pays for a keyframe, so the request passes
        // this viewer's back-off like a PLI.
        step.late = self.drop_late(now);
        if step.late > 0 {
            step.reconsiders = true;
            return step;
        }
        self.write_queued(now, sink);
        step.estimate_changed = self.control.set_media_wait(now, self.queue.waits(now));
        step.padding = self.control.padding(now);
        if step.padding > 0
            && let Some(ring) = rings.get(self.rendition.index())
        {
            self.write_padding(now, step.padding, ring, sink);
        }
        if self.control.due(now).is_some_and(|due| due <= now) {
            step.estimate_changed |= self.control.tick(now, ladder, self.rendition);
            step.reconsiders = true;
        }
        step
    }

    /// When [`Self::run_timers`] or [`Self::sender_report`] is due next.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let is_live = self.phase == Phase::Live;
        let live = [
            self.control.due(now),
            Some(self.next_report),
            self.regular_keyframe_at,
        ];
        let live = live.into_iter().flatten().filter(|_| is_live);
        let always = [self.pli_backoff.due(), self.queue.due()];
        live.chain(always.into_iter().flatten()).min()
    }

    /// The sender report, if one is due.
    pub(crate) fn sender_report(
        &mut self,
        now: Instant,
        clock: &ReportClock,
        rings: &[PacketRing],
    ) -> Option<SenderReport> {
        if self.phase != Phase::Live || now < self.next_report {
            return None;
        }
        let newest = rings.get(self.rendition.index())?.newest()?;
        self.next_report = now + REPORT_INTERVAL;
        Some(self.rtp.report(clock, &newest.frame, now))
    }

    /// Takes what the receiver sent; adds to `step` what it means.
    pub(crate) fn feedback(
        &mut self,
        now: Instant,
        feedback: &Feedback,
        clock: &ReportClock,
        rings: &[PacketRing],
        sink: &mut Sink<'_>,
        step: &mut Step,
    ) {
        match feedback {
            Feedback::Pli | Feedback::Fir => step.picture_lost = true,
            Feedback::Nack(numbers) => {
                self.control.start_monitoring(now);
                self.resend_all(now, numbers, rings, sink, step);
            }
            Feedback::Report(report) => {
                let fresh = !self.control.has_just_resumed(now);
                let round_trip = report.round_trip(clock.ntp_middle(now));
                self.receiver_report(now, report.loss, round_trip.filter(|_| fresh));
            }
            Feedback::Transport(acknowledgements) => {
                step.reconsiders = true;
                step.estimate_changed |= self.control.feedback(now, acknowledgements);
                // A NACK may be lost, too, and libwebrtc repeats it late.
                let lost = self.control.take_lost_media();
                self.resend_all(now, &lost, rings, sink, step);
            }
        }
    }

    /// Sends lost packets again, by their sequence numbers.
    fn resend_all(
        &mut self,
        now: Instant,
        numbers: &[u16],
        rings: &[PacketRing],
        sink: &mut Sink<'_>,
        step: &mut Step,
    ) {
        for number in numbers {
            let find = |id: RenditionId, number| rings.get(id.index())?.packet(number);
            let outcome = self.resend(now, *number, find, sink);
            // The receiver itself would send a PLI for this packet only seconds later.
            step.picture_lost |= outcome == ResendOutcome::Exhausted;
            step.resends.push(outcome);
        }
    }

    /// Takes the loss, 0 to 1, and the round trip of a receiver report.
    pub(crate) fn receiver_report(
        &mut self,
        now: Instant,
        loss: f32,
        round_trip: Option<Duration>,
    ) {
        self.loss = Some(loss);
        self.round_trip = round_trip.or(self.round_trip);
        self.control.report(now, loss, round_trip);
    }

    /// Decides what follows from a step: the rendition, and keyframes. `ladder`: with the targets that follow from the
    /// present estimates.
    pub(crate) fn settle(&mut self, now: Instant, ladder: &[Rung], step: &Step) -> Settled {
        let mut is_needed = step.keyframe_due;
        if step.picture_lost {
            self.control.start_monitoring(now);
            is_needed |= self.needs_keyframe(now);
        }
        let change = match step.reconsiders {
            true => self.reconsider(now, ladder),
            false => None,
        };
        let after_drop = step.late > 0 && self.needs_keyframe_after_drop(now);
        let of_next = change
            .filter(|change| change.needs_keyframe)
            .map(|change| change.to)
            .or(after_drop.then_some(self.rendition));
        Settled {
            change,
            keyframes: [is_needed.then_some(self.rendition), of_next],
        }
    }
}
