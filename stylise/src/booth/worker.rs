//! The worker thread of one stylist: takes jobs one after another, runs the stylist, and records the
//! outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capture::trace::{self, TraceSpan};
use capture::{Heartbeat, TURN_MAX};

use crate::api::BoothError;
use crate::booth::shared::{PANIC_MESSAGE, Shared, catch_panic};
use crate::booth::state::BoothState;
use crate::intake::CheckedPicture;
use crate::intake::limits::Limits;
use crate::job::{JobEvent, JobId};
use crate::jobs::store::jobs::End;
use crate::jobs::store::row::Row;
use crate::jobs::stylist_state::DISK_FAILED;
use crate::people::FocusPoint;
use crate::release_memory::release_free_memory;
use crate::stylist::{JobContext, MadeBy, Order, Progress, RemoteOrder, Stylist, StylistError};

/// What the worker does next.
enum NextAction {
    Stop,
    /// Ask whether an unavailable stylist is back.
    CheckStylist,
    Serve(Box<Row>),
}

/// Upper bound of one job on the slowest laptop; a server's order resets it, see [`WorkerContext`].
const JOB_MAX: Duration = Duration::from_secs(15 * 60);

/// Returns when the booth closes.
pub(crate) fn run(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) {
    recover(shared, stylist, heartbeat.panics_in_a_row());
    loop {
        heartbeat.beat(TURN_MAX);
        let action = next(shared, stylist, heartbeat);
        heartbeat.beat(JOB_MAX);
        match action {
            NextAction::Stop => return,
            NextAction::CheckStylist => check_stylist(shared, stylist, heartbeat),
            NextAction::Serve(row) => serve(shared, stylist, &row, heartbeat),
        }
    }
}

/// After a panic of this thread, its job is queued again; after a second panic in a row it fails.
fn recover(shared: &Shared, stylist: &dyn Stylist, panics_in_a_row: u32) {
    let mut state = shared.lock();
    let Some(job) = state.stylist_mut(stylist.made_by()).current.take() else {
        return;
    };
    state.running.remove(&job);
    let freed = match state.job(job) {
        Ok(Some(row)) if panics_in_a_row > 1 => {
            let failed = Err(StylistError::Failed(PANIC_MESSAGE.to_owned()));
            record_outcome(shared, &mut state, stylist, &row, failed)
        }
        Ok(Some(row)) => {
            put_back(&mut state, &row, None);
            Vec::new()
        }
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, ?job, "cannot read a job after a panic; the next start resumes it");
            Vec::new()
        }
    };
    state.queue_changed();
    drop(state);
    shared.pictures.erase(&freed);
}

fn next(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) -> NextAction {
    let mut state = shared.lock();
    loop {
        if shared.is_stopping() {
            return NextAction::Stop;
        }
        let now = Instant::now();
        let own = state.stylist(stylist.made_by());
        let pause = match &own.outage {
            // Nobody waits: do not poll the stylist until a job comes.
            _ if own.queue.is_empty() => None,
            Some(outage) if outage.retry_at > now => Some(outage.retry_at - now),
            Some(_) => return NextAction::CheckStylist,
            None => match take(&mut state, stylist, now) {
                Some(row) => return NextAction::Serve(Box::new(row)),
                None => continue,
            },
        };
        heartbeat.rest();
        state = shared.wait(state, pause);
    }
}

/// The next job. A database that cannot be written counts as an outage of the stylist.
fn take(state: &mut BoothState, stylist: &dyn Stylist, now: Instant) -> Option<Row> {
    let taken = state.take(stylist.made_by(), now);
    taken.unwrap_or_else(|error| {
        tracing::error!(%error, "cannot take the next job");
        let own = state.stylist_mut(stylist.made_by());
        own.record_outage(DISK_FAILED.to_owned(), now);
        None
    })
}

fn check_stylist(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) {
    let ready = catch_panic(|| stylist.ready());
    let now = Instant::now();
    let mut state = shared.lock();
    let row = match ready {
        Ok(()) => take(&mut state, stylist, now),
        Err(error) => {
            let own = state.stylist_mut(stylist.made_by());
            own.record_outage(error.to_string(), now);
            state.queue_changed();
            None
        }
    };
    if row.is_none() {
        give_up_overdue(shared, &mut state, stylist, now);
    }
    drop(state);
    if let Some(row) = row {
        serve(shared, stylist, &row, heartbeat);
    }
}

/// Fails the jobs that waited too long for an unavailable stylist.
fn give_up_overdue(shared: &Shared, state: &mut BoothState, stylist: &dyn Stylist, now: Instant) {
    let made_by = stylist.made_by();
    let outage_max = shared.settings.away_max;
    let own = state.stylist(made_by);
    let overdue = own.overdue(outage_max, now);
    let (time, server) = (duration_words(outage_max), made_by.title());
    let words = match own.outage.as_ref().map(|outage| outage.reason.as_str()) {
        Some(DISK_FAILED) => format!("For {time} {DISK_FAILED}. Come back later."),
        _ => format!("Try another style, or come back later: {server} was away for {time}."),
    };
    for job in overdue {
        if let Err(error) = state.end(job, made_by, End::Failed(&words)) {
            tracing::error!(%error, ?job, "cannot fail an overdue job");
        }
    }
}

fn duration_words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

fn serve(shared: &Shared, stylist: &dyn Stylist, row: &Row, heartbeat: &Heartbeat) {
    let outcome = make_traced_picture(shared, stylist, row, heartbeat);
    let mut state = shared.lock();
    let freed = record_outcome(shared, &mut state, stylist, row, outcome);
    state.running.remove(&row.id);
    state.stylist_mut(row.made_by).current = None;
    state.queue_changed();
    drop(state);
    shared.changed.notify_all();
    shared.pictures.erase(&freed);
    release_free_memory();
}

/// Records the outcome of a job. Returns the files to delete.
fn record_outcome(
    shared: &Shared,
    state: &mut BoothState,
    stylist: &dyn Stylist,
    row: &Row,
    outcome: Result<String, StylistError>,
) -> Vec<String> {
    let end = match &outcome {
        Ok(file) => End::ResultStored(file),
        Err(StylistError::Failed(words)) => End::Failed(words),
        Err(StylistError::Cancelled) => End::Cancelled,
        Err(StylistError::Unavailable(reason)) => {
            put_back(state, row, Some(reason.clone()));
            return Vec::new();
        }
        Err(StylistError::Stopping) => {
            let reason = (!shared.is_stopping()).then(|| "it ended its work".to_owned());
            put_back(state, row, reason);
            return Vec::new();
        }
    };
    let ended = state.end(row.id, row.made_by, end);
    let unused = Vec::from_iter(outcome.as_ref().ok().cloned());
    match ended {
        Ok(Some(freed)) => {
            if outcome.is_ok() {
                record_timing(shared, state, stylist, row);
            }
            finish_job(state, row);
            freed
        }
        Ok(None) => {
            if outcome.is_ok() {
                // overflow: counted
                shared.metrics.discarded("LateResult").inc();
            }
            finish_job(state, row);
            unused
        }
        // The job runs again later; a server still has its result.
        Err(error) => {
            tracing::error!(%error, job = ?row.id, "cannot store the end of a job");
            put_back(state, row, Some(DISK_FAILED.to_owned()));
            unused
        }
    }
}

fn finish_job(state: &mut BoothState, row: &Row) {
    let own = state.stylist_mut(row.made_by);
    own.outage = None;
    own.finish(row.id);
}

/// Puts a job back to the front of the queue, unless it is over.
fn put_back(state: &mut BoothState, row: &Row, reason: Option<String>) {
    // Erased in memory while the database cannot be written.
    let is_erased = state.erased_in_memory.contains(&row.id);
    let waits = state.store.advance(row.id, JobEvent::PutBack);
    if let Err(error) = &waits {
        tracing::error!(%error, job = ?row.id, "cannot store that a job is queued again");
    }
    state.traces.put_back(row.id, Instant::now());
    let own = state.stylist_mut(row.made_by);
    if is_erased || !waits.unwrap_or(true) {
        own.finish(row.id);
    } else {
        own.queue.put_back(&row.owner(), row.id);
    }
    if let Some(reason) = reason {
        tracing::info!(
            made_by = row.made_by.name(),
            reason,
            "stylist unavailable; its jobs wait"
        );
        own.record_outage(reason, Instant::now());
    }
}

fn record_timing(shared: &Shared, state: &mut BoothState, stylist: &dyn Stylist, row: &Row) {
    let workload = stylist.workload(&row.style);
    let now = Instant::now();
    let Some(running) = state.running.get(&row.id) else {
        return;
    };
    let took = now.saturating_duration_since(running.taken_at);
    let durations = shared.metrics.duration(row.made_by.name());
    durations.observe(took.as_secs_f64());
    let timing = running.timing(&workload);
    let own = &mut state.stylists[row.made_by as usize];
    // The duration is unknown for an order that was sent before a restart.
    if row.remote.is_none() {
        own.wait.record(timing, now);
    }
    own.learn_workload(&row.style, workload);
}

/// [`make_picture`] as a span of the job's trace, if it has one.
fn make_traced_picture(
    shared: &Shared,
    stylist: &dyn Stylist,
    row: &Row,
    heartbeat: &Heartbeat,
) -> Result<String, StylistError> {
    let Some(job) = shared.lock().traces.context(row.id) else {
        return make_picture(shared, stylist, row, heartbeat);
    };
    let began = Instant::now();
    let mut span = TraceSpan::part_of(job, "carrier.booth.stylise", (began, began))
        .with("carrier.booth.stylist", row.made_by.name());
    let entered = trace::enter(Some(span.context));
    let outcome = make_picture(shared, stylist, row, heartbeat);
    drop(entered);
    span.end = Instant::now();
    // Without the words, which may name files.
    span.error = outcome.as_ref().err().map(|error| match error {
        StylistError::Cancelled => "cancelled",
        StylistError::Stopping => "the program ends",
        StylistError::Unavailable(_) => "the stylist is unavailable",
        StylistError::Failed(_) => "the stylist failed",
    });
    trace::record(span);
    outcome
}

/// Runs the stylist, and stores the result after checking it.
fn make_picture(
    shared: &Shared,
    stylist: &dyn Stylist,
    row: &Row,
    heartbeat: &Heartbeat,
) -> Result<String, StylistError> {
    let source = row.source.as_ref().map(|file| shared.pictures.read(file));
    let Some(source) = source.transpose().map_err(disk_error)?.flatten() else {
        return Err(StylistError::Failed(
            "The picture is not on the disk any more: please take it again.".to_owned(),
        ));
    };
    let cancelled = {
        let state = shared.lock();
        let running = state.running.get(&row.id).ok_or(StylistError::Cancelled)?;
        Arc::clone(&running.cancelled)
    };
    let context = WorkerContext {
        shared,
        job: row.id,
        made_by: row.made_by,
        cancelled,
        heartbeat,
    };
    let order = Order {
        job: row.id,
        style: row.style.clone(),
        photo_kind: row.photo_kind,
        source,
        remote: row.remote.clone(),
    };
    let picture = catch_panic(|| {
        let made = stylist.stylise(&order, &context)?;
        CheckedPicture::read(&made, &Limits::RESULT).map_err(|error| {
            StylistError::Failed(format!(
                "Try another style: {} made something that is not a picture ({error}).",
                row.made_by.title()
            ))
        })
    })?;
    let began = Instant::now();
    let stored = shared.pictures.keep(picture.jpeg());
    if let Some(stylise) = trace::current() {
        let times = (began, Instant::now());
        trace::record(TraceSpan::part_of(stylise, "carrier.booth.store", times));
    }
    stored.map_err(disk_error)
}

/// A disk failure counts as an outage: the job waits and is retried.
fn disk_error(error: BoothError) -> StylistError {
    tracing::error!(%error, "cannot store or read a picture");
    StylistError::Unavailable(DISK_FAILED.to_owned())
}

/// A server's order checks at least this often whether it is cancelled.
const SERVER_TURN_MAX: Duration = Duration::from_secs(5 * 60);

/// The [`JobContext`] of one job.
pub(crate) struct WorkerContext<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) job: JobId,
    pub(crate) made_by: MadeBy,
    pub(crate) cancelled: Arc<AtomicBool>,
    pub(crate) heartbeat: &'a Heartbeat,
}

impl JobContext for WorkerContext<'_> {
    fn report(&self, progress: Progress) {
        let mut state = self.shared.lock();
        let Some(running) = state.running.get_mut(&self.job) else {
            return;
        };
        let is_news_to_all = running.report(progress, Instant::now());
        // An upload can still fail because the server is unavailable.
        if progress != Progress::Uploading {
            state.stylist_mut(self.made_by).outage = None;
        }
        if is_news_to_all {
            state.queue_changed();
        } else {
            state.followers.mark_changed(self.job);
        }
    }

    fn preview(&self, picture: Vec<u8>) {
        // Previews come from another machine: only our own re-encoding is shown.
        match CheckedPicture::read(&picture, &Limits::RESULT) {
            Ok(picture) => {
                let mut state = self.shared.lock();
                if let Some(running) = state.running.get_mut(&self.job) {
                    running.set_preview(picture.jpeg().to_vec());
                    state.followers.mark_changed(self.job);
                }
            }
            // overflow: counted
            Err(error) => {
                self.shared.metrics.discarded("BadPreview").inc();
                tracing::debug!(job = ?self.job, %error, "cannot decode a preview");
            }
        }
    }

    fn set_focus(&self, focus: FocusPoint) {
        let stored = self.shared.lock().store.set_focus(self.job, focus);
        // Without it, crops are centred.
        if let Err(error) = stored {
            tracing::warn!(%error, job = ?self.job, "cannot store where the faces are");
        }
    }

    fn save_remote_order(&self, remote: &RemoteOrder) -> Result<(), StylistError> {
        let mut state = self.shared.lock();
        match state.store.save_remote_order(self.job, remote) {
            Ok(true) => {
                if let Some(running) = state.running.get_mut(&self.job) {
                    running.remote = Some(remote.id);
                }
                Ok(())
            }
            Ok(false) => Err(StylistError::Cancelled),
            Err(error) => {
                tracing::error!(%error, job = ?self.job, "cannot store a remote order");
                Err(StylistError::Unavailable(DISK_FAILED.to_owned()))
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        // A server's order that still polls is alive. A built-in style runs on another thread, so its
        // polling says nothing.
        if self.made_by == MadeBy::Comfyui {
            self.heartbeat.beat(SERVER_TURN_MAX);
        }
        self.cancelled.load(Ordering::Acquire)
    }

    fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }
}
