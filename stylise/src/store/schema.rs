//! The tables, and how older ones become today's.

use rusqlite::TransactionBehavior;

use super::Store;
use crate::error::BoothError;

/// What leads from each schema to the next; `PRAGMA user_version` counts those done.
///
/// `seq` is the order of arrival. `visitor`, `key` and the names of pictures are the personal part: erasing
/// makes them NULL. `ticket` and `sends` tell what a server knows of the job.
/// `hidden` is the owner's word, so it stays when the visitor takes the picture back and shares it again.
/// `memo` is the stylist's own note to a ticket.
/// Times of jobs are the station's own (`station_time.rs`); `clock` has where that stands.
/// `key` is the visitor and the key that the visitor's client gave, `form` a digest of what it asked for then.
pub(super) const STEPS: [&str; 3] = [
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
];

/// Brings the database to today's schema, or says that it is a newer one.
pub(super) fn migrate(store: &mut Store) -> Result<(), BoothError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let found: i64 = store
        .db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| store.explain(error))?;
    let Some(steps) = usize::try_from(found)
        .ok()
        .and_then(|done| STEPS.get(done..))
    else {
        return Err(BoothError::Newer {
            file: store.file.clone(),
            found,
            known,
        });
    };
    if steps.is_empty() {
        return Ok(());
    }
    let run = |db: &mut rusqlite::Connection| {
        let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in steps {
            change.execute_batch(step)?;
        }
        change.pragma_update(None, "user_version", known)?;
        change.commit()
    };
    run(&mut store.db).map_err(|error| store.explain(error))
}
