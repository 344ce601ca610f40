//! The lock of the state folder: stations and backups share it, a restore has it alone. The kernel releases it when the
//! program ends for any reason.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::backup::error::{BackupError, at};

const NAME: &str = "lock";

/// For a station or a backup.
pub(crate) fn shared(state: &Path) -> Result<File, BackupError> {
    let file = opened(state)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::RestoreRuns(state.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&state.join(NAME))(error)),
    }
}

/// For a restore.
pub(crate) fn exclusive(state: &Path) -> Result<File, BackupError> {
    let file = opened(state)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::StationRuns(state.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&state.join(NAME))(error)),
    }
}

fn opened(state: &Path) -> Result<File, BackupError> {
    let mut folder = DirBuilder::new();
    folder
        .recursive(true)
        .mode(0o700)
        .create(state)
        .map_err(at(state))?;
    let path = state.join(NAME);
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).mode(0o600).open(&path);
    opened.map_err(at(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn stations_share_the_folder_and_a_restore_has_it_alone() {
        let folder = TestFolder::new();
        let state = folder.join("state");
        let stations = [shared(&state), shared(&state)];
        let refused = exclusive(&state).expect_err("a station runs").to_string();
        assert!(refused.contains("a station uses"), "{refused}");
        drop(stations);
        let restore = exclusive(&state).expect("alone");
        let refused = shared(&state).expect_err("a restore runs").to_string();
        assert!(refused.contains("a restore into"), "{refused}");
        drop(restore);
        shared(&state).expect("free again");
    }
}
