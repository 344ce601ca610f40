//! What is under the booth's lock: the store, and what is known in memory of the jobs in it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::error::BoothError;
use crate::follow::Followers;
use crate::job::{JobId, State};
use crate::life::Event;
use crate::live::Live;
use crate::metrics::BoothMetrics;
use crate::queue::Owner;
use crate::share::{Growth, may_take};
use crate::station_time::{Reading, StationTime};
use crate::store::{End, Row, Store};
use crate::style::MadeBy;
use crate::view::{JobView, WaitsFor};
use crate::wait::{Standing, UNKNOWN};
use crate::worker::DISK_IS_BROKEN;

/// One address may hold nine tenths of the queue while no other address waits.
const ADDRESS_GROWTH: Growth = Growth(8);

/// Why nothing more may wait, and until there may be room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The whole queue is full.
    Full(Duration),
    /// The address has its share.
    AddressFull(Duration),
}

pub(crate) type ReadClocks = Box<dyn Fn() -> Reading + Send>;

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) benches: Vec<Bench>,
    pub(crate) live: HashMap<JobId, Live>,
    pub(crate) followers: Followers,
    pub(crate) metrics: BoothMetrics,
    /// There may be tickets to forget that nobody tried yet.
    pub(crate) has_new_tickets: bool,
    /// By which jobs age.
    pub(crate) time: StationTime,
    pub(crate) read_clocks: ReadClocks,
    /// Erased but for the database, which could not be written then.
    pub(crate) erased: HashSet<JobId>,
    /// The database's log may still hold what was erased.
    pub(crate) log_is_full: bool,
}

impl Inner {
    pub(crate) fn bench(&mut self, made_by: MadeBy) -> Option<&mut Bench> {
        self.benches
            .iter_mut()
            .find(|bench| bench.made_by == made_by)
    }

    fn bench_of(&self, made_by: MadeBy) -> Option<&Bench> {
        self.benches.iter().find(|bench| bench.made_by == made_by)
    }

    /// The next job of that kind, which runs from now on.
    pub(crate) fn take(
        &mut self,
        made_by: MadeBy,
        now: Instant,
    ) -> Result<Option<Row>, BoothError> {
        while let Some(job) = self.bench(made_by).and_then(|bench| bench.queue.take()) {
            match self.begin(job) {
                Ok(Some(row)) => {
                    let ticket = row.ticket.as_ref().map(|ticket| ticket.id);
                    self.live.insert(job, Live::new(made_by, ticket, now));
                    if let Some(bench) = self.bench(made_by) {
                        bench.current = Some(job);
                    }
                    self.moved();
                    return Ok(Some(row));
                }
                Ok(None) => {
                    if let Some(bench) = self.bench(made_by) {
                        bench.over(job);
                    }
                }
                Err(error) => {
                    if let Some(bench) = self.bench(made_by) {
                        // Nothing is known of its owner now; it only costs the others one place.
                        bench.put_back(&Owner::default(), job);
                    }
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// A job as it is kept; none when it was erased.
    pub(crate) fn job(&self, job: JobId) -> Result<Option<Row>, BoothError> {
        if self.erased.contains(&job) {
            return Ok(None);
        }
        self.store.job(job)
    }

    /// The station's time. When the wall clock was set, that is kept and shown.
    pub(crate) fn now_ms(&mut self) -> u64 {
        if let Some(set_by_ms) = self.time.advance((self.read_clocks)()) {
            tracing::info!(
                set_by_s = set_by_ms / 1000,
                "the clock of this machine was set; pictures are kept as long as before"
            );
            self.keep_time();
            self.followers.tell_all();
        }
        self.time.now_ms()
    }

    /// Where the station's time stands, for the next start.
    pub(crate) fn keep_time(&mut self) {
        if let Err(error) = self.store.keep_mark(self.time.mark()) {
            tracing::warn!(%error, "the time by which pictures age cannot be kept");
        }
    }

    /// Empties the database's log, now or when it can be.
    pub(crate) fn empty_log(&mut self) {
        let emptied = self.store.checkpoint();
        self.log_is_full = emptied.is_err();
        if let Err(error) = emptied {
            tracing::warn!(%error, "the database's log cannot be emptied now; it is tried again");
        }
    }

    fn begin(&mut self, job: JobId) -> Result<Option<Row>, BoothError> {
        let Some(row) = self.job(job)? else {
            return Ok(None);
        };
        // Running already: that it was put back could not be written, such as on a full disk.
        if row.state == State::Running || self.store.advance(job, Event::Taken)? {
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// Ends a job; none when it is over already, else the files that are to be erased.
    pub(crate) fn end(
        &mut self,
        job: JobId,
        made_by: MadeBy,
        end: End<'_>,
    ) -> Result<Option<Vec<String>>, BoothError> {
        let now_ms = self.now_ms();
        let freed = self.store.end(job, end, now_ms)?;
        if freed.is_some() {
            let state = match end {
                End::Kept(_) => State::Done,
                End::Broke(_) | End::ResultLost(_) => State::Failed,
                End::Declined => State::Cancelled,
            };
            self.ended(job, made_by, state);
        }
        Ok(freed)
    }

    /// The store says that a job is over, or gone: the rest is told.
    pub(crate) fn ended(&mut self, job: JobId, made_by: MadeBy, state: State) {
        self.metrics.count(made_by, state);
        self.leave(job, made_by);
    }

    /// A job waits no more, and its stylist is told.
    pub(crate) fn leave(&mut self, job: JobId, made_by: MadeBy) {
        if let Some(bench) = self.bench(made_by) {
            bench.remove(job);
        }
        if let Some(live) = self.live.get(&job) {
            live.cancel();
        }
        self.has_new_tickets = true;
        self.moved();
    }

    /// Places in a queue have moved.
    pub(crate) fn moved(&mut self) {
        for bench in &self.benches {
            self.metrics.waiting(bench.made_by, bench.queue.len());
        }
        self.followers.tell_all();
    }

    /// Whether one more of an address may wait, among at most `max`; else until there may be room.
    pub(crate) fn room(
        &self,
        made_by: MadeBy,
        address: &str,
        max: usize,
        now: Instant,
    ) -> Result<(), NoRoom> {
        let Some(bench) = self.bench_of(made_by) else {
            return Ok(());
        };
        let (held, taken) = (bench.queue.len_of(address), bench.queue.len());
        let wait = || match bench.away {
            Some(_) => UNKNOWN,
            None => bench.wait.room(self.current(bench), now),
        };
        if taken >= max {
            Err(NoRoom::Full(wait()))
        } else if !may_take(held, taken, max, ADDRESS_GROWTH) {
            Err(NoRoom::AddressFull(wait()))
        } else {
            Ok(())
        }
    }

    /// Until a job is expected to be finished; none when nobody can tell.
    pub(crate) fn expected(&self, job: JobId, made_by: MadeBy, now: Instant) -> Option<Duration> {
        let bench = self.bench_of(made_by)?;
        if bench.away.is_some() {
            return None;
        }
        if let Some(live) = self.live.get(&job) {
            let standing = live.standing(bench.recipe_of(job));
            return bench.wait.remaining(standing, now);
        }
        let recipes = bench.recipes_until(job)?;
        bench.wait.queued(recipes, self.current(bench), now)
    }

    /// How a job looks now.
    pub(crate) fn view(&self, row: &Row, now: Instant) -> JobView {
        let live = self
            .live
            .get(&row.id)
            .filter(|_| row.state == State::Running);
        let bench = self.bench_of(row.made_by);
        let expected = (!row.state.is_over())
            .then(|| self.expected(row.id, row.made_by, now))
            .flatten();
        JobView {
            id: row.id,
            style: row.style.clone(),
            made_by: row.made_by,
            state: live.map_or(row.state, Live::shown),
            position: self.position(row, live, bench),
            expected_wait_s: expected.map(whole_seconds),
            step: live.and_then(|live| live.step),
            steps: live.and_then(|live| live.steps),
            error: row.error.clone(),
            note: bench
                .filter(|_| row.state == State::Queued)
                .and_then(Bench::note)
                .or_else(|| live.and_then(Live::note)),
            waits_for: waits_for(row, live, bench),
            share: row.share,
            has_source: row.source.is_some(),
            has_result: row.result.is_some(),
            preview_serial: live.map_or(0, Live::preview_serial),
            expires_at_unix_ms: self.time.unix_ms(row.expires_at_ms),
            created_at_unix_ms: self.time.unix_ms(row.created_at_ms),
        }
    }

    fn position(&self, row: &Row, live: Option<&Live>, bench: Option<&Bench>) -> Option<u32> {
        if let Some(live) = live {
            let ahead = live.ahead();
            return (ahead > 0).then_some(ahead);
        }
        let bench = bench.filter(|_| row.state == State::Queued)?;
        let sooner = u32::try_from(bench.queue.position(row.id)? - 1).unwrap_or(u32::MAX);
        // The job at work, and what its server does before it.
        let current = self.current(bench).map_or(0, |current| 1 + current.ahead);
        Some(sooner.saturating_add(current))
    }

    fn current<'a>(&self, bench: &'a Bench) -> Option<Standing<'a>> {
        let job = bench.current?;
        Some(self.live.get(&job)?.standing(bench.recipe_of(job)))
    }
}

fn waits_for(row: &Row, live: Option<&Live>, bench: Option<&Bench>) -> Option<WaitsFor> {
    if live.is_some_and(|live| live.ahead() > 0) {
        return Some(WaitsFor::Others);
    }
    let bench = bench.filter(|_| row.state == State::Queued)?;
    let is_disk = bench.away.as_ref()?.reason() == DISK_IS_BROKEN;
    (bench.made_by == MadeBy::Comfyui && !is_disk).then_some(WaitsFor::Server)
}

/// Rounded up: a promise of 0 s is none.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
