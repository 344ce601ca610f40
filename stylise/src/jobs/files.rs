//! Files in the booth's folder: the pictures, and a file that reserves disk space for erasing.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::api::BoothError;

/// The database in the booth's folder.
pub(crate) fn database_file(booth: &Path) -> PathBuf {
    booth.join("booth.sqlite3")
}

/// The pictures in the booth's folder.
pub(crate) fn pictures_folder(booth: &Path) -> PathBuf {
    booth.join("pictures")
}

/// Suffix of unfinished files.
const UNFINISHED: &str = ".part";

/// A folder of pictures, readable for this user only.
///
/// A picture is written before the database refers to it, and deleted after the database stopped referring
/// to it. A program killed in between leaves a file without a row, never a row without a file;
/// [`Pictures::sweep`] deletes such files.
#[derive(Debug)]
pub(crate) struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    pub(crate) fn open(folder: &Path) -> Result<Self, BoothError> {
        make_folder(folder)?;
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// Writes a picture and returns its file name. It is on disk when this returns.
    pub(crate) fn keep(&self, jpeg: &[u8]) -> Result<String, BoothError> {
        let name = format!("{:032x}.jpg", rand::random::<u128>());
        let part = self.folder.join(format!("{name}{UNFINISHED}"));
        let write = || {
            let mut file = self.create(&part)?;
            file.write_all(jpeg)?;
            file.sync_all()?;
            fs::rename(&part, self.folder.join(&name))?;
            self.sync()
        };
        write().map_err(|error| {
            // After a failure such as a full disk, the next attempt needs the space.
            let _ = fs::remove_file(&part);
            file_error(&part, error)
        })?;
        Ok(name)
    }

    /// Recreates the folder if somebody deleted it.
    fn create(&self, part: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        match options.open(part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(&self.folder)?;
                options.open(part)
            }
            opened => opened,
        }
    }

    /// `None` if the file does not exist.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BoothError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error(&path, error)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.join(name).is_file()
    }

    /// Deletes pictures that the database no longer refers to. Failures are logged; [`Pictures::sweep`]
    /// retries at the next start.
    pub(crate) fn erase(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        for name in names {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::error!(path = %path.display(), %error, "cannot delete a picture; the next start retries");
                }
                _ => {}
            }
        }
        if let Err(error) = self.sync() {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot sync a folder");
        }
    }

    /// Deletes all pictures except `named`, including unfinished ones. Returns how many.
    pub(crate) fn sweep(&self, named: &HashSet<String>) -> Result<usize, BoothError> {
        let list = || -> io::Result<Vec<String>> {
            let mut orphans = Vec::new();
            for entry in fs::read_dir(&self.folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let is_ours = name.ends_with(".jpg") || name.ends_with(UNFINISHED);
                if is_ours && !named.contains(&name) {
                    orphans.push(name);
                }
            }
            Ok(orphans)
        };
        let orphans = list().map_err(|error| file_error(&self.folder, error))?;
        self.erase(&orphans);
        Ok(orphans.len())
    }

    /// rename(2) and unlink(2) only change the folder, so the folder is synced.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Creates a folder and its parents for this user only; leaves an existing one as it is.
pub(crate) fn make_folder(folder: &Path) -> Result<(), BoothError> {
    make_private(folder).map_err(|error| file_error(folder, error))
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

pub(crate) fn file_error(path: &Path, source: io::Error) -> BoothError {
    BoothError::File {
        path: path.to_path_buf(),
        source,
    }
}

/// Several times the write-ahead log of one change.
const RESERVE_BYTES: usize = 256 << 10;

/// A file without content of value: deleting it frees disk space, which a database needs even to erase
/// something.
#[derive(Debug)]
pub(crate) struct ReservedSpace {
    file: PathBuf,
}

impl ReservedSpace {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Creates the file if it does not exist and there is space.
    pub(crate) fn fill(&self) {
        let there = fs::metadata(&self.file).map_or(0, |file| file.len());
        if there >= RESERVE_BYTES as u64 {
            return;
        }
        if let Err(error) = self.write() {
            self.release();
            tracing::debug!(file = %self.file.display(), %error, "cannot reserve disk space for erasing");
        }
    }

    fn write(&self) -> io::Result<()> {
        // Random, because zeros take no space on a compressing file system.
        let mut bytes = vec![0; RESERVE_BYTES];
        rand::fill(&mut bytes[..]);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.file)?;
        file.write_all(&bytes)?;
        file.sync_all()
    }

    /// Deletes the file. Returns whether it existed.
    pub(crate) fn release(&self) -> bool {
        fs::remove_file(&self.file).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_picture_is_private_and_deleted_when_erased() {
        let dir = TestFolder::new("pictures");
        let pictures = Pictures::open(&dir.path().join("pictures")).expect("a folder");
        let name = pictures.keep(b"abc").expect("room");
        assert_eq!(
            pictures.read(&name).expect("readable"),
            Some(b"abc".to_vec())
        );
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&pictures.folder), 0o700);
        assert_eq!(mode(&pictures.folder.join(&name)), 0o600);
        pictures.erase(std::slice::from_ref(&name));
        assert_eq!(pictures.read(&name).expect("readable"), None);
        assert!(!pictures.has(&name));
    }

    #[test]
    fn orphans_are_swept_and_nothing_else() {
        let dir = TestFolder::new("sweep");
        let pictures = Pictures::open(dir.path()).expect("a folder");
        let kept = pictures.keep(b"kept").expect("room");
        let orphan = pictures.keep(b"orphan").expect("room");
        for other in ["0123.jpg.part", "notes.txt"] {
            fs::write(dir.path().join(other), b"?").expect("room");
        }
        let swept = pictures.sweep(&HashSet::from([kept.clone()]));
        assert_eq!(swept.expect("readable"), 2);
        assert!(pictures.has(&kept) && !pictures.has(&orphan));
        assert!(pictures.has("notes.txt"), "somebody else's");
    }

    #[test]
    fn an_uncreatable_folder_is_named() {
        let dir = TestFolder::new("blocked");
        let file = dir.path().join("file");
        fs::write(&file, b"").expect("room");
        let error = Pictures::open(&file.join("pictures")).expect_err("a file is in the way");
        assert!(error.to_string().contains("file/pictures"), "{error}");
    }

    #[test]
    fn space_is_reserved_released_and_reserved_again() {
        let dir = TestFolder::new("reserve");
        let file = dir.path().join("reserve");
        let reserve = ReservedSpace::new(file.clone());
        assert!(!reserve.release(), "no file yet");
        for _ in 0..2 {
            reserve.fill();
            let kept = fs::metadata(&file).expect("there").len();
            assert_eq!(kept, RESERVE_BYTES as u64);
        }
        assert!(reserve.release() && !file.exists());
        reserve.fill();
        assert!(file.exists());
        ReservedSpace::new(file.join("below a file")).fill();
    }
}
