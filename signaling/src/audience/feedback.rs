//! What viewers report and ask for, acted on.

use std::time::Instant;

use super::Audience;
use crate::demux::ViewerKey;
use crate::engine_metrics::{ResendOutcome, count};
use crate::fanout::Refusal;
use crate::rendition::RenditionId;
use crate::rtcp::Feedback;

fn outcome_of(refusal: Option<Refusal>) -> ResendOutcome {
    match refusal {
        None => ResendOutcome::Sent,
        Some(Refusal::Gone) => ResendOutcome::Gone,
        Some(Refusal::Passed) => ResendOutcome::Passed,
        Some(Refusal::Repeat) => ResendOutcome::Repeat,
        Some(Refusal::Exhausted) => ResendOutcome::Exhausted,
        Some(Refusal::OverBudget) => ResendOutcome::OverBudget,
    }
}

impl Audience {
    pub(super) fn heed_feedback(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let streams = &self.streams;
        let (mut pleas, mut heard, mut changed) = (0, false, false);
        for feedback in viewer.peer.feedback() {
            match feedback {
                Feedback::Pli => {
                    self.metrics.plis.inc();
                    pleas += 1;
                }
                Feedback::Fir => {
                    self.metrics.firs.inc();
                    pleas += 1;
                }
                Feedback::Nack(numbers) => {
                    self.metrics.nacks.inc();
                    viewer.control.alarm(now);
                    for number in numbers {
                        let find = |rendition: RenditionId, number| {
                            streams[rendition.index()].ring.packet(number)
                        };
                        let outcome = outcome_of(viewer.resend(now, number, find));
                        // What was sent again in vain will not be asked for in a plea for seconds.
                        pleas += usize::from(outcome == ResendOutcome::Exhausted);
                        count(&self.metrics.resends, outcome, 1);
                    }
                }
                Feedback::Report(reception) => {
                    viewer.loss = Some(reception.loss);
                    let fresh = !viewer.control.has_just_resumed(now);
                    let round_trip = reception.round_trip(self.clock.ntp_middle(now));
                    let round_trip = round_trip.filter(|_| fresh);
                    viewer.round_trip = round_trip.or(viewer.round_trip);
                    viewer.control.report(now, reception.loss, round_trip);
                }
                Feedback::Transport(acknowledgements) => {
                    self.metrics.transport_feedbacks.inc();
                    heard = true;
                    changed |= viewer.control.feedback(now, &acknowledgements);
                }
            }
        }
        if pleas > 0 {
            viewer.control.alarm(now);
            if viewer.started {
                viewer.freeze.began(now);
            }
            if viewer.pleads(now) {
                self.ledger.want_keyframe(viewer.rendition);
            }
        }
        if heard {
            self.heed_ceiling(now, key, changed);
        }
        self.ask_for_keyframes(now);
    }
}
