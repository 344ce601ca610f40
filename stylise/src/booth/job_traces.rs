//! The spans of each job, while it is traced: from its submission to the first fetch of its result. In memory only:
//! after a restart jobs go on without a trace.

use std::collections::HashMap;
use std::time::Instant;

use capture::trace::{self, TraceContext, TraceSpan};

use crate::job::{JobId, State};
use crate::stylist::MadeBy;

/// Above this number, jobs that are over and were not fetched are not traced further.
const KEPT_MAX: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct JobTraces(HashMap<JobId, JobTrace>);

#[derive(Debug)]
struct JobTrace {
    /// The span of the request that submitted it.
    request: TraceContext,
    /// The span of the whole job.
    job: TraceContext,
    made_by: MadeBy,
    submitted_at: Instant,
    /// Since when it waits in the queue.
    queued_at: Instant,
    is_over: bool,
}

impl JobTraces {
    /// A job was stored. `began`: its submission was received.
    pub(crate) fn submitted(&mut self, job: JobId, made_by: MadeBy, began: Instant, now: Instant) {
        let Some(request) = trace::current() else {
            return;
        };
        if self.0.len() >= KEPT_MAX {
            // overflow: refused: these were not fetched.
            self.0.retain(|_, traced| !traced.is_over);
        }
        let traced = JobTrace {
            request,
            job: request.child(),
            made_by,
            submitted_at: began,
            queued_at: now,
            is_over: false,
        };
        let times = (began, now);
        trace::record(TraceSpan::part_of(
            traced.job,
            "carrier.booth.admission",
            times,
        ));
        self.0.insert(job, traced);
    }

    /// A worker took the job.
    pub(crate) fn taken(&self, job: JobId, now: Instant) {
        if let Some(traced) = self.0.get(&job) {
            let times = (traced.queued_at, now);
            trace::record(TraceSpan::part_of(traced.job, "carrier.booth.queue", times));
        }
    }

    /// The job waits in the queue again.
    pub(crate) fn put_back(&mut self, job: JobId, now: Instant) {
        if let Some(traced) = self.0.get_mut(&job) {
            traced.queued_at = now;
        }
    }

    /// The span of the job, if it is traced.
    pub(crate) fn context(&self, job: JobId) -> Option<TraceContext> {
        self.0.get(&job).map(|traced| traced.job)
    }

    /// The job is over.
    pub(crate) fn ended(&mut self, job: JobId, state: State, now: Instant) {
        let Some(traced) = self.0.get_mut(&job) else {
            return;
        };
        if std::mem::replace(&mut traced.is_over, true) {
            self.0.remove(&job);
            return;
        }
        let mut span = TraceSpan::new(traced.job, "carrier.booth.job", (traced.submitted_at, now))
            .with("carrier.booth.stylist", traced.made_by.name())
            .with("carrier.booth.outcome", state.name());
        span.parent = Some(traced.request.span_id);
        span.error = (state == State::Failed).then_some("the job failed");
        trace::record(span);
        if state != State::Done {
            self.0.remove(&job);
        }
    }

    /// The span of a job whose result is fetched for the first time.
    pub(crate) fn take_fetched(&mut self, job: JobId) -> Option<TraceContext> {
        let is_over = self.0.get(&job).is_some_and(|traced| traced.is_over);
        is_over
            .then(|| self.0.remove(&job))?
            .map(|traced| traced.job)
    }
}
