//! A file that appears under its name when it is complete, and never replaces another one unasked.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::backup::error::{BackupError, at};

pub(crate) struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    replaces: bool,
    pub(crate) file: File,
}

impl NewFile {
    /// Only this user may read it.
    pub(crate) fn create(path: &Path, replaces: bool) -> Result<Self, BackupError> {
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let mut unfinished = OsString::from(path);
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        // Of a program that was killed. It could have any mode, which opening would keep.
        let _ = fs::remove_file(&unfinished);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600);
        let file = file.open(&unfinished).map_err(at(&unfinished))?;
        Ok(Self {
            path: path.to_owned(),
            unfinished,
            replaces,
            file,
        })
    }

    pub(crate) fn finish(self) -> Result<(), BackupError> {
        self.file.sync_all().map_err(at(&self.unfinished))?;
        let placed = if self.replaces {
            fs::rename(&self.unfinished, &self.path)
        } else {
            self.place_beside_others()
        };
        placed.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => BackupError::Exists(self.path.clone()),
            _ => at(&self.path)(error),
        })?;
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(at(folder))
    }

    /// A link fails if the name is taken; file systems of memory sticks have none.
    fn place_beside_others(&self) -> io::Result<()> {
        match fs::hard_link(&self.unfinished, &self.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            Err(_) if self.path.symlink_metadata().is_ok() => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(&self.unfinished, &self.path),
            Ok(()) => Ok(()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.unfinished);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_file_appears_when_it_is_complete_and_replaces_nothing_unasked() {
        let folder = TestFolder::new();
        let path = folder.join("backup.tar");
        let abandoned = NewFile::create(&path, false).expect("room");
        drop(abandoned);
        assert_eq!(fs::read_dir(&*folder).expect("a folder").count(), 0);

        let mut new = NewFile::create(&path, false).expect("room");
        new.file.write_all(b"one").expect("room");
        assert!(!path.exists());
        new.finish().expect("placed");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        assert!(NewFile::create(&path, false).is_err(), "it is there");
        fs::remove_file(&path).expect("there");
        let late = NewFile::create(&path, false).expect("room");
        fs::write(&path, b"of another program").expect("room");
        assert!(matches!(late.finish(), Err(BackupError::Exists(_))));
        assert_eq!(fs::read(&path).expect("there"), b"of another program");

        let mut forced = NewFile::create(&path, true).expect("room");
        forced.file.write_all(b"two").expect("room");
        forced.finish().expect("placed");
        assert_eq!(fs::read(&path).expect("there"), b"two");
        assert_eq!(fs::read_dir(&*folder).expect("a folder").count(), 1);
    }
}
