//! The thread of one stylist: takes job after job, and sees each to its end.

use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::away::Away;
use crate::desk::JobDesk;
use crate::error::BoothError;
use crate::inner::Inner;
use crate::intake::{Intake, Limits};
use crate::life::Event;
use crate::metrics::Discarded;
use crate::shared::{BROKE_DOWN, Shared, guarded};
use crate::store::{End, Row};
use crate::stylist::{Order, Stylist, Trouble};

/// What visitors are told; the error, with its path, stands in the log.
pub(crate) const DISK_IS_BROKEN: &str = "the laptop's disk is full or does not work";

/// What is to be done next.
enum Step {
    Stop,
    /// See whether the stylist is back.
    Look,
    Serve(Box<Row>),
}

/// What one job may take on the slowest laptop, or until its server's order looks up again.
const JOB_MAX: Duration = Duration::from_secs(15 * 60);

/// Ends when the booth closes.
pub(crate) fn run(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) {
    recover(shared, stylist, heartbeat.panics_in_a_row());
    loop {
        heartbeat.beat(TURN_MAX);
        let step = next(shared, stylist, heartbeat);
        heartbeat.beat(JOB_MAX);
        match step {
            Step::Stop => return,
            Step::Look => look(shared, stylist, heartbeat),
            Step::Serve(row) => serve(shared, stylist, &row, heartbeat),
        }
    }
}

/// The job that this thread had when it panicked waits again; the second time it fails.
fn recover(shared: &Shared, stylist: &dyn Stylist, panics_in_a_row: u32) {
    let mut inner = shared.lock();
    let bench = inner.bench(stylist.made_by());
    let Some(job) = bench.and_then(|bench| bench.current.take()) else {
        return;
    };
    inner.live.remove(&job);
    let freed = match inner.job(job) {
        Ok(Some(row)) if panics_in_a_row > 1 => {
            let failed = Err(Trouble::Failed(BROKE_DOWN.to_owned()));
            settle(shared, &mut inner, stylist, &row, failed)
        }
        Ok(Some(row)) => {
            put_back(&mut inner, &row, None);
            Vec::new()
        }
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, ?job, "cannot be read; it is resumed by the next start");
            Vec::new()
        }
    };
    inner.moved();
    drop(inner);
    shared.pictures.erase(&freed);
}

fn next(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) -> Step {
    let mut inner = shared.lock();
    loop {
        if shared.is_stopping() {
            return Step::Stop;
        }
        let now = Instant::now();
        let Some(bench) = inner.bench(stylist.made_by()) else {
            return Step::Stop;
        };
        let pause = match &bench.away {
            // Nobody waits for it: it is looked at when somebody comes.
            _ if bench.queue.is_empty() => None,
            Some(away) if away.look_at() > now => Some(away.look_at() - now),
            Some(_) => return Step::Look,
            None => match take(&mut inner, stylist, now) {
                Some(row) => return Step::Serve(Box::new(row)),
                None => continue,
            },
        };
        heartbeat.rest();
        inner = shared.wait(inner, pause);
    }
}

/// The next job. A store that cannot be written is as bad as a stylist that is away.
fn take(inner: &mut Inner, stylist: &dyn Stylist, now: Instant) -> Option<Row> {
    match inner.take(stylist.made_by(), now) {
        Ok(row) => row,
        Err(error) => {
            tracing::error!(%error, "the next job cannot be taken");
            if let Some(bench) = inner.bench(stylist.made_by()) {
                bench.is_away(DISK_IS_BROKEN.to_owned(), now);
            }
            None
        }
    }
}

fn look(shared: &Shared, stylist: &dyn Stylist, heartbeat: &Heartbeat) {
    let ready = guarded(|| stylist.ready());
    let now = Instant::now();
    let mut inner = shared.lock();
    let row = match ready {
        Ok(()) => take(&mut inner, stylist, now),
        Err(trouble) => {
            if let Some(bench) = inner.bench(stylist.made_by()) {
                bench.is_away(trouble.to_string(), now);
            }
            inner.moved();
            None
        }
    };
    if row.is_none() {
        give_up_overdue(shared, &mut inner, stylist, now);
    }
    drop(inner);
    if let Some(row) = row {
        serve(shared, stylist, &row, heartbeat);
    }
}

/// Fails the jobs that waited too long for a stylist that is away.
fn give_up_overdue(shared: &Shared, inner: &mut Inner, stylist: &dyn Stylist, now: Instant) {
    let made_by = stylist.made_by();
    let patience = shared.settings.away_max;
    let Some(bench) = inner.bench(made_by) else {
        return;
    };
    let overdue = bench.overdue(patience, now);
    let words = match bench.away.as_ref().map(Away::reason) {
        Some(reason) if reason == DISK_IS_BROKEN => {
            format!("For {} {reason}. Come back later.", in_words(patience))
        }
        _ => format!(
            "Try another style, or come back later: {} was away for {}.",
            made_by.title(),
            in_words(patience)
        ),
    };
    for job in overdue {
        if let Err(error) = inner.end(job, made_by, End::Broke(&words)) {
            tracing::error!(%error, ?job, "cannot be given up");
        }
    }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

fn serve(shared: &Shared, stylist: &dyn Stylist, row: &Row, heartbeat: &Heartbeat) {
    let outcome = make(shared, stylist, row, heartbeat);
    let mut inner = shared.lock();
    let freed = settle(shared, &mut inner, stylist, row, outcome);
    inner.live.remove(&row.id);
    if let Some(bench) = inner.bench(row.made_by) {
        bench.current = None;
    }
    inner.moved();
    drop(inner);
    shared.changed.notify_all();
    shared.pictures.erase(&freed);
}

/// What becomes of a job after its turn; the files that are to be erased.
fn settle(
    shared: &Shared,
    inner: &mut Inner,
    stylist: &dyn Stylist,
    row: &Row,
    outcome: Result<String, Trouble>,
) -> Vec<String> {
    let end = match &outcome {
        Ok(file) => End::Kept(file),
        Err(Trouble::Failed(words)) => End::Broke(words),
        Err(Trouble::Cancelled) => End::Declined,
        Err(Trouble::Away(reason)) => {
            put_back(inner, row, Some(reason.clone()));
            return Vec::new();
        }
        Err(Trouble::Stopping) => {
            let reason = (!shared.is_stopping()).then(|| "it ended its work".to_owned());
            put_back(inner, row, reason);
            return Vec::new();
        }
    };
    let ended = inner.end(row.id, row.made_by, end);
    let unused = Vec::from_iter(outcome.as_ref().ok().cloned());
    match ended {
        Ok(Some(freed)) => {
            if outcome.is_ok() {
                note_pace(shared, inner, stylist, row);
            }
            over(inner, row);
            freed
        }
        Ok(None) => {
            if outcome.is_ok() {
                // overflow: counted
                shared.metrics.discarded(Discarded::LateResult);
            }
            over(inner, row);
            unused
        }
        // It is done again from where it stands: a server still has the result.
        Err(error) => {
            tracing::error!(%error, job = ?row.id, "the end of a job cannot be kept");
            put_back(inner, row, Some(DISK_IS_BROKEN.to_owned()));
            unused
        }
    }
}

fn over(inner: &mut Inner, row: &Row) {
    if let Some(bench) = inner.bench(row.made_by) {
        bench.away = None;
        bench.over(row.id);
    }
}

/// To the front of the queue, unless nobody wants it any more.
fn put_back(inner: &mut Inner, row: &Row, reason: Option<String>) {
    // Erased in memory, while the database cannot be written.
    let is_erased = inner.erased.contains(&row.id);
    let waits = inner.store.advance(row.id, Event::PutBack);
    let Some(bench) = inner.bench(row.made_by) else {
        return;
    };
    match waits {
        _ if is_erased => bench.over(row.id),
        Ok(false) => bench.over(row.id),
        Ok(true) => bench.put_back(&row.owner(), row.id),
        Err(error) => {
            tracing::error!(%error, job = ?row.id, "that a job waits again cannot be kept");
            bench.put_back(&row.owner(), row.id);
        }
    }
    if let Some(reason) = reason {
        tracing::info!(made_by = row.made_by.name(), reason, "away; its jobs wait");
        bench.is_away(reason, Instant::now());
    }
}

fn note_pace(shared: &Shared, inner: &mut Inner, stylist: &dyn Stylist, row: &Row) {
    let recipe = stylist.recipe(&row.style);
    let now = Instant::now();
    let Some(live) = inner.live.get(&row.id) else {
        return;
    };
    let took = now.saturating_duration_since(live.taken_at());
    shared.metrics.took(row.made_by, took);
    let standing = live.standing(&recipe);
    let bench = inner.benches.iter_mut();
    let Some(bench) = bench.into_iter().find(|bench| bench.made_by == row.made_by) else {
        return;
    };
    // What was sent before a restart was at work for nobody knows how long.
    if row.ticket.is_none() {
        bench.wait.note(standing, now);
    }
    bench.learn_recipe(&row.style, recipe);
}

/// The stylist's work, its result checked and on disk.
fn make(
    shared: &Shared,
    stylist: &dyn Stylist,
    row: &Row,
    heartbeat: &Heartbeat,
) -> Result<String, Trouble> {
    let source = match &row.source {
        Some(file) => shared.pictures.read(file).map_err(is_broken)?,
        None => None,
    };
    let Some(source) = source else {
        return Err(Trouble::Failed(
            "The picture is not on the disk any more: please take it again.".to_owned(),
        ));
    };
    let Some(cancelled) = shared.lock().live.get(&row.id).map(|live| live.cancelled()) else {
        return Err(Trouble::Cancelled);
    };
    let desk = JobDesk {
        shared,
        job: row.id,
        made_by: row.made_by,
        cancelled,
        heartbeat,
    };
    let order = Order {
        job: row.id,
        style: row.style.clone(),
        source,
        ticket: row.ticket.clone(),
    };
    let picture = guarded(|| {
        let made = stylist.stylise(&order, &desk)?;
        Intake::read(&made, &Limits::RESULT).map_err(|error| {
            Trouble::Failed(format!(
                "Try another style: {} made something that is not a picture ({error}).",
                row.made_by.title()
            ))
        })
    })?;
    shared.pictures.keep(picture.jpeg()).map_err(is_broken)
}

/// A disk that does not work now: the job waits, and is tried again.
fn is_broken(error: BoothError) -> Trouble {
    tracing::error!(%error, "a picture cannot be kept or read");
    Trouble::Away(DISK_IS_BROKEN.to_owned())
}
