//! One order at a server, from the moment it was sent to its result: what is known of it, and what to
//! make of it. Pure; `now` is an argument.

use std::time::Instant;

use super::answers::{Ended, Place};
use super::events::{Event, Fault, PictureRef, Tagged};
use super::pace::Pace;
use super::plain;
use super::refusal::words;
use crate::stylist::Progress;

/// What queue and history said, asked in that order: an order moves from the one to the other, so that
/// one that is in neither is in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    Queued(Place),
    Over(Ended),
    Nowhere,
}

/// How it goes on after this order was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The picture is there.
    Done(PictureRef),
    /// The server does not know the order.
    Lost,
    /// A second attempt may go through.
    OutOfMemory,
    /// No attempt will.
    Failed {
        visitor: &'static str,
        technical: String,
    },
    /// The same, and the server still has the order.
    Overdue {
        visitor: &'static str,
        technical: String,
    },
    /// The server does not answer any more.
    Away(String),
}

/// One order that was sent.
pub(super) struct Run {
    prompt_id: String,
    /// Nodes whose first picture is the result, the best first: more than one only when the order was
    /// sent before this program was started.
    outputs: Vec<String>,
    pace: Pace,
    /// Whether the server said that it took the order. Before that it may still be on its way.
    known: bool,
    /// Whether the last event with a name bore this order's.
    on_air: bool,
    stage: Progress,
    told: Option<Progress>,
    /// The picture that an event named: the history may be cleared by somebody else.
    seen: Option<PictureRef>,
    finished: bool,
    sent_at: Instant,
    next_look: Instant,
    /// When the server last answered anything.
    heard_at: Instant,
    /// When the order last got on.
    moved_at: Instant,
    verdict: Option<Verdict>,
}

impl Run {
    /// `known`: the server confirmed that it took the order.
    pub(super) fn new(
        prompt_id: String,
        outputs: Vec<String>,
        known: bool,
        pace: Pace,
        now: Instant,
    ) -> Self {
        Self {
            prompt_id,
            outputs,
            pace,
            known,
            on_air: false,
            stage: Progress::Waiting { ahead: 0 },
            // A guess until the first look, and no news.
            told: Some(Progress::Waiting { ahead: 0 }),
            seen: None,
            finished: false,
            sent_at: now,
            next_look: now,
            heard_at: now,
            moved_at: now,
            verdict: None,
        }
    }

    /// Takes an event; gives back a preview that is this order's.
    ///
    /// A server sends previews of orders without a client to everybody, and those of the older kind bear no
    /// name: somebody else's face. So one without a name counts only after an event with ours, since a
    /// server does one order at a time and a socket keeps their order.
    pub(super) fn on_event(&mut self, tagged: Tagged, now: Instant) -> Option<Vec<u8>> {
        self.heard_at = now;
        match tagged.prompt_id {
            Some(id) if id != self.prompt_id => {
                self.on_air = false;
                return None;
            }
            Some(_) => self.on_air = true,
            None if !self.on_air => return None,
            None => {}
        }
        self.known = true;
        match tagged.event {
            Event::Started => self.at_work(0, 0, now),
            Event::Executing { .. } => {
                let (step, steps) = self.steps();
                self.at_work(step, steps, now);
                self.moved_at = now;
            }
            Event::Progress { step, steps } => self.at_work(step, steps, now),
            Event::Executed { node, pictures } => {
                self.moved_at = now;
                if self.outputs.first() == Some(&node) {
                    self.seen = pictures.into_iter().next();
                }
            }
            Event::Finished => {
                self.finished = true;
                self.next_look = now;
            }
            Event::Interrupted => self.verdict = Some(interrupted()),
            Event::Failed(fault) => self.verdict = Some(of_fault(&fault)),
            Event::Preview { picture } => return Some(picture),
        }
        None
    }

    /// The server has another name for the order.
    pub(super) fn is_called(&mut self, order: String) {
        self.prompt_id = order;
    }

    /// Something came through the socket that says nothing of the order.
    pub(super) fn on_traffic(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Takes what queue and history said.
    pub(super) fn on_look(&mut self, look: Look, now: Instant) {
        self.heard_at = now;
        let pause = if self.finished {
            self.pace.hurry
        } else {
            self.pace.look
        };
        self.next_look = now + pause;
        match look {
            Look::Queued(Place::Pending { ahead }) => {
                self.known = true;
                self.move_to(Progress::Waiting { ahead }, now);
            }
            Look::Queued(_) => {
                self.known = true;
                let (step, steps) = self.steps();
                self.at_work(step, steps, now);
            }
            Look::Over(Ended::Success(outputs)) => self.verdict = Some(self.result_in(&outputs)),
            Look::Over(Ended::Interrupted) => self.verdict = Some(interrupted()),
            Look::Over(Ended::Failed(fault)) => self.verdict = Some(of_fault(&fault)),
            Look::Nowhere => self.on_nowhere(now),
        }
    }

    /// A look came to nothing.
    pub(super) fn on_no_answer(&mut self, why: &str, now: Instant) {
        self.next_look = now + self.pace.look;
        if now.duration_since(self.heard_at) >= self.pace.away {
            self.verdict = Some(Verdict::Away(why.to_owned()));
        }
    }

    /// Whether queue and history are to be asked now.
    pub(super) fn wants_look(&self, now: Instant) -> bool {
        now >= self.next_look
    }

    /// What is to be told, once.
    pub(super) fn news(&mut self) -> Option<Progress> {
        if self.told == Some(self.stage) {
            return None;
        }
        self.told = Some(self.stage);
        self.told
    }

    /// How it ended, if it did.
    pub(super) fn verdict(&self, now: Instant) -> Option<Verdict> {
        if self.verdict.is_some() {
            return self.verdict.clone();
        }
        // Behind others it waits as long as the server has it in its queue.
        let is_behind = matches!(self.stage, Progress::Waiting { ahead: 1.. });
        let (since, bound, key, visitor) = match self.stage {
            _ if is_behind => (
                self.sent_at,
                self.pace.queue_max,
                "queue_max_s",
                plain::QUEUE,
            ),
            Progress::Running { steps: 0, .. } => (
                self.moved_at,
                self.pace.loading_max,
                "loading_max_s",
                plain::SLOW,
            ),
            _ => (self.moved_at, self.pace.step_max, "step_max_s", plain::SLOW),
        };
        let waited = now.saturating_duration_since(since);
        (waited >= bound).then(|| Verdict::Overdue {
            visitor,
            technical: format!(
                "the ComfyUI server did not get on with an order for {} s; `{key}` in [stylise] is the bound",
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

    fn at_work(&mut self, step: u32, steps: u32, now: Instant) {
        self.move_to(Progress::Running { step, steps }, now);
    }

    fn move_to(&mut self, stage: Progress, now: Instant) {
        if self.stage != stage {
            self.stage = stage;
            self.moved_at = now;
        }
    }

    fn result_in(&self, outputs: &[(String, Vec<PictureRef>)]) -> Verdict {
        let picture = |node: &String| {
            let of_node = outputs.iter().find(|(name, _)| name == node);
            of_node.and_then(|(_, pictures)| pictures.first()).cloned()
        };
        match self.outputs.iter().find_map(picture) {
            Some(picture) => Verdict::Done(picture),
            None => Verdict::Failed {
                visitor: plain::CANNOT,
                technical: "the workflow ended without a picture: look at its `output`".to_owned(),
            },
        }
    }

    fn on_nowhere(&mut self, now: Instant) {
        if self.finished
            && let Some(picture) = self.seen.take()
        {
            self.verdict = Some(Verdict::Done(picture));
        } else if self.known || now.duration_since(self.sent_at) >= self.pace.on_its_way {
            self.verdict = Some(Verdict::Lost);
        }
    }
}

fn interrupted() -> Verdict {
    Verdict::Failed {
        visitor: plain::STOPPED,
        technical: "the order was interrupted at the ComfyUI server".to_owned(),
    }
}

fn of_fault(fault: &Fault) -> Verdict {
    if fault.is_out_of_memory() {
        return Verdict::OutOfMemory;
    }
    Verdict::Failed {
        visitor: plain::CANNOT,
        technical: format!(
            "the ComfyUI server failed at the node {}: {}",
            words(&fault.node_type),
            words(&fault.message)
        ),
    }
}

#[cfg(test)]
mod tests;
