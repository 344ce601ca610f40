//! The booth's database: jobs, what the gallery shows, and tickets that servers are to forget.

mod clock;
mod gallery;
mod jobs;
mod place;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod tickets;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::error::BoothError;

use self::place::Place;

pub(crate) use jobs::{End, NewJob};
pub(crate) use row::Row;

/// Nobody else writes; a backup tool may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// The one connection. Each change is one transaction, on disk when the call returns: `synchronous=FULL`
/// syncs the log at each commit (SQLite's WAL page, "Performance Considerations").
#[derive(Debug)]
pub(crate) struct Store {
    file: PathBuf,
    db: Connection,
    place: Place,
}

impl Store {
    /// Opens or makes `file`.
    pub(crate) fn open(file: &Path) -> Result<Self, BoothError> {
        // The log and its index get the same permissions as the database (SQLite does that).
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(file)
            .map_err(|source| BoothError::File {
                path: file.to_path_buf(),
                source,
            })?;
        let db = Connection::open(file).map_err(|error| explain(file, error))?;
        set_up(&db).map_err(|error| explain(file, error))?;
        let mut store = Self {
            file: file.to_path_buf(),
            db,
            place: Place::of(file),
        };
        schema::migrate(&mut store)?;
        store.check()?;
        store.place = Place::of(file);
        Ok(store)
    }

    /// A few milliseconds for a thousand jobs, and damage is found now, not in front of a visitor.
    fn check(&self) -> Result<(), BoothError> {
        let said: String = self
            .db
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(|error| self.explain(error))?;
        if said == "ok" {
            return Ok(());
        }
        Err(BoothError::Damaged {
            file: self.file.clone(),
            what: said,
        })
    }

    /// Empties the log: what was erased from the database would stand in it until it is written over.
    pub(crate) fn checkpoint(&self) -> Result<(), BoothError> {
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| self.explain(error))
    }

    fn explain(&self, error: rusqlite::Error) -> BoothError {
        explain(&self.file, error)
    }
}

/// `secure_delete`: what is erased is overwritten with zeros, not only marked as free.
fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "secure_delete", true)?;
    // Sorting never spills rows into a file elsewhere.
    db.pragma_update(None, "temp_store", "memory")?;
    // The log is there from the first read on.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn explain(file: &Path, error: rusqlite::Error) -> BoothError {
    let file = file.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => BoothError::Damaged {
            file,
            what: error.to_string(),
        },
        Some(ErrorCode::CannotOpen) => BoothError::File {
            path: file,
            source: io::Error::other(error.to_string()),
        },
        _ => BoothError::Database {
            file,
            source: error,
        },
    }
}
