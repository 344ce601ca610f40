//! Tickets of jobs that are over: what a server still knows of them is erased there too, and that is on
//! disk until it is done.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::Store;
use super::row::uuid;
use crate::error::BoothError;
use crate::style::MadeBy;
use crate::stylist::Ticket;

/// How many are asked for at once.
const BATCH: u32 = 64;

impl Store {
    /// Some that are left for the servers of that kind.
    pub(crate) fn to_forget(&self, made_by: MadeBy) -> Result<Vec<Ticket>, BoothError> {
        let ask = || {
            let mut statement = self.db.prepare_cached(
                "SELECT ticket, sends, memo FROM tickets_to_forget WHERE made_by = ?1 ORDER BY rowid LIMIT ?2",
            )?;
            let tickets = statement.query_map(params![made_by.name(), BATCH], |row| {
                Ok(Ticket {
                    id: uuid(0, &row.get::<_, String>(0)?)?,
                    sends: row.get(1)?,
                    memo: row.get(2)?,
                })
            })?;
            tickets.collect::<rusqlite::Result<Vec<_>>>()
        };
        ask().map_err(|error| self.explain(error))
    }

    /// The server does not know it any more.
    pub(crate) fn forgotten(&mut self, ticket: Uuid) -> Result<(), BoothError> {
        self.change(|db| {
            let sql = "DELETE FROM tickets_to_forget WHERE ticket = ?1";
            db.execute(sql, [ticket.to_string()]).map(drop)
        })
    }
}

/// The ticket that a job has is to be forgotten, unless it is the `kept` one.
pub(super) fn to_forget(db: &Connection, seq: i64, kept: Option<Uuid>) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO tickets_to_forget (ticket, made_by, sends, memo)
         SELECT ticket, made_by, sends, memo FROM jobs
         WHERE seq = ?1 AND ticket IS NOT NULL AND ticket IS NOT ?2
         ON CONFLICT (ticket) DO NOTHING",
        params![seq, kept.map(|kept| kept.to_string())],
    )
    .map(drop)
}
