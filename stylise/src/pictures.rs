//! The pictures on the disk: each a file with a random name, whole or not there.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::BoothError;

/// What an unfinished file ends with.
const UNFINISHED: &str = ".part";

/// A folder of pictures that nobody else may read.
///
/// A picture is kept before the database speaks of it, and erased after the database does not any more: a
/// program that is killed in between leaves a file without a row, never a row without a file, and
/// [`Pictures::sweep`] takes it away.
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

    /// Keeps a picture, and says its name. It is on disk when this returns.
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
            // Such as a full disk: the next attempt needs the room.
            let _ = fs::remove_file(&part);
            at(&part, error)
        })?;
        Ok(name)
    }

    /// Somebody may have deleted the folder.
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

    /// None when it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BoothError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path, error)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.join(name).is_file()
    }

    /// Erases pictures that the database speaks of no more. What cannot be erased is logged, and swept at the
    /// next start.
    pub(crate) fn erase(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        for name in names {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::error!(path = %path.display(), %error, "a picture could not be erased; the next start tries again");
                }
                _ => {}
            }
        }
        if let Err(error) = self.sync() {
            tracing::warn!(folder = %self.folder.display(), %error, "a folder could not be synced");
        }
    }

    /// Erases all but those `named`, unfinished ones included. How many.
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
        let orphans = list().map_err(|error| at(&self.folder, error))?;
        self.erase(&orphans);
        Ok(orphans.len())
    }

    /// A name is on disk when its folder is (rename(2) and unlink(2) only change the folder).
    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Makes a folder, and those above it, for this user only; one that is there is left as it is.
pub(crate) fn make_folder(folder: &Path) -> Result<(), BoothError> {
    make_private(folder).map_err(|error| at(folder, error))
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn at(path: &Path, source: io::Error) -> BoothError {
    BoothError::File {
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_picture_is_kept_for_its_owner_only_and_gone_when_erased() {
        let scratch = Scratch::new("pictures");
        let pictures = Pictures::open(&scratch.path().join("pictures")).expect("a folder");
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
    fn what_nobody_speaks_of_is_swept_and_nothing_else() {
        let scratch = Scratch::new("sweep");
        let pictures = Pictures::open(scratch.path()).expect("a folder");
        let kept = pictures.keep(b"kept").expect("room");
        let orphan = pictures.keep(b"orphan").expect("room");
        for other in ["0123.jpg.part", "notes.txt"] {
            fs::write(scratch.path().join(other), b"?").expect("room");
        }
        let swept = pictures.sweep(&HashSet::from([kept.clone()]));
        assert_eq!(swept.expect("readable"), 2);
        assert!(pictures.has(&kept) && !pictures.has(&orphan));
        assert!(pictures.has("notes.txt"), "somebody else's");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let scratch = Scratch::new("blocked");
        let file = scratch.path().join("file");
        fs::write(&file, b"").expect("room");
        let error = Pictures::open(&file.join("pictures")).expect_err("a file is in the way");
        assert!(error.to_string().contains("file/pictures"), "{error}");
    }
}
