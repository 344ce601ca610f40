//! Progress of the job that a stylist works on. In memory only: after a restart the stylist is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use uuid::Uuid;

use crate::job::{self, JobEvent, State};
use crate::jobs::estimate::{JobTiming, StepCount};
use crate::stylist::{MadeBy, Progress};

/// A job that a stylist works on.
#[derive(Debug)]
pub(crate) struct RunningJob {
    state: State,
    pub(crate) step: Option<u32>,
    pub(crate) steps: Option<u32>,
    /// Other people's orders ahead of it in the server's queue.
    pub(crate) ahead: u32,
    /// When a worker took it.
    pub(crate) taken_at: Instant,
    at_work_since: Option<Instant>,
    /// Whether it ever waited behind other people's orders.
    has_waited: bool,
    step_count: Option<StepCount>,
    pub(crate) preview: Option<Vec<u8>>,
    /// 0 without a preview.
    pub(crate) preview_serial: u64,
    /// Its order on the server, which must not be forgotten while the stylist uses it.
    pub(crate) remote: Option<Uuid>,
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl RunningJob {
    pub(crate) fn new(made_by: MadeBy, remote: Option<Uuid>, now: Instant) -> Self {
        Self {
            state: State::Running,
            step: None,
            steps: None,
            ahead: 0,
            taken_at: now,
            // The laptop starts at once.
            at_work_since: (made_by == MadeBy::BuiltIn).then_some(now),
            has_waited: false,
            step_count: None,
            preview: None,
            preview_serial: 0,
            remote,
            cancelled: Arc::default(),
        }
    }

    /// Records the stylist's progress. Returns whether it also matters to the jobs behind this one.
    pub(crate) fn report(&mut self, progress: Progress, now: Instant) -> bool {
        let before = (self.state, self.ahead, self.at_work_since);
        let event = match progress {
            Progress::Uploading => JobEvent::UploadStarted,
            Progress::Waiting { .. } | Progress::Running { .. } => JobEvent::Started,
        };
        self.state = job::next(self.state, event).unwrap_or(self.state);
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
                    self.step_count = Some(StepCount::updated(self.step_count, step, steps, now));
                }
            }
        }
        before != (self.state, self.ahead, self.at_work_since)
    }

    /// The state shown to the visitor: an order that waits on the server is still queued.
    pub(crate) fn visible_state(&self) -> State {
        match self.ahead {
            0 => self.state,
            _ => State::Queued,
        }
    }

    /// What the visitor is told while other orders run first.
    pub(crate) fn waiting_note(&self) -> Option<String> {
        let note = "Others use the picture server as well: nobody here can tell how long their pictures take.";
        (self.ahead > 0).then(|| note.to_owned())
    }

    // overflow: newest-wins
    pub(crate) fn set_preview(&mut self, jpeg: Vec<u8>) {
        self.preview = Some(jpeg);
        self.preview_serial += 1;
    }

    /// Excludes time behind other orders, which says nothing about the workload.
    pub(crate) fn timing<'a>(&self, workload: &'a str) -> JobTiming<'a> {
        let turn = (!self.has_waited).then_some(self.taken_at);
        JobTiming {
            workload,
            ahead: self.ahead,
            since: turn.or(self.at_work_since),
            steps: self.step_count,
        }
    }

    /// Tells the stylist that the job is cancelled.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn progress_goes_from_uploading_to_waiting_to_running() {
        let now = Instant::now();
        let mut running = RunningJob::new(MadeBy::Comfyui, None, now);
        assert!(running.report(Progress::Uploading, now));
        assert_eq!(running.state, State::Uploading);
        assert!(running.report(Progress::Waiting { ahead: 2 }, now));
        assert_eq!((running.state, running.ahead), (State::Running, 2));
        assert!(
            !running.report(Progress::Waiting { ahead: 2 }, now),
            "nothing changed"
        );
        assert!(running.report(Progress::Running { step: 0, steps: 0 }, now));
        assert_eq!((running.step, running.steps), (None, None));
        let late = now + Duration::from_secs(9);
        assert_eq!(running.timing("a").since, Some(now), "not the wait before");
        running.report(Progress::Running { step: 1, steps: 4 }, late);
        assert_eq!(running.timing("a").since, Some(now));
        assert!(!running.report(Progress::Running { step: 9, steps: 4 }, now));
        assert_eq!(
            (running.step, running.steps),
            (Some(4), Some(4)),
            "steps never exceed the total"
        );
    }
}
