//! Erases jobs, also when the disk has no room or the database cannot be written: a visitor's wish to have a
//! picture gone does not wait for that.

use std::time::Instant;

use crate::error::BoothError;
use crate::inner::Inner;
use crate::job::{JobId, State};
use crate::shared::Shared;
use crate::store::{End, Row};
use crate::view::Removed;

/// Cancels an unfinished job, erases one that is over. The pictures are gone when this returns.
pub(crate) fn remove(shared: &Shared, inner: &mut Inner, row: &Row) -> Result<Removed, BoothError> {
    match with_room(shared, inner, row, |inner| written(inner, row)) {
        Ok((removed, freed)) => {
            shared.pictures.erase(&freed);
            Ok(removed)
        }
        Err(error) if is_bare(shared, row) => {
            tracing::error!(%error, job = ?row.id, "pictures are erased, and the database will be when it can be written");
            forget(inner, row);
            Ok(Removed::Erased)
        }
        Err(error) => Err(error),
    }
}

fn written(inner: &mut Inner, row: &Row) -> Result<(Removed, Vec<String>), BoothError> {
    if let Some(freed) = inner.end(row.id, row.made_by, End::Declined)? {
        let now = inner.store.job(row.id)?;
        let view = inner.view(now.as_ref().unwrap_or(row), Instant::now());
        return Ok((Removed::Cancelled(view), freed));
    }
    let freed = inner.store.erase(row.id)?;
    inner.empty_log();
    inner.leave(row.id, row.made_by);
    inner.followers.gone(row.id);
    Ok((Removed::Erased, freed))
}

/// The time of a job is over: its name alone is left, for a while. The files that are to be erased.
pub(crate) fn expire(
    shared: &Shared,
    inner: &mut Inner,
    row: &Row,
) -> Result<Vec<String>, BoothError> {
    with_room(shared, inner, row, |inner| {
        let freed = inner.store.expire(row.id)?;
        if freed.is_some() {
            inner.ended(row.id, row.made_by, State::Expired);
        }
        Ok(freed.unwrap_or_default())
    })
}

/// Tries once more those that could only be erased halfway.
pub(crate) fn finish(shared: &Shared, inner: &mut Inner) {
    let halfway: Vec<JobId> = inner.erased.iter().copied().collect();
    for job in halfway {
        match inner.store.erase(job) {
            Ok(freed) => {
                shared.pictures.erase(&freed);
                inner.erased.remove(&job);
                inner.log_is_full = true;
            }
            Err(error) => {
                tracing::error!(%error, ?job, "what was erased cannot be taken out of the database yet");
            }
        }
    }
    if inner.log_is_full {
        inner.empty_log();
    }
}

/// A change of the database that takes something away. When it fails, the pictures of the job go first, and
/// then the reserve, so that there is room.
fn with_room<T>(
    shared: &Shared,
    inner: &mut Inner,
    row: &Row,
    change: impl Fn(&mut Inner) -> Result<T, BoothError>,
) -> Result<T, BoothError> {
    let error = match change(inner) {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    tracing::warn!(%error, job = ?row.id, "a picture cannot be taken out of the database: its file goes first");
    shared.pictures.erase(&files(row));
    change(inner).or_else(|error| {
        if shared.reserve.release() {
            change(inner)
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

/// In memory it is as if the job was erased.
fn forget(inner: &mut Inner, row: &Row) {
    inner.erased.insert(row.id);
    inner.leave(row.id, row.made_by);
    inner.followers.gone(row.id);
}
