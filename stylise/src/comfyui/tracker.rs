//! The state of one order at the server, from events and polls. Pure; `now` is an argument.

#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::comfyui::answers::{Ended, QueuePlace};
use crate::comfyui::events::{NodeFailure, PictureRef, ServerEvent, TaggedEvent};
use crate::comfyui::server_error;
use crate::comfyui::server_error::one_line;
use crate::comfyui::settings::Timeouts;
use crate::stylist::Progress;

/// The answer of queue and history, asked in that order: an order moves from queue to history, so one that
/// is in neither is unknown to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PollResult {
    Queued(QueuePlace),
    Over(Ended),
    NotFound,
}

/// The outcome of following an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OrderOutcome {
    Done(PictureRef),
    /// The server does not know the order.
    Lost,
    /// A second attempt may succeed.
    OutOfMemory,
    /// No attempt will succeed.
    Failed {
        visitor: &'static str,
        technical: String,
    },
    /// No progress in time; the server still has the order.
    Overdue {
        visitor: &'static str,
        technical: String,
    },
    /// The server does not answer any more.
    Unavailable(String),
}

/// The state of one order that was sent.
pub(super) struct OrderTracker {
    prompt_id: String,
    /// Nodes whose first picture is the result, in order of preference. More than one only for an order that
    /// was sent before a restart.
    outputs: Vec<String>,
    timeouts: Timeouts,
    /// Whether the server confirmed the order. Until then it may be on its way.
    known: bool,
    /// Whether the last event with an id had this order's id.
    events_are_ours: bool,
    stage: Progress,
    reported: Option<Progress>,
    /// The result named by an event, in case somebody clears the history.
    seen_result: Option<PictureRef>,
    finished: bool,
    sent_at: Instant,
    next_poll: Instant,
    /// When the server last answered anything.
    heard_at: Instant,
    /// When the order last made progress.
    progressed_at: Instant,
    outcome: Option<OrderOutcome>,
}

impl OrderTracker {
    /// `known`: the server confirmed the order.
    pub(super) fn new(
        prompt_id: String,
        outputs: Vec<String>,
        known: bool,
        timeouts: Timeouts,
        now: Instant,
    ) -> Self {
        Self {
            prompt_id,
            outputs,
            timeouts,
            known,
            events_are_ours: false,
            stage: Progress::Waiting { ahead: 0 },
            // Assumed until the first poll; not reported.
            reported: Some(Progress::Waiting { ahead: 0 }),
            seen_result: None,
            finished: false,
            sent_at: now,
            next_poll: now,
            heard_at: now,
            progressed_at: now,
            outcome: None,
        }
    }

    /// Handles an event; returns a preview if it belongs to this order.
    ///
    /// A server broadcasts previews of orders without a client, and previews of type 1 have no id, so they
    /// could show somebody else's face. One without an id therefore only counts after an event with our id:
    /// a server runs one order at a time, and a socket preserves their order.
    pub(super) fn on_event(&mut self, tagged: TaggedEvent, now: Instant) -> Option<Vec<u8>> {
        self.heard_at = now;
        match tagged.prompt_id {
            Some(id) if id != self.prompt_id => {
                self.events_are_ours = false;
                return None;
            }
            Some(_) => self.events_are_ours = true,
            None if !self.events_are_ours => return None,
            None => {}
        }
        self.known = true;
        match tagged.event {
            ServerEvent::Started => self.set_running(0, 0, now),
            ServerEvent::Executing { .. } => {
                let (step, steps) = self.steps();
                self.set_running(step, steps, now);
                self.progressed_at = now;
            }
            ServerEvent::Progress { step, steps } => self.set_running(step, steps, now),
            ServerEvent::Executed { node, pictures } => {
                self.progressed_at = now;
                if self.outputs.first() == Some(&node) {
                    self.seen_result = pictures.into_iter().next();
                }
            }
            ServerEvent::Finished => {
                self.finished = true;
                self.next_poll = now;
            }
            ServerEvent::Interrupted => self.outcome = Some(interrupted()),
            ServerEvent::Failed(failure) => self.outcome = Some(node_failed(&failure)),
            ServerEvent::Preview { picture } => return Some(picture),
        }
        None
    }

    /// Sets the id that the server assigned.
    pub(super) fn set_order_name(&mut self, order: String) {
        self.prompt_id = order;
    }

    /// The server sent something unrelated to the order.
    pub(super) fn on_traffic(&mut self, now: Instant) {
        self.heard_at = now;
    }

    pub(super) fn on_poll(&mut self, result: PollResult, now: Instant) {
        self.heard_at = now;
        let pause = if self.finished {
            self.timeouts.poll_finished
        } else {
            self.timeouts.poll
        };
        self.next_poll = now + pause;
        match result {
            PollResult::Queued(QueuePlace::Pending { ahead }) => {
                self.known = true;
                self.set_stage(Progress::Waiting { ahead }, now);
            }
            PollResult::Queued(_) => {
                self.known = true;
                let (step, steps) = self.steps();
                self.set_running(step, steps, now);
            }
            PollResult::Over(Ended::Success(outputs)) => {
                self.outcome = Some(self.result_in(&outputs))
            }
            PollResult::Over(Ended::Interrupted) => self.outcome = Some(interrupted()),
            PollResult::Over(Ended::Failed(failure)) => self.outcome = Some(node_failed(&failure)),
            PollResult::NotFound => self.on_not_found(now),
        }
    }

    pub(super) fn on_poll_failed(&mut self, why: &str, now: Instant) {
        self.next_poll = now + self.timeouts.poll;
        if now.duration_since(self.heard_at) >= self.timeouts.unavailable {
            self.outcome = Some(OrderOutcome::Unavailable(why.to_owned()));
        }
    }

    /// Whether queue and history should be polled now.
    pub(super) fn is_poll_due(&self, now: Instant) -> bool {
        now >= self.next_poll
    }

    /// The progress to report, once per change.
    pub(super) fn take_progress(&mut self) -> Option<Progress> {
        if self.reported == Some(self.stage) {
            return None;
        }
        self.reported = Some(self.stage);
        self.reported
    }

    pub(super) fn outcome(&self, now: Instant) -> Option<OrderOutcome> {
        if self.outcome.is_some() {
            return self.outcome.clone();
        }
        let limits = &self.timeouts;
        let (since, bound, key, visitor) = match self.stage {
            // While other orders run first, the limit is that of the queue.
            Progress::Waiting { ahead: 1.. } => {
                let bound = limits.queue_max;
                (self.sent_at, bound, "queue_max_s", server_error::QUEUE)
            }
            Progress::Running { steps: 0, .. } => {
                let bound = limits.loading_max;
                (
                    self.progressed_at,
                    bound,
                    "loading_max_s",
                    server_error::SLOW,
                )
            }
            _ => {
                let bound = limits.step_max;
                (self.progressed_at, bound, "step_max_s", server_error::SLOW)
            }
        };
        let waited = now.saturating_duration_since(since);
        (waited >= bound).then(|| OrderOutcome::Overdue {
            visitor,
            technical: format!(
                "the ComfyUI server made no progress with an order for {} s; `{key}` in [stylise] is the limit",
                waited.as_secs()
            ),
        })
    }

    fn steps(&self) -> (u32, u32) {
        match self.stage {
            Progress::Running { step, steps } => (step, steps),
            _ => (0, 0),
        }
    }

    fn set_running(&mut self, step: u32, steps: u32, now: Instant) {
        self.set_stage(Progress::Running { step, steps }, now);
    }

    fn set_stage(&mut self, stage: Progress, now: Instant) {
        if self.stage != stage {
            self.stage = stage;
            self.progressed_at = now;
        }
    }

    fn result_in(&self, outputs: &[(String, Vec<PictureRef>)]) -> OrderOutcome {
        let picture = |node: &String| {
            let of_node = outputs.iter().find(|(name, _)| name == node);
            of_node.and_then(|(_, pictures)| pictures.first()).cloned()
        };
        match self.outputs.iter().find_map(picture) {
            Some(picture) => OrderOutcome::Done(picture),
            None => OrderOutcome::Failed {
                visitor: server_error::CANNOT,
                technical: "the workflow ended without a picture: look at its `output`".to_owned(),
            },
        }
    }

    fn on_not_found(&mut self, now: Instant) {
        if self.finished
            && let Some(picture) = self.seen_result.take()
        {
            self.outcome = Some(OrderOutcome::Done(picture));
        } else if self.known || now.duration_since(self.sent_at) >= self.timeouts.unconfirmed {
            self.outcome = Some(OrderOutcome::Lost);
        }
    }
}

fn interrupted() -> OrderOutcome {
    OrderOutcome::Failed {
        visitor: server_error::STOPPED,
        technical: "the order was interrupted at the ComfyUI server".to_owned(),
    }
}

fn node_failed(failure: &NodeFailure) -> OrderOutcome {
    if failure.is_out_of_memory() {
        return OrderOutcome::OutOfMemory;
    }
    OrderOutcome::Failed {
        visitor: server_error::CANNOT,
        technical: format!(
            "the ComfyUI server failed at the node {}: {}",
            one_line(&failure.node_type),
            one_line(&failure.message)
        ),
    }
}
