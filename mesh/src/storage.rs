//! The files of the mesh: the key, the members, the records of the event, and the count of starts.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::members::Members;
use crate::record::{EventId, PictureHash};
use crate::shared_log::SharedLog;

const MEMBERS_FILE: &str = "members.json";
const STARTS_FILE: &str = "starts";
const HIDDEN_FILE: &str = "hidden";
const LOG_SUFFIX: &str = "log";
/// Records of other events are kept for so long after they changed last.
const OLD_EVENTS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("{}: {error}", .file.display())]
    File { file: PathBuf, error: io::Error },
    #[error("{} is damaged: restore it from a backup, or remove it", .0.display())]
    Damaged(PathBuf),
}

/// A folder that only this user may read.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    folder: PathBuf,
}

impl Storage {
    pub(crate) fn open(folder: &Path) -> Result<Self, StorageError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| StorageError::File {
            file: folder.to_owned(),
            error,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn failed(&self, name: &str, error: io::Error) -> StorageError {
        let file = self.folder.join(name);
        StorageError::File { file, error }
    }

    pub(crate) fn damaged(&self, name: &str) -> StorageError {
        StorageError::Damaged(self.folder.join(name))
    }

    /// `None`: there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Atomic: a reader sees the old content or all of the new one.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        let write = || {
            let new = self.folder.join(format!("{name}.new"));
            // A leftover of an interrupted write could have any mode, which opening would keep.
            let _ = std::fs::remove_file(&new);
            let mut out = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            out.write_all(content)?;
            out.sync_all()?;
            std::fs::rename(new, self.folder.join(name))
        };
        write().map_err(|error| self.failed(name, error))
    }

    /// Whom this carrier is paired with. A damaged list is an error: with an empty one, a revoked carrier and a lost one
    /// would look the same.
    pub(crate) fn members(&self) -> Result<Members, StorageError> {
        match self.read(MEMBERS_FILE)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| self.damaged(MEMBERS_FILE)),
            None => Ok(Members::default()),
        }
    }

    pub(crate) fn save_members(&self, members: &Members) -> Result<(), StorageError> {
        let bytes = serde_json::to_vec_pretty(members).unwrap_or_default();
        self.write(MEMBERS_FILE, &bytes)
    }

    /// The pictures of others that the owner hid. A damaged list is an error: they would be shown again.
    pub(crate) fn hidden(&self) -> Result<BTreeSet<PictureHash>, StorageError> {
        let bytes = self.read(HIDDEN_FILE)?.unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| self.damaged(HIDDEN_FILE))?;
        let read = text.lines().map(PictureHash::of_hex);
        read.collect::<Option<_>>()
            .ok_or_else(|| self.damaged(HIDDEN_FILE))
    }

    pub(crate) fn save_hidden(&self, hidden: &BTreeSet<PictureHash>) -> Result<(), StorageError> {
        let lines = hidden.iter().map(|picture| picture.hex() + "\n");
        self.write(HIDDEN_FILE, lines.collect::<String>().as_bytes())
    }

    /// The records of `event`. Those that cannot be read are left behind: the other carriers have them.
    pub(crate) fn log(&self, event: EventId) -> SharedLog {
        let kept = self.read(&log_file(event)).ok().flatten();
        let kept = kept.map(|bytes| SharedLog::decode(&bytes, event));
        if matches!(kept, Some(None)) {
            tracing::warn!(
                "the shared records of this event are damaged: they come back from other carriers"
            );
        }
        kept.flatten().unwrap_or_else(|| SharedLog::new(event))
    }

    pub(crate) fn save_log(&self, event: EventId, encoded: &[u8]) -> Result<(), StorageError> {
        self.write(&log_file(event), encoded)
    }

    /// Counts one more start of the program.
    pub(crate) fn count_start(&self) -> Result<u32, StorageError> {
        let kept = self.read(STARTS_FILE)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&kept);
        let starts = text.trim().parse::<u32>().unwrap_or(0).saturating_add(1);
        self.write(STARTS_FILE, format!("{starts}\n").as_bytes())?;
        Ok(starts)
    }

    /// Removes the records of events that are long over.
    pub(crate) fn remove_old_events(&self, event: EventId, now: SystemTime) {
        let Ok(files) = std::fs::read_dir(&self.folder) else {
            return;
        };
        for file in files.flatten() {
            let path = file.path();
            let is_log = path.extension().is_some_and(|suffix| suffix == LOG_SUFFIX);
            let is_other = path
                .file_name()
                .is_some_and(|name| name != log_file(event).as_str());
            let changed = file.metadata().and_then(|metadata| metadata.modified());
            let is_old = changed.is_ok_and(|changed| {
                now.duration_since(changed)
                    .is_ok_and(|age| age > OLD_EVENTS_KEPT)
            });
            if is_log && is_other && is_old {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn log_file(event: EventId) -> String {
    format!("{}.{LOG_SUFFIX}", event.hex())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder that is removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let unique = format!("carrier-mesh-{name}-{:016x}", rand::random::<u64>());
            Self(std::env::temp_dir().join(unique))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_key_stays_and_only_this_user_reads_it() {
        let folder = Folder::new("key");
        let storage = Storage::open(&folder.0).unwrap();
        let key = crate::identity::kept_or_made(&storage).unwrap();
        let again = crate::identity::kept_or_made(&storage).unwrap();
        assert_eq!(key.public(), again.public());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.0.join("key")), 0o600);
        assert_eq!(mode(&folder.0), 0o700);
        std::fs::write(folder.0.join("key"), b"short").unwrap();
        assert!(crate::identity::kept_or_made(&storage).is_err());
    }

    #[test]
    fn starts_are_counted_and_members_kept() {
        let folder = Folder::new("members");
        let storage = Storage::open(&folder.0).unwrap();
        assert_eq!(storage.count_start().unwrap(), 1);
        assert_eq!(storage.count_start().unwrap(), 2);
        let mut members = storage.members().unwrap();
        let id = iroh::SecretKey::generate().public();
        let address = "192.168.1.4:7442".parse().unwrap();
        members.add(id, "north", [address]).unwrap();
        storage.save_members(&members).unwrap();
        assert_eq!(storage.members().unwrap(), members);
        let hidden = BTreeSet::from([PictureHash::of(b"1"), PictureHash::of(b"2")]);
        assert!(storage.hidden().unwrap().is_empty());
        storage.save_hidden(&hidden).unwrap();
        assert_eq!(storage.hidden().unwrap(), hidden);
        std::fs::write(folder.0.join(MEMBERS_FILE), b"{").unwrap();
        assert!(matches!(storage.members(), Err(StorageError::Damaged(_))));
    }

    #[test]
    fn records_of_an_old_event_are_removed() {
        let folder = Folder::new("events");
        let storage = Storage::open(&folder.0).unwrap();
        let (old, now) = (EventId::of_name("old"), EventId::of_name("now"));
        for event in [old, now] {
            let log = SharedLog::new(event);
            storage.save_log(event, &log.encode()).unwrap();
        }
        let later = SystemTime::now() + OLD_EVENTS_KEPT + Duration::from_secs(60);
        storage.remove_old_events(now, SystemTime::now());
        assert!(folder.0.join(log_file(old)).exists());
        storage.remove_old_events(now, later);
        assert!(!folder.0.join(log_file(old)).exists());
        assert!(folder.0.join(log_file(now)).exists());
    }
}
