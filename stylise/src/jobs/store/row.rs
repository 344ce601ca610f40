//! A job's row in the database.

use rusqlite::Row as SqlRow;
use rusqlite::types::Type;
use uuid::Uuid;

use crate::job::{JobId, State};
use crate::jobs::queue::Owner;
use crate::stylist::{MadeBy, RemoteOrder};

/// The columns that [`Row::read`] expects, in this order.
pub(super) const COLUMNS: &str = "id, visitor, style, made_by, state, share, source, result, error, \
                                  ticket, sends, memo, created_at_ms, expires_at_ms, address, form";

/// A stored job. `Uploading` is stored as running, since progress is only kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: JobId,
    /// `None` after expiry.
    pub(crate) visitor: Option<String>,
    pub(crate) style: String,
    pub(crate) made_by: MadeBy,
    pub(crate) state: State,
    pub(crate) share: bool,
    /// A picture's file name.
    pub(crate) source: Option<String>,
    /// A picture's file name.
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) remote: Option<RemoteOrder>,
    pub(crate) created_at_ms: u64,
    pub(crate) expires_at_ms: u64,
    /// Only compared, like the visitor.
    pub(crate) address: Option<String>,
    /// A digest of the request that its idempotency key was used for.
    pub(crate) form: Option<String>,
}

impl Row {
    pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let remote: Option<String> = row.get(9)?;
        let remote = match remote {
            Some(id) => Some(RemoteOrder {
                id: uuid(9, &id)?,
                sends: row.get(10)?,
                details: row.get(11)?,
            }),
            None => None,
        };
        let id: String = row.get(0)?;
        Ok(Self {
            id: job_id(0, &id)?,
            visitor: row.get(1)?,
            style: row.get(2)?,
            made_by: made_by(3, &row.get::<_, String>(3)?)?,
            state: state(4, &row.get::<_, String>(4)?)?,
            share: row.get(5)?,
            source: row.get(6)?,
            result: row.get(7)?,
            error: row.get(8)?,
            remote,
            created_at_ms: from_sql_ms(row.get(12)?),
            expires_at_ms: from_sql_ms(row.get(13)?),
            address: row.get(14)?,
            form: row.get(15)?,
        })
    }

    /// Jobs of older programs have no address, so their visitor counts as one.
    pub(crate) fn owner(&self) -> Owner {
        let visitor = self.visitor.clone().unwrap_or_default();
        Owner {
            address: self.address.clone().unwrap_or_else(|| visitor.clone()),
            visitor,
        }
    }
}

pub(super) fn job_id(column: usize, text: &str) -> rusqlite::Result<JobId> {
    text.parse().map_err(|error| broken(column, error))
}

pub(super) fn uuid(column: usize, text: &str) -> rusqlite::Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| broken(column, error))
}

/// The stored name of a state.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Uploading => State::Running.name(),
        other => other.name(),
    }
}

pub(super) fn state(column: usize, text: &str) -> rusqlite::Result<State> {
    match text {
        "queued" => Ok(State::Queued),
        "running" => Ok(State::Running),
        "done" => Ok(State::Done),
        "failed" => Ok(State::Failed),
        "cancelled" => Ok(State::Cancelled),
        "expired" => Ok(State::Expired),
        other => Err(broken(column, UnknownValueError(other.to_owned()))),
    }
}

pub(super) fn made_by(column: usize, text: &str) -> rusqlite::Result<MadeBy> {
    match text {
        "laptop" => Ok(MadeBy::Laptop),
        "comfyui" => Ok(MadeBy::Comfyui),
        other => Err(broken(column, UnknownValueError(other.to_owned()))),
    }
}

/// SQLite's integers are signed.
pub(super) fn sql_ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(super) fn from_sql_ms(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not known here")]
struct UnknownValueError(String);

fn broken(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
