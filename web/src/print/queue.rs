//! Who asked for prints, and how far each request is. Pure, on the caller's clock.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use stylise::JobId;
use thiserror::Error;
use uuid::Uuid;

/// Requests that wait for the owner or for the printer.
const WAITING_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrintState {
    /// For the owner's approval.
    Waiting,
    /// It is being sent to the printer.
    Sending,
    /// The print system has it.
    Printed,
    /// By the owner.
    Refused,
    Failed,
}

impl PrintState {
    fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Sending)
    }

    /// Whether it took paper, or may still.
    fn takes_paper(self) -> bool {
        self.is_open() || self == Self::Printed
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PrintRequest {
    /// Unrelated to the job's id, which gives all rights to the picture.
    pub(crate) id: Uuid,
    pub(crate) job: JobId,
    pub(crate) copies: u32,
    pub(crate) state: PrintState,
    asked_at: Instant,
}

/// Why nothing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PrintRefusal {
    #[error("this picture waits to be printed already")]
    Open,
    #[error("{left} more copies of this picture can be printed")]
    TooMany { left: u32 },
    #[error("many pictures wait to be printed: try again in a few minutes")]
    Full,
}

#[derive(Debug)]
pub(crate) struct PrintQueue {
    /// In the order in which they were asked for.
    requests: Vec<PrintRequest>,
    /// Of one picture.
    copies_max: u32,
    /// A picture exists no longer than this.
    keep: Duration,
}

impl PrintQueue {
    pub(crate) fn new(copies_max: u32, keep: Duration) -> Self {
        Self {
            requests: Vec::new(),
            copies_max,
            keep,
        }
    }

    /// `needs_approval`: it waits for the owner. Otherwise it is to be sent at once.
    // overflow: refused
    pub(crate) fn ask(
        &mut self,
        job: JobId,
        copies: u32,
        needs_approval: bool,
        now: Instant,
    ) -> Result<PrintRequest, PrintRefusal> {
        let keep = self.keep;
        self.requests
            .retain(|request| now.saturating_duration_since(request.asked_at) < keep);
        if self
            .newest(job)
            .is_some_and(|request| request.state.is_open())
        {
            return Err(PrintRefusal::Open);
        }
        let left = self.copies_left(job);
        if copies == 0 || copies > left {
            return Err(PrintRefusal::TooMany { left });
        }
        let open = self
            .requests
            .iter()
            .filter(|request| request.state.is_open());
        if open.count() >= WAITING_MAX {
            return Err(PrintRefusal::Full);
        }
        let request = PrintRequest {
            id: Uuid::new_v4(),
            job,
            copies,
            state: match needs_approval {
                true => PrintState::Waiting,
                false => PrintState::Sending,
            },
            asked_at: now,
        };
        self.requests.push(request);
        Ok(request)
    }

    /// The owner's decision. `None`: nothing waits under this id.
    pub(crate) fn decide(&mut self, id: Uuid, is_approved: bool) -> Option<PrintRequest> {
        let next = match is_approved {
            true => PrintState::Sending,
            false => PrintState::Refused,
        };
        self.advance(id, PrintState::Waiting, next)
    }

    pub(crate) fn sent(&mut self, id: Uuid, is_printed: bool) {
        let next = match is_printed {
            true => PrintState::Printed,
            false => PrintState::Failed,
        };
        self.advance(id, PrintState::Sending, next);
    }

    fn advance(&mut self, id: Uuid, from: PrintState, to: PrintState) -> Option<PrintRequest> {
        let mut requests = self.requests.iter_mut();
        let request = requests.find(|request| request.id == id && request.state == from)?;
        request.state = to;
        Some(*request)
    }

    /// The last request for a picture.
    pub(crate) fn newest(&self, job: JobId) -> Option<&PrintRequest> {
        self.requests
            .iter()
            .rev()
            .find(|request| request.job == job)
    }

    pub(crate) fn copies_left(&self, job: JobId) -> u32 {
        let taken = self.requests.iter().filter(|request| request.job == job);
        let taken = taken.filter(|request| request.state.takes_paper());
        self.copies_max
            .saturating_sub(taken.map(|request| request.copies).sum())
    }

    /// What waits for the owner, oldest first.
    pub(crate) fn waiting(&self) -> Vec<PrintRequest> {
        let requests = self.requests.iter().copied();
        requests
            .filter(|request| request.state == PrintState::Waiting)
            .collect()
    }

    /// The picture does not exist any more.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.requests.retain(|request| request.job != job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn queue() -> (PrintQueue, JobId, Instant) {
        (PrintQueue::new(2, DAY), JobId::random(), Instant::now())
    }

    #[test]
    fn a_print_waits_for_the_owner_and_then_goes_to_the_printer() {
        let (mut queue, job, now) = queue();
        let asked = queue.ask(job, 1, true, now).expect("room");
        assert_eq!(queue.waiting(), [asked]);
        assert_eq!(queue.ask(job, 1, true, now), Err(PrintRefusal::Open));
        let sending = queue.decide(asked.id, true).expect("it waits");
        assert_eq!((sending.state, sending.copies), (PrintState::Sending, 1));
        assert_eq!(queue.decide(asked.id, false), None, "decided already");
        queue.sent(asked.id, true);
        assert_eq!(
            queue.newest(job).map(|request| request.state),
            Some(PrintState::Printed)
        );
        assert!(queue.waiting().is_empty());
    }

    #[test]
    fn copies_of_one_picture_are_limited_and_only_paper_counts() {
        let (mut queue, job, now) = queue();
        for nothing in [0, 3] {
            let refused = queue.ask(job, nothing, false, now);
            assert_eq!(refused, Err(PrintRefusal::TooMany { left: 2 }));
        }
        let refused = queue.ask(job, 2, true, now).expect("room");
        assert_eq!(queue.copies_left(job), 0, "while it waits");
        queue.decide(refused.id, false);
        assert_eq!(queue.copies_left(job), 2);
        let failed = queue.ask(job, 1, false, now).expect("room");
        queue.sent(failed.id, false);
        let printed = queue
            .ask(job, 2, false, now)
            .expect("nothing was printed yet");
        queue.sent(printed.id, true);
        let refused = queue.ask(job, 1, false, now);
        assert_eq!(refused, Err(PrintRefusal::TooMany { left: 0 }));
        let other = queue.ask(JobId::random(), 2, false, now);
        assert!(other.is_ok(), "each picture has its own");
    }

    #[test]
    fn only_so_many_wait() {
        let (mut queue, _, now) = queue();
        for _ in 0..WAITING_MAX {
            queue.ask(JobId::random(), 1, true, now).expect("room");
        }
        let next = queue.ask(JobId::random(), 1, true, now);
        assert_eq!(next, Err(PrintRefusal::Full));
        let first = queue.waiting()[0];
        queue.decide(first.id, false);
        assert!(queue.ask(JobId::random(), 1, true, now).is_ok());
    }

    #[test]
    fn requests_end_with_their_pictures() {
        let (mut queue, job, now) = queue();
        queue.ask(job, 1, true, now).expect("room");
        queue.forget(job);
        assert!(queue.waiting().is_empty() && queue.newest(job).is_none());
        queue.ask(job, 1, true, now).expect("room");
        queue
            .ask(JobId::random(), 1, true, now + DAY)
            .expect("room");
        assert_eq!(queue.waiting().len(), 1, "the first picture has expired");
    }
}
