//! Whether the database is still where it was opened. Somebody may delete its file, or put another one in its
//! place, while the program runs: SQLite goes on with the file that has no name any more, and all of it would be
//! lost at the end of the program.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags};

use super::{Store, set_up};
use crate::error::BoothError;
use crate::pictures::make_folder;

/// Device and inode of the database and of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place([Option<(u64, u64)>; 2]);

/// No file has this identity.
const NO_LOG: Option<(u64, u64)> = Some((0, 0));

impl Place {
    pub(super) fn of(file: &Path) -> Self {
        Self([identity(file), identity(&beside(file, "-wal"))])
    }
}

fn identity(file: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(file).ok()?;
    Some((found.dev(), found.ino()))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}

/// Never makes an empty database where there is none.
fn open_existing(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE);
    Connection::open_with_flags(file, flags)
}

impl Store {
    /// Puts the database back if it was deleted, or another file lies in its place. Nothing of it is lost.
    pub(crate) fn keep_in_place(&mut self) -> Result<(), BoothError> {
        if self.place == Place::of(&self.file) {
            return Ok(());
        }
        let error = match self.put_back() {
            Ok(()) => {
                tracing::warn!(
                    file = %self.file.display(),
                    "the booth's database was deleted or replaced while the program runs; it is written anew. \
                     End the program before you change its files"
                );
                return Ok(());
            }
            Err(error) => error,
        };
        Err(BoothError::Gone {
            file: self.file.clone(),
            what: error.to_string(),
        })
    }

    fn put_back(&mut self) -> Result<(), BoothError> {
        if let Some(folder) = self.file.parent() {
            make_folder(folder)?;
        }
        let copy = self.copied()?;
        // Whoever closes a database deletes the log that has its name: before another one has it.
        self.set_others_aside()?;
        let copied = identity(&copy);
        // Held open, so that nothing is lost when the new file is deleted as well before it is opened.
        let held = open_existing(&copy).map_err(|error| self.explain(error))?;
        drop(mem::replace(&mut self.db, held));
        fs::rename(&copy, &self.file).map_err(|error| self.at(error))?;
        // Ours, and not in place before it is opened by its name.
        self.place = Place([copied, NO_LOG]);
        let db = open_existing(&self.file).map_err(|error| self.explain(error))?;
        if identity(&self.file) != copied {
            let again = io::Error::new(io::ErrorKind::NotFound, "it was deleted once more");
            return Err(self.at(again));
        }
        set_up(&db).map_err(|error| self.explain(error))?;
        self.db = db;
        self.place = Place::of(&self.file);
        Ok(())
    }

    /// All of the database in another file beside it.
    fn copied(&self) -> Result<PathBuf, BoothError> {
        let copy = beside(&self.file, ".new");
        let made = || -> io::Result<()> {
            let _ = fs::remove_file(&copy);
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&copy)?;
            Ok(())
        };
        made().map_err(|error| self.at(error))?;
        let path = copy.to_string_lossy();
        let copying = self.db.execute("VACUUM INTO ?1", [path.as_ref()]);
        copying.map_err(|error| self.explain(error))?;
        let synced = File::open(&copy).and_then(|copy| copy.sync_all());
        synced.map_err(|error| self.at(error))?;
        Ok(copy)
    }

    /// Another database in the place of this one is somebody's: it gets another name, with its log. A log that is
    /// ours stays, and goes when this database is closed.
    fn set_others_aside(&self) -> Result<(), BoothError> {
        let Place([ours, our_log]) = &self.place;
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
            "another database lay in the place of the booth's; it has this name now"
        );
        Ok(())
    }

    fn at(&self, source: io::Error) -> BoothError {
        BoothError::File {
            path: self.file.clone(),
            source,
        }
    }
}
