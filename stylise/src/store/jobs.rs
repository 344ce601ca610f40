//! Jobs: what is asked of them, and each change as one transaction that the state machine allows.

use rusqlite::{Connection, OptionalExtension, Params, Transaction, params};
use uuid::Uuid;

use super::Store;
use super::row::{COLUMNS, Row, sql_ms, state, state_name};
use super::tickets::to_forget;
use crate::error::BoothError;
use crate::job::{JobId, State};
use crate::life::{self, Event};
use crate::style::MadeBy;
use crate::stylist::Ticket;
use crate::view::{GalleryId, RequestKey};

/// A job that begins.
#[derive(Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: JobId,
    pub(crate) visitor: &'a str,
    pub(crate) address: &'a str,
    pub(crate) key: Option<&'a RequestKey>,
    pub(crate) style: &'a str,
    pub(crate) made_by: MadeBy,
    pub(crate) share: bool,
    pub(crate) source: &'a str,
    pub(crate) created_at_ms: u64,
    pub(crate) expires_at_ms: u64,
}

/// How a job ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End<'a> {
    /// With a result, in that file.
    Kept(&'a str),
    /// Without, for that reason.
    Broke(&'a str),
    /// Nobody wants it: its source goes too.
    Declined,
    /// Its result is not on the disk any more.
    ResultLost(&'a str),
}

impl End<'_> {
    fn event(self) -> Event {
        match self {
            Self::Kept(_) => Event::Kept,
            Self::Broke(_) => Event::Broke,
            Self::Declined => Event::Declined,
            Self::ResultLost(_) => Event::ResultLost,
        }
    }
}

impl Store {
    /// Keeps a new job, queued.
    pub(crate) fn insert(&mut self, job: &NewJob<'_>) -> Result<Row, BoothError> {
        self.change(|db| {
            db.execute(
                "INSERT INTO jobs (id, visitor, key, style, made_by, state, share, source,
                    created_at_ms, expires_at_ms, address, form)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    job.id.to_string(),
                    job.visitor,
                    job.key.map(|key| own_key(job.visitor, key.id)),
                    job.style,
                    job.made_by.name(),
                    job.share,
                    job.source,
                    sql_ms(job.created_at_ms),
                    sql_ms(job.expires_at_ms),
                    job.address,
                    job.key.map(|key| &key.form),
                ],
            )
            .map(drop)
        })?;
        Ok(Row {
            id: job.id,
            visitor: Some(job.visitor.to_owned()),
            style: job.style.to_owned(),
            made_by: job.made_by,
            state: State::Queued,
            share: job.share,
            source: Some(job.source.to_owned()),
            result: None,
            error: None,
            ticket: None,
            created_at_ms: job.created_at_ms,
            expires_at_ms: job.expires_at_ms,
            address: Some(job.address.to_owned()),
            form: job.key.map(|key| key.form.clone()),
        })
    }

    pub(crate) fn job(&self, id: JobId) -> Result<Option<Row>, BoothError> {
        self.one("id = ?1", [id.to_string()])
    }

    pub(crate) fn job_of_key(&self, visitor: &str, key: Uuid) -> Result<Option<Row>, BoothError> {
        self.one("key = ?1", [own_key(visitor, key)])
    }

    /// Every job, in the order of arrival.
    pub(crate) fn jobs(&self) -> Result<Vec<Row>, BoothError> {
        self.many("1", [])
    }

    /// Those whose time may be over.
    pub(crate) fn expiring(&self, now_ms: u64) -> Result<Vec<Row>, BoothError> {
        self.many("expires_at_ms <= ?1", [sql_ms(now_ms)])
    }

    /// The unfinished ones of a visitor, in the order of arrival.
    pub(crate) fn unfinished_of(&self, visitor: &str) -> Result<Vec<JobId>, BoothError> {
        let rows = self.many("visitor = ?1 AND state IN ('queued', 'running')", [visitor])?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// To another state that is not the end. False when that cannot happen to it (any more).
    pub(crate) fn advance(&mut self, id: JobId, event: Event) -> Result<bool, BoothError> {
        self.change(|db| {
            let Some((seq, state)) = after(db, id, event)? else {
                return Ok(false);
            };
            let sql = "UPDATE jobs SET state = ?2 WHERE seq = ?1";
            db.execute(sql, params![seq, state_name(state)])?;
            Ok(true)
        })
    }

    /// Keeps the ticket of a running job; one that it replaces is to be forgotten. False when the job does not
    /// run any more.
    pub(crate) fn keep_ticket(&mut self, id: JobId, ticket: &Ticket) -> Result<bool, BoothError> {
        self.change(|db| {
            let Some((seq, State::Running)) = stands(db, id)? else {
                return Ok(false);
            };
            to_forget(db, seq, Some(ticket.id))?;
            let sql = "UPDATE jobs SET ticket = ?2, sends = ?3, memo = ?4 WHERE seq = ?1";
            let id = ticket.id.to_string();
            db.execute(sql, params![seq, id, ticket.sends, ticket.memo])?;
            Ok(true)
        })
    }

    /// Ends a job: its ticket is to be forgotten, and a result that may be shown is in the gallery. None when
    /// that cannot happen to it (any more); else the files that nothing refers to now.
    pub(crate) fn end(
        &mut self,
        id: JobId,
        end: End<'_>,
        now_ms: u64,
    ) -> Result<Option<Vec<String>>, BoothError> {
        self.change(|db| {
            let Some((seq, state)) = after(db, id, end.event())? else {
                return Ok(None);
            };
            to_forget(db, seq, None)?;
            let sql =
                "UPDATE jobs SET state = ?2, ended_at_ms = ?3, ticket = NULL, memo = NULL WHERE seq = ?1";
            db.execute(sql, params![seq, state_name(state), sql_ms(now_ms)])?;
            let freed = match end {
                End::Kept(file) => {
                    let sql = "UPDATE jobs SET result = ?2 WHERE seq = ?1";
                    db.execute(sql, params![seq, file])?;
                    show(db, seq)?;
                    Vec::new()
                }
                End::Broke(why) | End::ResultLost(why) => {
                    let sql = "UPDATE jobs SET error = ?2, result = NULL WHERE seq = ?1";
                    db.execute(sql, params![seq, why])?;
                    db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
                    Vec::new()
                }
                End::Declined => {
                    let freed = pictures_of(db, seq)?;
                    db.execute("UPDATE jobs SET source = NULL WHERE seq = ?1", [seq])?;
                    freed
                }
            };
            Ok(Some(freed))
        })
    }

    /// Whether the result may be shown; in the same moment it is, or is not any more. False for an unknown or
    /// expired job.
    pub(crate) fn set_share(&mut self, id: JobId, share: bool) -> Result<bool, BoothError> {
        self.change(|db| {
            let Some((seq, state)) = stands(db, id)? else {
                return Ok(false);
            };
            if state == State::Expired {
                return Ok(false);
            }
            let sql = "UPDATE jobs SET share = ?2 WHERE seq = ?1";
            db.execute(sql, params![seq, share])?;
            if share {
                show(db, seq)?;
            } else {
                db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
            }
            Ok(true)
        })
    }

    /// Nothing is left of the job; its ticket is to be forgotten. The files that nothing refers to now.
    pub(crate) fn erase(&mut self, id: JobId) -> Result<Vec<String>, BoothError> {
        self.change(|db| {
            let Some((seq, _)) = stands(db, id)? else {
                return Ok(Vec::new());
            };
            to_forget(db, seq, None)?;
            let freed = pictures_of(db, seq)?;
            db.execute("DELETE FROM jobs WHERE seq = ?1", [seq])?;
            Ok(freed)
        })
    }

    /// Only the name, the style and the end are left of the job. None when it is expired already; else the files
    /// that nothing refers to now.
    pub(crate) fn expire(&mut self, id: JobId) -> Result<Option<Vec<String>>, BoothError> {
        self.change(|db| {
            let Some((seq, _)) = after(db, id, Event::TimeOver)? else {
                return Ok(None);
            };
            to_forget(db, seq, None)?;
            let freed = pictures_of(db, seq)?;
            db.execute("DELETE FROM gallery WHERE job = ?1", [seq])?;
            db.execute(
                "UPDATE jobs SET state = 'expired', visitor = NULL, address = NULL, key = NULL, form = NULL, share = 0,
                    source = NULL, result = NULL, error = NULL, ticket = NULL, sends = 0, memo = NULL
                 WHERE seq = ?1",
                [seq],
            )?;
            Ok(Some(freed))
        })
    }

    fn one(&self, filter: &str, params: impl Params) -> Result<Option<Row>, BoothError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE {filter}");
        let ask = || {
            let mut statement = self.db.prepare_cached(&sql)?;
            statement.query_row(params, Row::read).optional()
        };
        ask().map_err(|error| self.explain(error))
    }

    fn many(&self, filter: &str, params: impl Params) -> Result<Vec<Row>, BoothError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE {filter} ORDER BY seq");
        let ask = || {
            let mut statement = self.db.prepare_cached(&sql)?;
            statement
                .query_map(params, Row::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        ask().map_err(|error| self.explain(error))
    }

    /// All of `work`, or nothing of it.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, BoothError> {
        self.keep_in_place()?;
        let run = |db: &mut Connection| {
            let change = db.transaction()?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        };
        run(&mut self.db).map_err(|error| self.explain(error))
    }
}

/// A key belongs to its visitor: the same key of another one is another key.
fn own_key(visitor: &str, key: Uuid) -> String {
    format!("{visitor} {key}")
}

fn stands(db: &Connection, id: JobId) -> rusqlite::Result<Option<(i64, State)>> {
    db.prepare_cached("SELECT seq, state FROM jobs WHERE id = ?1")?
        .query_row([id.to_string()], |row| {
            Ok((row.get(0)?, state(1, &row.get::<_, String>(1)?)?))
        })
        .optional()
}

/// The state after `event`; none when it cannot happen.
fn after(db: &Connection, id: JobId, event: Event) -> rusqlite::Result<Option<(i64, State)>> {
    let Some((seq, state)) = stands(db, id)? else {
        return Ok(None);
    };
    match life::next(state, event) {
        Ok(next) => Ok(Some((seq, next))),
        Err(illegal) => {
            tracing::debug!(job = ?id, %illegal, "came too late");
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

/// Into the gallery, if it is there to be shown and may be.
fn show(db: &Connection, seq: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO gallery (id, job)
         SELECT ?2, seq FROM jobs WHERE seq = ?1 AND share AND state = 'done' AND result IS NOT NULL
         ON CONFLICT (job) DO NOTHING",
        params![seq, GalleryId::random().to_string()],
    )
    .map(drop)
}
