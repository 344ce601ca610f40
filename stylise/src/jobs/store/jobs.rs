//! Jobs in the database. Each change is one transaction that the state machine (`job.rs`) allows.

use rusqlite::{Connection, OptionalExtension, Params, params};
use uuid::Uuid;

use crate::api::{BoothError, RequestKey};
use crate::job::{self, GalleryId, JobEvent, JobId, State};
use crate::jobs::store::database::Store;
use crate::jobs::store::row::{
    COLUMNS, Row, SHARED_HERE, SHARED_ON_CARRIERS, parsed, sql_ms, state_name,
};
use crate::jobs::store::tables::mark_order_to_forget;
use crate::people::FocusPoint;
use crate::photo_kind::PhotoKind;
use crate::stylist::{MadeBy, RemoteOrder};

#[derive(Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: JobId,
    pub(crate) visitor: &'a str,
    pub(crate) address: &'a str,
    pub(crate) key: Option<&'a RequestKey>,
    pub(crate) style: &'a str,
    pub(crate) photo_kind: PhotoKind,
    pub(crate) made_by: MadeBy,
    pub(crate) share: bool,
    pub(crate) source: &'a str,
    pub(crate) created_at_ms: u64,
    pub(crate) expires_at_ms: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum End<'a> {
    /// Done: the result is in this file.
    ResultStored(&'a str),
    Failed(&'a str),
    /// Cancelled; the source picture is erased too.
    Cancelled,
    /// The result's file is missing.
    ResultLost(&'a str),
}

impl End<'_> {
    fn event(self) -> JobEvent {
        match self {
            Self::ResultStored(_) => JobEvent::ResultStored,
            Self::Failed(_) => JobEvent::Failed,
            Self::Cancelled => JobEvent::Cancelled,
            Self::ResultLost(_) => JobEvent::ResultLost,
        }
    }
}

impl Store {
    /// Stores a new, queued job.
    pub(crate) fn insert(&mut self, job: &NewJob<'_>) -> Result<Row, BoothError> {
        self.insert_as(job, State::Queued, None)
    }

    /// Stores a job that is done already, with its result.
    pub(crate) fn insert_done(
        &mut self,
        job: &NewJob<'_>,
        result: &str,
    ) -> Result<Row, BoothError> {
        self.insert_as(job, State::Done, Some(result))
    }

    fn insert_as(
        &mut self,
        job: &NewJob<'_>,
        state: State,
        result: Option<&str>,
    ) -> Result<Row, BoothError> {
        self.change(|db| {
            db.execute(
                "INSERT INTO jobs (id, visitor, key, style, made_by, share, source,
                    created_at_ms, expires_at_ms, address, form, photo_kind, state, result, ended_at_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                params![
                    job.id.to_string(),
                    job.visitor,
                    job.key.map(|key| stored_key(job.visitor, key.id)),
                    job.style,
                    job.made_by.name(),
                    job.share,
                    job.source,
                    sql_ms(job.created_at_ms),
                    sql_ms(job.expires_at_ms),
                    job.address,
                    job.key.map(|key| &key.form),
                    job.photo_kind.name(),
                    state_name(state),
                    result,
                    result.map(|_| sql_ms(job.created_at_ms)),
                ],
            )
            .map(drop)
        })?;
        let row = self.job(job.id)?;
        row.ok_or_else(|| self.explain(rusqlite::Error::QueryReturnedNoRows))
    }

    pub(crate) fn job(&self, id: JobId) -> Result<Option<Row>, BoothError> {
        self.one("id = ?1", [id.to_string()])
    }

    pub(crate) fn job_of_key(&self, visitor: &str, key: Uuid) -> Result<Option<Row>, BoothError> {
        self.one("key = ?1", [stored_key(visitor, key)])
    }

    /// All jobs, in order of arrival.
    pub(crate) fn jobs(&self) -> Result<Vec<Row>, BoothError> {
        self.many("1", [])
    }

    /// The jobs whose retention period is over.
    pub(crate) fn expiring(&self, now_ms: u64) -> Result<Vec<Row>, BoothError> {
        self.many("expires_at_ms <= ?1", [sql_ms(now_ms)])
    }

    /// A visitor's unfinished jobs, in order of arrival.
    pub(crate) fn unfinished_of(&self, visitor: &str) -> Result<Vec<JobId>, BoothError> {
        let rows = self.many("visitor = ?1 AND state IN ('queued', 'running')", [visitor])?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Changes to another unfinished state. Returns false if the event is not allowed any more.
    pub(crate) fn advance(&mut self, id: JobId, event: JobEvent) -> Result<bool, BoothError> {
        self.change(|db| {
            let Some((seq, state)) = next_state(db, id, event)? else {
                return Ok(false);
            };
            let sql = "UPDATE jobs SET state = ?2 WHERE seq = ?1";
            db.execute(sql, params![seq, state_name(state)])?;
            Ok(true)
        })
    }

    /// Stores the remote order of a running job; a replaced one is marked to be forgotten. Returns false if
    /// the job does not run any more.
    pub(crate) fn save_remote_order(
        &mut self,
        id: JobId,
        remote: &RemoteOrder,
    ) -> Result<bool, BoothError> {
        self.change(|db| {
            let Some((seq, State::Running)) = seq_and_state(db, id)? else {
                return Ok(false);
            };
            mark_order_to_forget(db, seq, Some(remote.id))?;
            let sql = "UPDATE jobs SET ticket = ?2, sends = ?3, memo = ?4 WHERE seq = ?1";
            let id = remote.id.to_string();
            db.execute(sql, params![seq, id, remote.sends, remote.details])?;
            Ok(true)
        })
    }

    /// Ends a job: marks its remote order to be forgotten, and adds a shared result to the gallery. Returns
    /// the files that are not referenced any more, or `None` if the job cannot end like this any more.
    pub(crate) fn end(
        &mut self,
        id: JobId,
        end: End<'_>,
        now_ms: u64,
    ) -> Result<Option<Vec<String>>, BoothError> {
        self.change(|db| {
            let Some((seq, state)) = next_state(db, id, end.event())? else {
                return Ok(None);
            };
            mark_order_to_forget(db, seq, None)?;
            let sql =
                "UPDATE jobs SET state = ?2, ended_at_ms = ?3, ticket = NULL, memo = NULL WHERE seq = ?1";
            db.execute(sql, params![seq, state_name(state), sql_ms(now_ms)])?;
            let freed = match end {
                End::ResultStored(file) => {
                    let sql = "UPDATE jobs SET result = ?2 WHERE seq = ?1";
                    db.execute(sql, params![seq, file])?;
                    add_to_gallery(db, seq)?;
                    Vec::new()
                }
                End::Failed(why) | End::ResultLost(why) => {
                    let sql = "UPDATE jobs SET error = ?2, result = NULL WHERE seq = ?1";
                    db.execute(sql, params![seq, why])?;
                    db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
                    Vec::new()
                }
                End::Cancelled => {
                    let freed = pictures_of(db, seq)?;
                    db.execute("UPDATE jobs SET source = NULL WHERE seq = ?1", [seq])?;
                    freed
                }
            };
            Ok(Some(freed))
        })
    }

    /// Stores what crops of the result keep.
    pub(crate) fn set_focus(&mut self, id: JobId, focus: FocusPoint) -> Result<(), BoothError> {
        self.change(|db| {
            let sql =
                "UPDATE jobs SET focus_x = ?2, focus_y = ?3 WHERE id = ?1 AND state = 'running'";
            let (x, y) = (f64::from(focus.x), f64::from(focus.y));
            db.execute(sql, params![id.to_string(), x, y]).map(drop)
        })
    }

    /// Sets whether the result may be shown, and updates the gallery. Returns false for an unknown or
    /// expired job.
    pub(crate) fn set_share(&mut self, id: JobId, share: bool) -> Result<bool, BoothError> {
        self.change(|db| {
            let unexpired = seq_and_state(db, id)?.filter(|(_, state)| *state != State::Expired);
            let Some((seq, _)) = unexpired else {
                return Ok(false);
            };
            let sql = "UPDATE jobs SET share = ?2 WHERE seq = ?1";
            db.execute(sql, params![seq, share])?;
            if share {
                add_to_gallery(db, seq)?;
            } else {
                db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
            }
            Ok(true)
        })
    }

    /// Sets whether a shared result may be shown on other carriers, too. Returns false for a job that is not shared.
    pub(crate) fn set_on_carriers(&mut self, id: JobId, yes: bool) -> Result<bool, BoothError> {
        self.change(|db| {
            let sql = "UPDATE jobs SET share = ?2 WHERE id = ?1 AND share";
            let share = if yes { SHARED_ON_CARRIERS } else { SHARED_HERE };
            Ok(db.execute(sql, params![id.to_string(), share])? > 0)
        })
    }

    /// Erases a job and marks its remote order to be forgotten. Returns the files that are not referenced
    /// any more.
    pub(crate) fn erase(&mut self, id: JobId) -> Result<Vec<String>, BoothError> {
        self.change(|db| {
            let Some((seq, _)) = seq_and_state(db, id)? else {
                return Ok(Vec::new());
            };
            mark_order_to_forget(db, seq, None)?;
            let freed = pictures_of(db, seq)?;
            db.execute("DELETE FROM jobs WHERE seq = ?1", [seq])?;
            Ok(freed)
        })
    }

    /// Reduces a job to id, style and state. Returns the files that are not referenced any more, or `None`
    /// if it was expired already.
    pub(crate) fn expire(&mut self, id: JobId) -> Result<Option<Vec<String>>, BoothError> {
        self.change(|db| {
            let Some((seq, _)) = next_state(db, id, JobEvent::Expired)? else {
                return Ok(None);
            };
            mark_order_to_forget(db, seq, None)?;
            let freed = pictures_of(db, seq)?;
            db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
            db.execute(
                "UPDATE jobs SET state = 'expired', visitor = NULL, address = NULL, key = NULL, form = NULL, share = 0,
                    source = NULL, result = NULL, error = NULL, ticket = NULL, sends = 0, memo = NULL,
                    focus_x = NULL, focus_y = NULL
                 WHERE seq = ?1",
                [seq],
            )?;
            Ok(Some(freed))
        })
    }

    fn one(&self, filter: &str, params: impl Params) -> Result<Option<Row>, BoothError> {
        self.row(
            &format!("SELECT {COLUMNS} FROM jobs WHERE {filter}"),
            params,
            Row::read,
        )
    }

    fn many(&self, filter: &str, params: impl Params) -> Result<Vec<Row>, BoothError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE {filter} ORDER BY seq");
        self.rows(&sql, params, Row::read)
    }
}

/// Keys are per visitor: the same key of another visitor is a different key.
fn stored_key(visitor: &str, key: Uuid) -> String {
    format!("{visitor} {key}")
}

fn seq_and_state(db: &Connection, id: JobId) -> rusqlite::Result<Option<(i64, State)>> {
    db.prepare_cached("SELECT seq, state FROM jobs WHERE id = ?1")?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, parsed(row, 1)?)))
        .optional()
}

/// The state after `event`; `None` if it is not allowed.
fn next_state(
    db: &Connection,
    id: JobId,
    event: JobEvent,
) -> rusqlite::Result<Option<(i64, State)>> {
    let Some((seq, state)) = seq_and_state(db, id)? else {
        return Ok(None);
    };
    match job::next(state, event) {
        Ok(next) => Ok(Some((seq, next))),
        Err(error) => {
            tracing::debug!(job = ?id, %error, "event is not allowed any more");
            Ok(None)
        }
    }
}

fn pictures_of(db: &Connection, seq: i64) -> rusqlite::Result<Vec<String>> {
    db.query_row(
        "SELECT source, result FROM jobs WHERE seq = ?1",
        [seq],
        |row| {
            let both: [Option<String>; 2] = [row.get(0)?, row.get(1)?];
            Ok(both.into_iter().flatten().collect())
        },
    )
}

/// Adds the result to the gallery if it is shared and exists.
fn add_to_gallery(db: &Connection, seq: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO gallery (id, job)
         SELECT ?2, seq FROM jobs WHERE seq = ?1 AND share AND state = 'done' AND result IS NOT NULL
         ON CONFLICT (job) DO NOTHING",
        params![seq, GalleryId::random().to_string()],
    )
    .map(drop)
}
