//! One order at a server, from the moment it was sent to its result: what is known of it, and what to
//! make of it. Pure; `now` is an argument.

use std::time::Instant;

use super::answers::{Ended, Place};
use super::events::{Event, Fault, PictureRef, Tagged};
use super::pace::Pace;
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
    Failed(String),
    /// The same, and the server still has the order.
    Overdue(String),
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
            }
            Event::Progress { step, steps } => self.at_work(step, steps, now),
            Event::Executed { node, pictures } => {
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
        let patience = match self.stage {
            Progress::Waiting { ahead } => {
                self.pace.patience + self.pace.patience_per_order * ahead
            }
            Progress::Running { steps: 0, .. } => self.pace.patience_loading,
            _ => self.pace.patience,
        };
        let stuck = now.saturating_duration_since(self.moved_at);
        (stuck >= patience).then(|| {
            let seconds = stuck.as_secs();
            Verdict::Overdue(format!(
                "The ComfyUI server did not get on with it for {seconds} s. Ask again later."
            ))
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
            None => Verdict::Failed(
                "The workflow ended without a picture: its owner has to look at `output`."
                    .to_owned(),
            ),
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
    let why = "The picture was stopped at the ComfyUI server. Ask again.";
    Verdict::Failed(why.to_owned())
}

fn of_fault(fault: &Fault) -> Verdict {
    if fault.is_out_of_memory() {
        return Verdict::OutOfMemory;
    }
    Verdict::Failed(format!(
        "The ComfyUI server failed at {}: {}",
        words(&fault.node_type),
        words(&fault.message)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(known: bool) -> (Run, Instant) {
        let now = Instant::now();
        let outputs = vec!["60".to_owned()];
        (
            Run::new("p".to_owned(), outputs, known, Pace::default(), now),
            now,
        )
    }

    fn mine(event: Event) -> Tagged {
        Tagged {
            prompt_id: Some("p".to_owned()),
            event,
        }
    }

    fn picture() -> PictureRef {
        PictureRef {
            filename: "a.png".to_owned(),
            subfolder: String::new(),
            kind: "temp".to_owned(),
        }
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn events_of_others_are_not_ours() {
        let (mut run, now) = run(true);
        let other = Tagged {
            prompt_id: Some("q".to_owned()),
            event: Event::Interrupted,
        };
        run.on_event(other, now);
        assert_eq!(run.verdict(now), None);
        let unnamed = || Tagged {
            prompt_id: None,
            event: Event::Preview { picture: vec![1] },
        };
        let others = |event| Tagged {
            prompt_id: Some("q".to_owned()),
            event,
        };
        assert_eq!(run.on_event(unnamed(), now), None, "of whom?");
        run.on_look(Look::Queued(Place::Running), now);
        assert_eq!(run.on_event(unnamed(), now), None, "it may be late");
        run.on_event(mine(Event::Started), now);
        assert_eq!(run.on_event(unnamed(), now), Some(vec![1]));
        run.on_event(others(Event::Started), now);
        assert_eq!(run.on_event(unnamed(), now), None);
    }

    #[test]
    fn from_the_queue_to_the_picture() {
        let (mut run, mut now) = run(true);
        assert!(run.wants_look(now));
        run.on_look(Look::Queued(Place::Pending { ahead: 2 }), now);
        assert_eq!(run.news(), Some(Progress::Waiting { ahead: 2 }));
        assert!(!run.wants_look(now + S));
        run.on_event(mine(Event::Started), now);
        run.on_event(mine(Event::Progress { step: 1, steps: 4 }), now);
        assert_eq!(run.news(), Some(Progress::Running { step: 1, steps: 4 }));
        run.on_look(Look::Queued(Place::Running), now);
        assert_eq!(run.news(), None, "the queue knows of no steps");
        run.on_event(mine(Event::Finished), now);
        assert!(run.wants_look(now));
        run.on_look(Look::Queued(Place::Running), now);
        now += Duration::from_millis(150);
        assert!(run.wants_look(now), "the history comes a moment later");
        run.on_look(
            Look::Over(Ended::Success(vec![("60".to_owned(), vec![picture()])])),
            now,
        );
        assert_eq!(run.verdict(now), Some(Verdict::Done(picture())));
    }

    #[test]
    fn an_order_that_the_server_took_and_lost_is_lost_at_once_and_one_on_its_way_is_not() {
        let (mut taken, now) = run(true);
        taken.on_look(Look::Nowhere, now);
        assert_eq!(taken.verdict(now), Some(Verdict::Lost));
        let (mut unconfirmed, now) = run(false);
        unconfirmed.on_look(Look::Nowhere, now + S);
        assert_eq!(unconfirmed.verdict(now + S), None);
        unconfirmed.on_look(Look::Nowhere, now + 6 * S);
        assert_eq!(unconfirmed.verdict(now + 6 * S), Some(Verdict::Lost));
    }

    #[test]
    fn a_finished_order_whose_history_somebody_cleared_is_not_made_again() {
        let (mut run, now) = run(true);
        let pictures = vec![picture()];
        run.on_event(
            mine(Event::Executed {
                node: "60".to_owned(),
                pictures,
            }),
            now,
        );
        run.on_event(mine(Event::Finished), now);
        run.on_look(Look::Nowhere, now);
        assert_eq!(run.verdict(now), Some(Verdict::Done(picture())));
    }

    #[test]
    fn patience_grows_with_the_queue_and_begins_anew_when_it_moves() {
        let (mut run, now) = run(true);
        run.on_look(Look::Queued(Place::Pending { ahead: 3 }), now);
        assert_eq!(run.verdict(now + 89 * S), None);
        assert!(matches!(
            run.verdict(now + 90 * S),
            Some(Verdict::Overdue(_))
        ));
        run.on_look(Look::Queued(Place::Running), now + 80 * S);
        assert_eq!(run.verdict(now + 250 * S), None, "the model loads");
        run.on_event(mine(Event::Progress { step: 1, steps: 4 }), now + 250 * S);
        assert!(run.verdict(now + 311 * S).is_some());
    }

    #[test]
    fn a_server_that_stops_answering_is_away_after_a_while() {
        let (mut run, now) = run(true);
        run.on_no_answer("refused", now + 2 * S);
        assert_eq!(run.verdict(now + 2 * S), None);
        run.on_traffic(now + 10 * S);
        run.on_no_answer("refused", now + 16 * S);
        assert_eq!(run.verdict(now + 16 * S), None, "the socket still speaks");
        run.on_no_answer("refused", now + 26 * S);
        assert_eq!(
            run.verdict(now + 26 * S),
            Some(Verdict::Away("refused".to_owned()))
        );
    }

    #[test]
    fn memory_may_come_back_and_other_faults_do_not() {
        let fault = |exception: &str| Fault {
            node_type: "KSampler".to_owned(),
            exception_type: exception.to_owned(),
            message: "no".to_owned(),
        };
        let (mut first, now) = run(true);
        first.on_event(mine(Event::Failed(fault("torch.OutOfMemoryError"))), now);
        assert_eq!(first.verdict(now), Some(Verdict::OutOfMemory));
        let (mut second, now) = run(true);
        second.on_look(Look::Over(Ended::Failed(fault("ValueError"))), now);
        assert!(
            matches!(second.verdict(now), Some(Verdict::Failed(why)) if why.contains("KSampler"))
        );
        let (mut third, now) = run(true);
        third.on_look(Look::Over(Ended::Success(Vec::new())), now);
        assert!(matches!(third.verdict(now), Some(Verdict::Failed(_))));
    }
}
