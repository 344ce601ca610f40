//! The schema of the booth's database: its migrations, one after another, each in a transaction of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::api::BoothError;
use crate::jobs::files::file_error;
use crate::jobs::store::connection::{BUSY, beside, copy_database, explain, open_existing};

/// What becomes of a database with an earlier schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EarlierSchema {
    /// It is copied before it is migrated, for a return to the earlier program.
    Kept,
    Replaced,
}

/// Migrations from each schema to the next; `PRAGMA user_version` counts those done.
///
/// - `seq` is the order of arrival.
/// - `visitor`, `address`, `key` and the names of pictures are personal; expiry sets them to NULL.
/// - `key` is the visitor and the idempotency key, `form` a digest of the request.
/// - `ticket`, `sends` and `memo` are the [`RemoteOrder`](crate::RemoteOrder): its id, the number of
///   attempts, and its details.
/// - `hidden` is the owner's decision, so it stays when the visitor shares the picture again.
/// - Times are the station's (`jobs/expiry.rs`); `clock` is the state of that clock.
/// - `photo_kind`: one picture, or a sheet of several shots.
/// - `approved`: whether the owner looked at the result and shows it. `hidden` outweighs it.
/// - `focus_x` and `focus_y`: what crops of the result keep, in fractions; expiry sets them to NULL.
/// - `counts` and `heat` are the fields of `HourCount` and `HeatMap`.
/// - `program` is the version of the program that wrote the database last, for the message of an earlier program.
///
/// A step that was released is never changed; `tests/schemas/` has a database of each.
pub(super) const STEPS: [&str; 7] = [
    "
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    visitor TEXT,
    key TEXT UNIQUE,
    style TEXT NOT NULL,
    made_by TEXT NOT NULL,
    state TEXT NOT NULL,
    share INTEGER NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0,
    source TEXT,
    result TEXT,
    error TEXT,
    ticket TEXT,
    sends INTEGER NOT NULL DEFAULT 0,
    created_at_unix_ms INTEGER NOT NULL,
    ended_at_unix_ms INTEGER,
    expires_at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_of_visitor ON jobs (visitor);
CREATE INDEX jobs_that_expire ON jobs (expires_at_unix_ms);
CREATE TABLE gallery (
    id TEXT PRIMARY KEY,
    job INTEGER NOT NULL UNIQUE REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT;
CREATE TABLE tickets_to_forget (
    ticket TEXT PRIMARY KEY,
    made_by TEXT NOT NULL,
    sends INTEGER NOT NULL
) STRICT;
",
    "
ALTER TABLE jobs ADD COLUMN memo TEXT;
ALTER TABLE tickets_to_forget ADD COLUMN memo TEXT;
",
    "
ALTER TABLE jobs ADD COLUMN address TEXT;
ALTER TABLE jobs ADD COLUMN form TEXT;
ALTER TABLE jobs RENAME COLUMN created_at_unix_ms TO created_at_ms;
ALTER TABLE jobs RENAME COLUMN ended_at_unix_ms TO ended_at_ms;
ALTER TABLE jobs RENAME COLUMN expires_at_unix_ms TO expires_at_ms;
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    since_boot_ms INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL,
    station_ms INTEGER NOT NULL,
    is_set INTEGER NOT NULL,
    before_unix_ms INTEGER,
    before_station_ms INTEGER
) STRICT;
",
    "
CREATE TABLE program (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
) STRICT;
",
    "
ALTER TABLE jobs ADD COLUMN photo_kind TEXT NOT NULL DEFAULT 'single';
",
    "
ALTER TABLE jobs ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN focus_x REAL;
ALTER TABLE jobs ADD COLUMN focus_y REAL;
",
    "
CREATE TABLE counts (
    hour INTEGER NOT NULL,
    zone TEXT NOT NULL,
    class TEXT NOT NULL,
    entered INTEGER NOT NULL,
    present_ms INTEGER NOT NULL,
    most INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (hour, zone, class)
) STRICT;
CREATE TABLE heat (
    hour INTEGER NOT NULL,
    camera TEXT NOT NULL,
    class TEXT NOT NULL,
    cells BLOB NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (hour, camera, class)
) STRICT;
",
];

/// The schema that this program reads and writes.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

/// This program's version.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The schema of an open database; an error if a newer program wrote it. `file` is for the error.
pub(crate) fn check(db: &Connection, file: &Path) -> Result<i64, BoothError> {
    let found: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| explain(file, error))?;
    if (0..=NEWEST).contains(&found) {
        return Ok(found);
    }
    Err(BoothError::Newer {
        file: file.to_path_buf(),
        written_by: written_by(db),
        found,
        program: PROGRAM,
        known: NEWEST,
    })
}

/// The version of the program that wrote the database last, in words.
fn written_by(db: &Connection) -> String {
    let sql = "SELECT version FROM program";
    let version = db.query_row(sql, [], |row| row.get::<_, String>(0));
    match version {
        Ok(version) => format!("carrier {version}"),
        // The table may be another one in a newer schema.
        Err(_) => "a newer carrier".to_owned(),
    }
}

/// Copies the database that others may use to the file `copy`, unless a newer program wrote it.
pub(crate) fn copy_file(database: &Path, copy: &Path) -> Result<(), BoothError> {
    let db = open_existing(database).and_then(|db| db.busy_timeout(BUSY).map(|()| db));
    let db = db.map_err(|error| explain(database, error))?;
    check(&db, database)?;
    copy_database(&db, copy)
}

/// Migrates the database to the newest schema, or reports a newer one. A step that fails leaves the schema before it.
pub(super) fn migrate(
    db: &mut Connection,
    file: &Path,
    earlier: EarlierSchema,
) -> Result<(), BoothError> {
    let found = check(db, file)?;
    let is_new = found == 0;
    if found < NEWEST && !is_new && earlier == EarlierSchema::Kept {
        let copy = earlier_copy(file);
        copy_database(db, &copy)?;
        tracing::info!(
            from = found, to = NEWEST, copy = %copy.display(),
            "migrating the booth's database; a copy of the earlier one is kept for a while"
        );
    }
    for (done, step) in (0..).zip(STEPS).skip_while(|(done, _)| *done < found) {
        run(db, step, done + 1).map_err(|error| explain(file, error))?;
    }
    note_program(db).map_err(|error| explain(file, error))
}

fn run(db: &mut Connection, step: &str, schema: i64) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(step)?;
    change.pragma_update(None, "user_version", schema)?;
    change.commit()
}

fn note_program(db: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT version FROM program";
    let noted: Option<String> = db.query_row(sql, [], |row| row.get(0)).optional()?;
    if noted.as_deref() != Some(PROGRAM) {
        let sql = "INSERT OR REPLACE INTO program (id, version) VALUES (1, ?1)";
        db.execute(sql, [PROGRAM])?;
    }
    Ok(())
}

/// The copy of a database before its migration. There is at most one.
pub(crate) fn earlier_copy(file: &Path) -> PathBuf {
    beside(file, ".before-upgrade")
}

/// Deletes the copy once it is as old as jobs become: it names visitors and pictures that were erased since.
pub(crate) fn expire_earlier_copy(file: &Path, keep: Duration) -> Result<(), BoothError> {
    let copy = earlier_copy(file);
    let made_at = match fs::metadata(&copy).and_then(|copy| copy.modified()) {
        Ok(made_at) => made_at,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file_error(&copy, error)),
    };
    // A copy of the future: the wall clock was set.
    if made_at.elapsed().is_ok_and(|age| age < keep) {
        return Ok(());
    }
    fs::remove_file(&copy).map_err(|error| file_error(&copy, error))
}

#[cfg(test)]
mod tests;
