//! Erases jobs: on request, and on a thread (the janitor) when they expire. The pictures of a job are erased
//! even when the disk is full or the database cannot be written.

use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::api::{BoothError, Removed};
use crate::booth::shared::{Shared, catch_panic};
use crate::booth::state::BoothState;
use crate::job::{JobId, State};
use crate::jobs::expiry::{Due, due};
use crate::jobs::files::database_file;
use crate::jobs::store::jobs::End;
use crate::jobs::store::row::Row;
use crate::jobs::store::schema::expire_earlier_copy;
use crate::stylist::{RemoteOrder, Stylist};

/// Cancels an unfinished job, or erases a finished one. The picture files are gone when this returns.
pub(crate) fn remove(
    shared: &Shared,
    state: &mut BoothState,
    row: &Row,
) -> Result<Removed, BoothError> {
    match with_room(shared, state, row, |state| written(state, row)) {
        Ok((removed, freed)) => {
            shared.pictures.erase(&freed);
            Ok(removed)
        }
        Err(error) if is_bare(shared, row) => {
            tracing::error!(%error, job = ?row.id, "erased pictures; the database follows when it is writable");
            mark_erased(state, row);
            Ok(Removed::Erased)
        }
        Err(error) => Err(error),
    }
}

fn written(state: &mut BoothState, row: &Row) -> Result<(Removed, Vec<String>), BoothError> {
    if let Some(freed) = state.end(row.id, row.made_by, End::Cancelled)? {
        let now = state.store.job(row.id)?;
        let view = state.view(now.as_ref().unwrap_or(row), Instant::now());
        return Ok((Removed::Cancelled(view), freed));
    }
    let freed = state.store.erase(row.id)?;
    state.truncate_log();
    state.drop_from_queue(row.id, row.made_by);
    state.followers.remove(row.id);
    Ok((Removed::Erased, freed))
}

/// Expires a job: only its id, style and state remain for a while. Returns the files to delete.
pub(crate) fn expire(
    shared: &Shared,
    state: &mut BoothState,
    row: &Row,
) -> Result<Vec<String>, BoothError> {
    with_room(shared, state, row, |state| {
        let freed = state.store.expire(row.id)?;
        if freed.is_some() {
            state.record_end(row.id, row.made_by, State::Expired);
        }
        Ok(freed.unwrap_or_default())
    })
}

/// Retries the database part of jobs whose files are already erased.
pub(crate) fn erase_halfway(shared: &Shared, state: &mut BoothState) {
    let halfway: Vec<JobId> = state.erased_in_memory.iter().copied().collect();
    for job in halfway {
        match state.store.erase(job) {
            Ok(freed) => {
                shared.pictures.erase(&freed);
                state.erased_in_memory.remove(&job);
                state.log_needs_truncating = true;
            }
            Err(error) => {
                tracing::error!(%error, ?job, "cannot remove an erased job from the database yet");
            }
        }
    }
    if state.log_needs_truncating {
        state.truncate_log();
    }
}

/// Runs a database change that removes something. If it fails, the job's files are deleted and the change is
/// retried, then the reserved disk space is released and the change is retried once more.
fn with_room<T>(
    shared: &Shared,
    state: &mut BoothState,
    row: &Row,
    change: impl Fn(&mut BoothState) -> Result<T, BoothError>,
) -> Result<T, BoothError> {
    let error = match change(state) {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    tracing::warn!(%error, job = ?row.id, "cannot remove a job from the database; deleting its files first");
    shared.pictures.erase(&files(row));
    change(state).or_else(|error| {
        if shared.reserve.release() {
            change(state)
        } else {
            Err(error)
        }
    })
}

fn files(row: &Row) -> Vec<String> {
    [&row.source, &row.result]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn is_bare(shared: &Shared, row: &Row) -> bool {
    !files(row).iter().any(|file| shared.pictures.has(file))
}

/// Treats the job as erased in memory; the database follows when it can be written.
fn mark_erased(state: &mut BoothState, row: &Row) {
    state.erased_in_memory.insert(row.id);
    state.drop_from_queue(row.id, row.made_by);
    state.followers.remove(row.id);
}

/// Upper bound of one turn, with a slow disk and a slow server.
const ERASING_MAX: Duration = Duration::from_secs(10 * 60);
/// How often the clock is saved. After a power cut, expiry may be late by this much on a machine whose wall
/// clock is wrong.
const KEEP_TIME_EVERY: Duration = Duration::from_secs(60 * 60);

/// The janitor thread. Returns when the booth closes.
pub(crate) fn run(shared: &Shared, heartbeat: &Heartbeat) {
    let mut kept_at = Instant::now();
    loop {
        heartbeat.beat(ERASING_MAX);
        maintain_folder(shared, &mut kept_at);
        if let Err(error) = erase_expired(shared) {
            tracing::error!(%error, "cannot erase expired jobs; retrying");
        }
        // At most one attempt per tick while a server is unavailable.
        let mut everywhere = true;
        for stylist in &shared.stylists {
            everywhere &= forget_orders(shared, stylist.as_ref());
        }
        heartbeat.beat(shared.settings.tick + TURN_MAX);
        let tick_at = Instant::now() + shared.settings.tick;
        let mut state = shared.lock();
        loop {
            let now = Instant::now();
            if shared.is_stopping() {
                state.now_ms();
                state.save_clock();
                return;
            }
            let has_work = everywhere && std::mem::take(&mut state.has_orders_to_forget);
            if has_work || now >= tick_at {
                break;
            }
            state = shared.wait(state, Some(tick_at - now));
        }
    }
}

/// Periodic upkeep of the booth's folder.
fn maintain_folder(shared: &Shared, kept_at: &mut Instant) {
    let mut state = shared.lock();
    state.now_ms();
    if let Err(error) = state.store.ensure_in_place() {
        tracing::error!(%error, "cannot keep the database in place; retrying");
    }
    erase_halfway(shared, &mut state);
    if kept_at.elapsed() >= KEEP_TIME_EVERY {
        state.save_clock();
        *kept_at = Instant::now();
    }
    drop(state);
    shared.reserve.fill();
    let database = database_file(&shared.settings.folder);
    if let Err(error) = expire_earlier_copy(&database, shared.settings.keep) {
        tracing::error!(%error, "cannot delete the copy from before an upgrade; retrying");
    }
}

/// Expires and removes the jobs and counts that are due.
pub(crate) fn erase_expired(shared: &Shared) -> Result<(), BoothError> {
    let mut freed = Vec::new();
    let mut state = shared.lock();
    let now = state.now_ms();
    let mut expired = 0;
    for row in state.store.expiring(now)? {
        match due(row.state, row.expires_at_ms, now) {
            Due::Nothing => continue,
            Due::Erase => freed.extend(expire(shared, &mut state, &row)?),
            Due::Remove => {
                freed.extend(state.store.erase(row.id)?);
                state.followers.remove(row.id);
            }
        }
        expired += 1;
    }
    let has_expired_counts = state.store.expire_counts(now)?;
    if expired > 0 || has_expired_counts {
        state.truncate_log();
    }
    if expired > 0 {
        tracing::info!(expired, "erased expired jobs");
    }
    drop(state);
    shared.pictures.erase(&freed);
    Ok(())
}

/// Has a stylist's server erase the orders of finished jobs. Returns false when the server is unavailable.
fn forget_orders(shared: &Shared, stylist: &dyn Stylist) -> bool {
    let orders = match orders_left(&shared.lock(), stylist) {
        Ok(orders) => orders,
        Err(error) => {
            tracing::error!(%error, "cannot read the orders to forget");
            return false;
        }
    };
    for remote in orders {
        if shared.is_stopping() {
            return true;
        }
        if let Err(error) = catch_panic(|| stylist.forget(&remote)) {
            tracing::debug!(%error, "cannot forget an order now");
            return false;
        }
        let mut state = shared.lock();
        if let Err(error) = state.store.remove_order_to_forget(remote.id) {
            tracing::error!(%error, "cannot store that an order is forgotten");
            return false;
        }
        // `orders_to_forget` returns them in batches.
        state.has_orders_to_forget = true;
    }
    true
}

/// Orders to forget, except those that a stylist still works on: it withdraws a cancelled order itself.
fn orders_left(state: &BoothState, stylist: &dyn Stylist) -> Result<Vec<RemoteOrder>, BoothError> {
    let mut orders = state.store.orders_to_forget(stylist.made_by())?;
    orders.retain(|remote| {
        state
            .running
            .values()
            .all(|running| running.remote != Some(remote.id))
    });
    Ok(orders)
}
