//! The locks of the state folder. A station and a backup share the first, which a restore has alone; the second is the
//! station's, so that no two of them write the same files. The kernel releases them when the program ends for any reason.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::backup::error::{BackupError, at};

const NAME: &str = "lock";
const STATION_NAME: &str = "station.lock";

/// For a backup.
pub(crate) fn shared(state: &Path) -> Result<File, BackupError> {
    let file = opened(state, NAME)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::RestoreRuns(state.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&state.join(NAME))(error)),
    }
}

/// For a restore.
pub(crate) fn exclusive(state: &Path) -> Result<File, BackupError> {
    alone(state, NAME)
}

/// For a station.
pub(crate) fn station(state: &Path) -> Result<[File; 2], BackupError> {
    Ok([shared(state)?, alone(state, STATION_NAME)?])
}

fn alone(state: &Path, name: &str) -> Result<File, BackupError> {
    let file = opened(state, name)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::StationRuns(state.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&state.join(name))(error)),
    }
}

fn opened(state: &Path, name: &str) -> Result<File, BackupError> {
    let mut folder = DirBuilder::new();
    folder
        .recursive(true)
        .mode(0o700)
        .create(state)
        .map_err(at(state))?;
    let path = state.join(name);
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).mode(0o600).open(&path);
    opened.map_err(at(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_restore_has_the_folder_alone() {
        let folder = TestFolder::new();
        let state = folder.join("state");
        let users = (station(&state), shared(&state));
        let refused = exclusive(&state).expect_err("a station runs").to_string();
        assert!(refused.contains("a station uses"), "{refused}");
        drop(users);
        let restore = exclusive(&state).expect("alone");
        let refused = station(&state).expect_err("a restore runs").to_string();
        assert!(refused.contains("a restore into"), "{refused}");
        drop(restore);
        shared(&state).expect("free again");
    }

    #[test]
    fn one_station_uses_the_folder() {
        let folder = TestFolder::new();
        let state = folder.join("state");
        let first = station(&state).expect("the first");
        let refused = station(&state).expect_err("a station runs").to_string();
        assert!(refused.contains("a station uses"), "{refused}");
        shared(&state).expect("a backup while it runs");
        drop(first);
        station(&state).expect("free again");
    }
}
