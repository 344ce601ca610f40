//! Connections to a database of the booth: opening, copying, and what SQLite's errors mean.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::api::BoothError;
use crate::jobs::files::file_error;

/// Nobody else writes, but a backup tool may lock the file for a moment.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Opens without creating a missing file.
pub(super) fn open_existing(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE);
    Connection::open_with_flags(file, flags)
}

/// Copies the whole database to the file `copy`, which is on disk then. Others may use the database meanwhile: the copy
/// is what one transaction saw, without pages that held erased rows.
pub(super) fn copy_database(db: &Connection, copy: &Path) -> Result<(), BoothError> {
    let _ = fs::remove_file(copy);
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(copy);
    made.map_err(|error| file_error(copy, error))?;
    let path = copy.to_string_lossy();
    let copying = db.execute("VACUUM INTO ?1", [path.as_ref()]);
    copying.map_err(|error| explain(copy, error))?;
    let synced = File::open(copy).and_then(|copy| copy.sync_all());
    synced.map_err(|error| file_error(copy, error))
}

pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}

pub(super) fn explain(file: &Path, error: rusqlite::Error) -> BoothError {
    let file = file.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => BoothError::Damaged {
            file,
            what: error.to_string(),
        },
        Some(ErrorCode::CannotOpen) => file_error(&file, io::Error::other(error.to_string())),
        _ => BoothError::Database {
            file,
            source: error,
        },
    }
}
