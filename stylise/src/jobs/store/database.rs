//! Opens the database, and recreates the file when somebody deletes or replaces it
//! while the program runs: SQLite would continue with the unlinked file, and everything would be lost at the
//! end of the program.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{io, mem};

use rusqlite::{Connection, OptionalExtension, Params, Row, Transaction};

use crate::api::BoothError;
use crate::jobs::files::{file_error, make_folder};
use crate::jobs::store::connection::{BUSY, beside, copy_database, explain, open_existing};
use crate::jobs::store::schema::{self, EarlierSchema};

/// The only connection. Each change is one transaction and on disk when the call returns: `synchronous=FULL`
/// syncs the log at each commit (SQLite's WAL page, "Performance Considerations").
#[derive(Debug)]
pub(crate) struct Store {
    file: PathBuf,
    pub(super) db: Connection,
    file_ids: FileIds,
}

impl Store {
    pub(crate) fn open(file: &Path) -> Result<Self, BoothError> {
        Self::open_with(file, EarlierSchema::Kept)
    }

    /// Opens a database that is itself a copy.
    pub(crate) fn open_copy(file: &Path) -> Result<Self, BoothError> {
        Self::open_with(file, EarlierSchema::Replaced)
    }

    fn open_with(file: &Path, earlier: EarlierSchema) -> Result<Self, BoothError> {
        // SQLite gives the log and its index the permissions of the database.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(file)
            .map_err(|error| file_error(file, error))?;
        let db = Connection::open(file).and_then(|db| set_up(&db).map(|()| db));
        let db = db.map_err(|error| explain(file, error))?;
        let mut store = Self {
            file: file.to_path_buf(),
            db,
            file_ids: FileIds::of(file),
        };
        schema::migrate(&mut store.db, file, earlier)?;
        store.check()?;
        store.file_ids = FileIds::of(file);
        Ok(store)
    }

    /// Takes a few milliseconds for a thousand jobs, and finds damage at the start.
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

    /// Runs `work` as one transaction.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, BoothError> {
        self.ensure_in_place()?;
        let run = |db: &mut Connection| {
            let change = db.transaction()?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        };
        run(&mut self.db).map_err(|error| self.explain(error))
    }

    /// The row that a query finds.
    pub(super) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, BoothError> {
        let statement = self.db.prepare_cached(sql);
        statement
            .and_then(|mut statement| statement.query_row(params, read).optional())
            .map_err(|error| self.explain(error))
    }

    /// All rows that a query finds.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, BoothError> {
        let statement = self.db.prepare_cached(sql);
        statement
            .and_then(|mut statement| statement.query_map(params, read)?.collect())
            .map_err(|error| self.explain(error))
    }

    /// Truncates the write-ahead log, which contains erased rows until it is overwritten.
    pub(crate) fn checkpoint(&self) -> Result<(), BoothError> {
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| self.explain(error))
    }

    pub(super) fn explain(&self, error: rusqlite::Error) -> BoothError {
        explain(&self.file, error)
    }
}

/// `secure_delete` overwrites erased content with zeros.
fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "secure_delete", true)?;
    // Sorting must not write rows to a temporary file.
    db.pragma_update(None, "temp_store", "memory")?;
    // The first read creates the log.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Device and inode of the database and of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIds([Option<(u64, u64)>; 2]);

/// An identity that no file has.
const NO_LOG: Option<(u64, u64)> = Some((0, 0));

impl FileIds {
    pub(super) fn of(file: &Path) -> Self {
        Self([identity(file), identity(&beside(file, "-wal"))])
    }
}

fn identity(file: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(file).ok()?;
    Some((found.dev(), found.ino()))
}

impl Store {
    /// Recreates the database from the open connection if its file was deleted or replaced. Nothing is lost.
    pub(crate) fn ensure_in_place(&mut self) -> Result<(), BoothError> {
        if self.file_ids == FileIds::of(&self.file) {
            return Ok(());
        }
        self.put_back().map_err(|error| BoothError::Gone {
            file: self.file.clone(),
            what: error.to_string(),
        })?;
        tracing::warn!(
            file = %self.file.display(),
            "the booth's database was deleted or replaced while the program runs; recreated it. \
             Stop the program before you change its files"
        );
        Ok(())
    }

    fn put_back(&mut self) -> Result<(), BoothError> {
        if let Some(folder) = self.file.parent() {
            make_folder(folder)?;
        }
        let copy = self.write_copy()?;
        // Closing a database deletes the log with its name, so foreign files are moved first.
        self.move_foreign_files_aside()?;
        let copied = identity(&copy);
        // Kept open, so that nothing is lost if the new file is deleted before it is opened by its name.
        let held = open_existing(&copy).map_err(|error| self.explain(error))?;
        drop(mem::replace(&mut self.db, held));
        fs::rename(&copy, &self.file).map_err(|error| self.at(error))?;
        // The file is ours, but not in place until it is opened by its name.
        self.file_ids = FileIds([copied, NO_LOG]);
        let db = open_existing(&self.file).map_err(|error| self.explain(error))?;
        if identity(&self.file) != copied {
            let again = io::Error::new(io::ErrorKind::NotFound, "it was deleted once more");
            return Err(self.at(again));
        }
        set_up(&db).map_err(|error| self.explain(error))?;
        self.db = db;
        self.file_ids = FileIds::of(&self.file);
        Ok(())
    }

    /// Copies the whole database to a new file beside it.
    fn write_copy(&self) -> Result<PathBuf, BoothError> {
        let copy = beside(&self.file, ".new");
        copy_database(&self.db, &copy)?;
        Ok(copy)
    }

    /// Renames a foreign database at this path, with its log. Our own log stays; SQLite deletes it on close.
    fn move_foreign_files_aside(&self) -> Result<(), BoothError> {
        let FileIds([ours, our_log]) = &self.file_ids;
        let is_anothers = |file: &Path, ours: &Option<(u64, u64)>| {
            let found = identity(file);
            found.is_some() && found != *ours
        };
        if !is_anothers(&self.file, ours) {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| now.as_millis());
        let aside = beside(&self.file, &format!(".aside-{now_ms}"));
        fs::rename(&self.file, &aside).map_err(|error| self.at(error))?;
        let log = beside(&self.file, "-wal");
        if is_anothers(&log, our_log) {
            fs::rename(log, beside(&aside, "-wal")).map_err(|error| self.at(error))?;
        }
        tracing::warn!(
            file = %aside.display(),
            "renamed a foreign database at the path of the booth's"
        );
        Ok(())
    }

    fn at(&self, source: io::Error) -> BoothError {
        file_error(&self.file, source)
    }
}
