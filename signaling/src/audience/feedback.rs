//! What viewers report and ask for, acted on.

use std::time::Instant;

use super::Audience;
use crate::demux::ViewerKey;
use crate::engine_metrics::{ResendOutcome, count};
use crate::fanout::Refusal;
use crate::rtcp::Feedback;

impl Audience {
    pub(super) fn heed_feedback(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let stream = &mut self.streams[viewer.rendition.index()];
        for feedback in viewer.peer.feedback() {
            match feedback {
                Feedback::Pli => {
                    self.metrics.plis.inc();
                    stream.gate.want();
                }
                Feedback::Fir => {
                    self.metrics.firs.inc();
                    stream.gate.want();
                }
                Feedback::Nack(numbers) => {
                    self.metrics.nacks.inc();
                    for number in numbers {
                        let outcome = match viewer.resend(now, number, &stream.ring) {
                            None => ResendOutcome::Sent,
                            Some(Refusal::Gone) => ResendOutcome::Gone,
                            Some(Refusal::Repeat) => ResendOutcome::Repeat,
                            Some(Refusal::Exhausted) => ResendOutcome::Exhausted,
                            Some(Refusal::OverBudget) => ResendOutcome::OverBudget,
                        };
                        count(&self.metrics.resends, outcome, 1);
                    }
                }
                Feedback::Report(reception) => {
                    viewer.loss = Some(reception.loss);
                    let round_trip = reception.round_trip(self.clock.ntp_middle(now));
                    viewer.round_trip = round_trip.or(viewer.round_trip);
                }
            }
        }
        self.ask_for_keyframes(now);
    }
}
