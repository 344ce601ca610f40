//! What the booth's lock protects: the database, and what is known in memory about its jobs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::api::{BoothError, JobView, WaitsFor, Withheld};
use crate::booth::job_traces::JobTraces;
use crate::job::{GalleryId, JobEvent, JobId, State};
use crate::jobs::estimate::JobTiming;
use crate::jobs::expiry::{ClockReading, StationTime};
use crate::jobs::followers::Followers;
use crate::jobs::queue::Owner;
use crate::jobs::running::RunningJob;
use crate::jobs::store::database::Store;
use crate::jobs::store::jobs::End;
use crate::jobs::store::row::Row;
use crate::jobs::store::tables::GalleryFilter;
use crate::jobs::stylist_state::{DISK_FAILED, StylistState};
use crate::metrics::BoothMetrics;
use crate::sharing_rules::SharingRules;
use crate::stylist::MadeBy;

pub(crate) type ReadClocks = Box<dyn Fn() -> ClockReading + Send>;

pub(crate) struct BoothState {
    pub(crate) store: Store,
    /// One per kind, in the order of [`MadeBy::ALL`].
    pub(crate) stylists: [StylistState; 2],
    pub(crate) running: HashMap<JobId, RunningJob>,
    pub(crate) followers: Followers,
    pub(crate) metrics: BoothMetrics,
    /// Whether there may be orders to forget that were not tried yet.
    pub(crate) has_orders_to_forget: bool,
    /// The clock that expiry uses.
    pub(crate) time: StationTime,
    pub(crate) read_clocks: ReadClocks,
    /// Jobs whose files are erased while the database could not be written.
    pub(crate) erased_in_memory: HashSet<JobId>,
    /// Whether the database's write-ahead log may still contain erased rows.
    pub(crate) log_needs_truncating: bool,
    pub(crate) traces: JobTraces,
    pub(crate) sharing: Arc<SharingRules>,
}

impl BoothState {
    pub(crate) fn stylist(&self, made_by: MadeBy) -> &StylistState {
        &self.stylists[made_by as usize]
    }

    pub(crate) fn stylist_mut(&mut self, made_by: MadeBy) -> &mut StylistState {
        &mut self.stylists[made_by as usize]
    }

    /// Takes the next job of a stylist and marks it as running.
    pub(crate) fn take(
        &mut self,
        made_by: MadeBy,
        now: Instant,
    ) -> Result<Option<Row>, BoothError> {
        while let Some(job) = self.stylist_mut(made_by).queue.take() {
            let begun = self.begin(job).inspect_err(|_| {
                // The owner is unknown without the row; a default owner only costs the others one turn.
                let queue = &mut self.stylist_mut(made_by).queue;
                queue.put_back(&Owner::default(), job);
            });
            let Some(row) = begun? else {
                self.stylist_mut(made_by).finish(job);
                continue;
            };
            let remote = row.remote.as_ref().map(|remote| remote.id);
            let running = RunningJob::new(made_by, remote, now);
            self.running.insert(job, running);
            self.traces.taken(job, now);
            self.stylist_mut(made_by).current = Some(job);
            self.queue_changed();
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// The stored job; `None` when it is erased.
    pub(crate) fn job(&self, job: JobId) -> Result<Option<Row>, BoothError> {
        if self.erased_in_memory.contains(&job) {
            return Ok(None);
        }
        self.store.job(job)
    }

    /// The station's time. Saves and publishes the offset when the wall clock was set.
    pub(crate) fn now_ms(&mut self) -> u64 {
        if let Some(set_by_ms) = self.time.advance((self.read_clocks)()) {
            tracing::info!(
                set_by_s = set_by_ms / 1000,
                "the wall clock was set; retention periods are unchanged"
            );
            self.save_clock();
            self.followers.mark_all_changed();
        }
        self.time.now_ms()
    }

    /// Saves the station's clock for the next start.
    pub(crate) fn save_clock(&mut self) {
        if let Err(error) = self.store.save_clock_mark(self.time.mark()) {
            tracing::warn!(%error, "cannot save the station's clock");
        }
    }

    /// Truncates the database's write-ahead log, or leaves it for the next tick.
    pub(crate) fn truncate_log(&mut self) {
        let emptied = self.store.checkpoint();
        self.log_needs_truncating = emptied.is_err();
        if let Err(error) = emptied {
            tracing::warn!(%error, "cannot truncate the database's log; retrying at the next tick");
        }
    }

    fn begin(&mut self, job: JobId) -> Result<Option<Row>, BoothError> {
        let Some(row) = self.job(job)? else {
            return Ok(None);
        };
        // Already running: the return to the queue could not be written, for example on a full disk.
        if row.state == State::Running || self.store.advance(job, JobEvent::Taken)? {
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// Ends a job. Returns the files to delete, or `None` when it was over already.
    pub(crate) fn end(
        &mut self,
        job: JobId,
        made_by: MadeBy,
        end: End<'_>,
    ) -> Result<Option<Vec<String>>, BoothError> {
        if matches!(end, End::ResultStored(_)) && self.sharing.is_paused() {
            // Agreed to before sharing was paused.
            self.store.set_share(job, false)?;
        }
        let now_ms = self.now_ms();
        let freed = self.store.end(job, end, now_ms)?;
        if freed.is_some() {
            let state = match end {
                End::ResultStored(_) => State::Done,
                End::Failed(_) | End::ResultLost(_) => State::Failed,
                End::Cancelled => State::Cancelled,
            };
            self.record_end(job, made_by, state);
        }
        Ok(freed)
    }

    /// Records in memory that the database ended a job.
    pub(crate) fn record_end(&mut self, job: JobId, made_by: MadeBy, state: State) {
        self.metrics.jobs(made_by.name(), state.name()).inc();
        self.traces.ended(job, state, Instant::now());
        self.drop_from_queue(job, made_by);
    }

    /// Removes a job from its queue, or cancels it at its stylist.
    pub(crate) fn drop_from_queue(&mut self, job: JobId, made_by: MadeBy) {
        self.stylist_mut(made_by).remove(job);
        if let Some(running) = self.running.get(&job) {
            running.cancel();
        }
        self.has_orders_to_forget = true;
        self.queue_changed();
    }

    /// Updates metrics and followers after the queue changed.
    pub(crate) fn queue_changed(&mut self) {
        for stylist in self.stylists.iter().filter(|stylist| stylist.is_present) {
            let waiting = self.metrics.waiting(stylist.made_by.name());
            waiting.set(stylist.queue.len() as i64);
        }
        self.followers.mark_all_changed();
    }

    /// Expected time until a job finishes; `None` without an estimate.
    pub(crate) fn expected(&self, job: JobId, made_by: MadeBy, now: Instant) -> Option<Duration> {
        let stylist = self.stylist(made_by);
        if stylist.outage.is_some() {
            return None;
        }
        if let Some(running) = self.running.get(&job) {
            let timing = running.timing(stylist.workload_of(job));
            return stylist.wait.remaining(timing, now);
        }
        let workloads = stylist.workloads_until(job)?;
        stylist.wait.queued(workloads, self.current(stylist), now)
    }

    /// The visitor's view of a job.
    pub(crate) fn view(&self, row: &Row, now: Instant) -> JobView {
        let running = self
            .running
            .get(&row.id)
            .filter(|_| row.state == State::Running);
        let stylist = self.stylist(row.made_by);
        let expected = (!row.state.is_over())
            .then(|| self.expected(row.id, row.made_by, now))
            .flatten();
        JobView {
            id: row.id,
            style: row.style.clone(),
            photo_kind: row.photo_kind,
            made_by: row.made_by,
            state: running.map_or(row.state, RunningJob::visible_state),
            position: self.position(row, running, stylist),
            expected_wait_s: expected.map(whole_seconds),
            step: running.and_then(|running| running.step),
            steps: running.and_then(|running| running.steps),
            error: row.error.clone(),
            note: match row.state {
                State::Queued => stylist.waiting_note(),
                _ => running.and_then(RunningJob::waiting_note),
            },
            waits_for: waits_for(row, running, stylist),
            share: row.share,
            is_on_carriers: row.is_on_carriers,
            gallery: self.gallery_id(row),
            withheld: self.withheld(row),
            has_source: row.source.is_some(),
            has_result: row.result.is_some(),
            preview_serial: running.map_or(0, |running| running.preview_serial),
            expires_at_unix_ms: self.time.unix_ms(row.expires_at_ms),
            created_at_unix_ms: self.time.unix_ms(row.created_at_ms),
        }
    }

    /// Which pictures of the gallery are read for everybody, or for the owner.
    pub(super) fn gallery_filter(&self, is_owner: bool) -> GalleryFilter {
        match is_owner {
            true => GalleryFilter::ALL,
            false => GalleryFilter::shown(self.sharing.approves_first()),
        }
    }

    fn withheld(&self, row: &Row) -> Option<Withheld> {
        if !row.share || row.state != State::Done {
            return None;
        }
        if row.is_hidden {
            return Some(Withheld::Refused);
        }
        let waits = self.sharing.approves_first() && !row.is_approved;
        waits.then_some(Withheld::Waits)
    }

    fn gallery_id(&self, row: &Row) -> Option<GalleryId> {
        let is_shown = row.share && row.state == State::Done && self.withheld(row).is_none();
        // Without it only a link is missing.
        is_shown
            .then(|| self.store.gallery_id(row.id).ok().flatten())
            .flatten()
    }

    fn position(
        &self,
        row: &Row,
        running: Option<&RunningJob>,
        stylist: &StylistState,
    ) -> Option<u32> {
        if let Some(running) = running {
            return Some(running.ahead).filter(|ahead| *ahead > 0);
        }
        let sooner = u32::try_from(stylist.queue.position(row.id)? - 1).unwrap_or(u32::MAX);
        // The running job, and the orders ahead of it on its server.
        let current = self.current(stylist).map_or(0, |current| 1 + current.ahead);
        Some(sooner.saturating_add(current))
    }

    pub(super) fn current<'a>(&self, stylist: &'a StylistState) -> Option<JobTiming<'a>> {
        let job = stylist.current?;
        Some(self.running.get(&job)?.timing(stylist.workload_of(job)))
    }
}

fn waits_for(row: &Row, running: Option<&RunningJob>, stylist: &StylistState) -> Option<WaitsFor> {
    if running.is_some_and(|running| running.ahead > 0) {
        return Some(WaitsFor::Others);
    }
    let waits = row.state == State::Queued && stylist.made_by == MadeBy::Comfyui;
    let outage = stylist.outage.as_ref().filter(|_| waits)?;
    (outage.reason != DISK_FAILED).then_some(WaitsFor::Server)
}

/// Rounded up, so that a visitor is never told 0 s.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
