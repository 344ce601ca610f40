//! The congestion control of a receiver that sends no transport-wide feedback: by its receiver reports, and by its own
//! estimate (REMB) if it sends one.

use std::time::{Duration, Instant};

use super::{CAPACITY_MOST_BPS, Control, LOSS_MOST};
use crate::congestion::bandwidth_estimate::{PathState, QUEUE_LONG};
use crate::metrics::RenditionChange;

/// Nothing can be probed: each good report raises the estimate by this factor.
const RAISE: f32 = 1.08;

impl Control {
    /// The receiver sends no transport-wide feedback.
    pub(crate) fn rely_on_reports(&mut self) {
        self.reported.get_or_insert_default();
    }

    /// Handles a receiver report in addition to [`Control::report`]; `sent` is the number of packets since the report
    /// before, and their bits a second. Returns `true` if the bandwidth estimate changed.
    pub(crate) fn report_alone(
        &mut self,
        now: Instant,
        report: (f32, Option<Duration>),
        sent: (u32, u32),
    ) -> bool {
        let before = (self.estimate.bps(), self.media_bps());
        let Some(reported) = &mut self.reported else {
            return false;
        };
        let sample = reported.sample(now, report, sent);
        self.loss = sample.loss;
        match self.estimate.update(now, &sample, self.round_trip) {
            PathState::Lowered if sample.queue < QUEUE_LONG && sample.loss >= LOSS_MOST => {
                self.lowered_by = RenditionChange::Loss;
            }
            PathState::Lowered => self.lowered_by = RenditionChange::QueueingDelay,
            PathState::Queued => {}
            PathState::Clear => {
                let raised = self.estimate.bps().map(|bps| (bps as f32 * RAISE) as u32);
                self.estimate.raise(raised.unwrap_or(0));
            }
        }
        self.has_changed_since(before)
    }

    /// Handles the receiver's own estimate. Returns `true` if the bandwidth estimate changed.
    pub(crate) fn receiver_estimate(&mut self, now: Instant, bps: u32) -> bool {
        let before = (self.estimate.bps(), self.media_bps());
        if self.reported.is_some() && bps <= CAPACITY_MOST_BPS {
            let state = self.estimate.set_capacity(now, bps);
            if state == PathState::Lowered {
                self.lowered_by = RenditionChange::QueueingDelay;
            }
        }
        self.has_changed_since(before)
    }
}
