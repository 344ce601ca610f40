//! Why a backup cannot be made or restored.

use std::io;
use std::path::{Path, PathBuf};

use stylise::BoothError;
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum BackupError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} exists already: choose another name, or replace it with --force", .0.display())]
    Exists(PathBuf),
    #[error("another backup of {} is being made: wait until it is done", .0.display())]
    BackupRuns(PathBuf),
    #[error("a restore into {} is running: wait until it is done", .0.display())]
    RestoreRuns(PathBuf),
    #[error("a station uses {}: end it first (systemctl stop carrier, or scale its Deployment to 0); a second station needs a \
         state folder of its own (XDG_STATE_HOME)", .0.display())]
    StationRuns(PathBuf),
    #[error(transparent)]
    Booth(#[from] BoothError),
    #[error("the backup cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("what the backup holds cannot be written: {0}")]
    Unwritable(io::Error),
    #[error("this is no backup of carrier, or it is not complete: {0}")]
    NoBackup(&'static str),
    #[error("the backup holds {0:?}, which carrier never puts in there: it is refused as a whole")]
    Foreign(String),
    #[error("the backup is damaged or was changed: {0} is not what its manifest says")]
    Damaged(String),
    #[error(
        "the backup was made by carrier {program} in format {found}, and this carrier knows up to format {known}: \
         restore it with carrier {program} or a newer one"
    )]
    NewerFormat {
        program: String,
        found: u32,
        known: u32,
    },
    #[error(
        "the backup's database has schema {found}, of carrier {program}, and this is carrier {own}, which knows up to \
         schema {known}: install carrier {program} or a newer one, and restore it with that"
    )]
    NewerSchema {
        program: String,
        found: i64,
        own: &'static str,
        known: i64,
    },
}

/// For `map_err`: the error with the file that it is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}
