//! How far the job is that a stylist has: in memory only, a restart asks the stylist again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use uuid::Uuid;

use crate::job::State;
use crate::life::{self, Event};
use crate::style::MadeBy;
use crate::stylist::Progress;
use crate::wait::{Standing, Steps};

/// A job whose turn it is.
#[derive(Debug)]
pub(crate) struct Live {
    state: State,
    pub(crate) step: Option<u32>,
    pub(crate) steps: Option<u32>,
    ahead: u32,
    taken_at: Instant,
    at_work_since: Option<Instant>,
    /// Whether it ever waited behind orders of others.
    has_waited: bool,
    counted: Option<Steps>,
    preview: Option<Vec<u8>>,
    preview_serial: u64,
    /// What its server knows it by: not to be forgotten while the stylist still asks for it.
    pub(crate) ticket: Option<Uuid>,
    cancelled: Arc<AtomicBool>,
}

impl Live {
    pub(crate) fn new(made_by: MadeBy, ticket: Option<Uuid>, now: Instant) -> Self {
        Self {
            state: State::Running,
            step: None,
            steps: None,
            ahead: 0,
            taken_at: now,
            // Nothing lies between this laptop and its work.
            at_work_since: (made_by == MadeBy::Laptop).then_some(now),
            has_waited: false,
            counted: None,
            preview: None,
            preview_serial: 0,
            ticket,
            cancelled: Arc::default(),
        }
    }

    /// Takes in what the stylist tells; whether it matters to those who wait behind this job as well.
    pub(crate) fn report(&mut self, progress: Progress, now: Instant) -> bool {
        let before = (self.state, self.ahead, self.at_work_since);
        let event = match progress {
            Progress::Uploading => Event::UploadBegan,
            Progress::Waiting { .. } | Progress::Running { .. } => Event::StylistHasIt,
        };
        self.state = life::next(self.state, event).unwrap_or(self.state);
        match progress {
            Progress::Uploading => {}
            Progress::Waiting { ahead } => {
                self.ahead = ahead;
                self.has_waited |= ahead > 0;
            }
            Progress::Running { step, steps } => {
                self.ahead = 0;
                self.at_work_since.get_or_insert(now);
                self.steps = (steps > 0).then_some(steps);
                self.step = self.steps.map(|steps| step.min(steps));
                if let (Some(step), Some(steps)) = (self.step, self.steps) {
                    self.counted = Some(Steps::counted(self.counted, step, steps, now));
                }
            }
        }
        before != (self.state, self.ahead, self.at_work_since)
    }

    /// What its visitor is told: in a server's own queue it is as little at work as in ours.
    pub(crate) fn shown(&self) -> State {
        match self.ahead {
            0 => self.state,
            _ => State::Queued,
        }
    }

    /// What its visitor is told while it waits.
    pub(crate) fn note(&self) -> Option<String> {
        (self.ahead > 0).then(|| {
            "Others use the picture server as well: nobody here can tell how long their pictures take."
                .to_owned()
        })
    }

    // overflow: newest-wins
    pub(crate) fn set_preview(&mut self, jpeg: Vec<u8>) {
        self.preview = Some(jpeg);
        self.preview_serial += 1;
    }

    pub(crate) fn preview(&self) -> Option<&[u8]> {
        self.preview.as_deref()
    }

    /// 0 without one.
    pub(crate) fn preview_serial(&self) -> u64 {
        self.preview_serial
    }

    /// Orders of others before it in its server's queue.
    pub(crate) fn ahead(&self) -> u32 {
        self.ahead
    }

    /// Without what it waited behind others, which says nothing of how long such jobs take.
    pub(crate) fn standing<'a>(&self, recipe: &'a str) -> Standing<'a> {
        let turn = (!self.has_waited).then_some(self.taken_at);
        Standing {
            recipe,
            ahead: self.ahead,
            since: turn.or(self.at_work_since),
            steps: self.counted,
        }
    }

    /// Since its turn.
    pub(crate) fn taken_at(&self) -> Instant {
        self.taken_at
    }

    /// Tells the stylist that nobody wants it any more.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_order_is_uploaded_waits_and_is_made() {
        let now = Instant::now();
        let mut live = Live::new(MadeBy::Comfyui, None, now);
        assert!(live.report(Progress::Uploading, now));
        assert_eq!(live.state, State::Uploading);
        assert!(live.report(Progress::Waiting { ahead: 2 }, now));
        assert_eq!((live.state, live.ahead()), (State::Running, 2));
        assert!(!live.report(Progress::Waiting { ahead: 2 }, now), "no news");
        assert!(live.report(Progress::Running { step: 0, steps: 0 }, now));
        assert_eq!((live.step, live.steps), (None, None));
        let late = now + Duration::from_secs(9);
        assert_eq!(live.standing("a").since, Some(now), "not the wait before");
        live.report(Progress::Running { step: 1, steps: 4 }, late);
        assert_eq!(live.standing("a").since, Some(now));
        assert!(!live.report(Progress::Running { step: 9, steps: 4 }, now));
        assert_eq!((live.step, live.steps), (Some(4), Some(4)), "never beyond");
    }
}
