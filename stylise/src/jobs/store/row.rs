//! A job's row in the database.

use std::error::Error;
use std::str::FromStr;

use rusqlite::Row as SqlRow;
use rusqlite::types::{Type, ValueRef};

use crate::job::{JobId, State};
use crate::jobs::queue::Owner;
use crate::photo_kind::PhotoKind;
use crate::stylist::{MadeBy, RemoteOrder};

/// Values of the column `share`; 0: not shared.
pub(super) const SHARED_HERE: i64 = 1;
pub(super) const SHARED_ON_CARRIERS: i64 = 2;

/// The columns that [`Row::read`] expects, in this order.
pub(super) const COLUMNS: &str = "id, visitor, style, made_by, state, share, source, result, error, \
                                  ticket, sends, memo, created_at_ms, expires_at_ms, address, form, \
                                  photo_kind, hidden, approved";

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
    /// Whether it may be shown on other carriers, too.
    pub(crate) is_on_carriers: bool,
    pub(crate) source: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) remote: Option<RemoteOrder>,
    pub(crate) created_at_ms: u64,
    pub(crate) expires_at_ms: u64,
    /// Only compared, like the visitor.
    pub(crate) address: Option<String>,
    /// A digest of the request that its idempotency key was used for.
    pub(crate) form: Option<String>,
    pub(crate) photo_kind: PhotoKind,
    /// The owner does not show it.
    pub(crate) is_hidden: bool,
    pub(crate) is_approved: bool,
}

impl Row {
    pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let has_remote = row.get_ref(9)? != ValueRef::Null;
        Ok(Self {
            id: parsed(row, 0)?,
            visitor: row.get(1)?,
            style: row.get(2)?,
            made_by: parsed(row, 3)?,
            state: parsed(row, 4)?,
            share: row.get(5)?,
            is_on_carriers: row.get::<_, i64>(5)? == SHARED_ON_CARRIERS,
            source: row.get(6)?,
            result: row.get(7)?,
            error: row.get(8)?,
            remote: has_remote.then(|| remote_order(row, 9)).transpose()?,
            created_at_ms: from_sql_ms(row.get(12)?),
            expires_at_ms: from_sql_ms(row.get(13)?),
            address: row.get(14)?,
            form: row.get(15)?,
            photo_kind: parsed(row, 16)?,
            is_hidden: row.get(17)?,
            is_approved: row.get(18)?,
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

/// Reads a value that is stored as text.
pub(super) fn parsed<T>(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// Reads a remote order: its id is in `column`, the number of attempts and the details in the next two.
pub(super) fn remote_order(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<RemoteOrder> {
    Ok(RemoteOrder {
        id: parsed(row, column)?,
        sends: row.get(column + 1)?,
        details: row.get(column + 2)?,
    })
}

/// The stored name of a state.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Uploading => State::Running.name(),
        other => other.name(),
    }
}

/// SQLite's integers are signed.
pub(super) fn sql_ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(super) fn from_sql_ms(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
