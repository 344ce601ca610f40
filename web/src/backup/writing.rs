//! Makes a backup: pictures, the database that names them, the program's own files, and the manifest, as a tar archive.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use stylise::backup::{BoothCopy, SCHEMA, picture};
use tar::{Builder, EntryType, Header};

use crate::access::hex;
use crate::backup::error::{BackupError, at};
use crate::backup::kept::{Entry, FILES, KeptFolders, SHUTTER};
use crate::backup::manifest::{Fingerprint, Manifest};
use crate::shutter::kept_state;

/// Whether tokens and keys are in the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    Included,
    LeftOut,
}

#[derive(Debug)]
pub(crate) struct BackupReport {
    pub(crate) bytes: u64,
    pub(crate) jobs: usize,
    pub(crate) pictures: usize,
    /// Jobs that were erased while the backup was made.
    pub(crate) erased: usize,
    pub(crate) secrets: Vec<&'static str>,
}

/// Writes a backup of what is in `folders` now. `progress` gets the pictures that are done, and all.
pub(crate) fn write<W: Write>(
    out: W,
    folders: &KeptFolders,
    secrets: Secrets,
    now_unix_ms: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport, BackupError> {
    let work = WorkFolder::create(&folders.data)?;
    let mut archive = Archive {
        tar: Builder::new(out),
        manifest: Manifest::new(now_unix_ms, secrets == Secrets::Included),
    };
    let mut report = BackupReport {
        bytes: 0,
        jobs: 0,
        pictures: 0,
        erased: 0,
        secrets: Vec::new(),
    };
    let database = work.path.join("booth.sqlite3");
    if let Some(mut copy) = BoothCopy::of_booth(&folders.booth(), &database)? {
        let (pictures, missing) = archive.add_pictures(&copy, folders, progress)?;
        report.erased = copy.forget(&missing)?;
        report.jobs = copy.jobs();
        report.pictures = pictures;
        archive.manifest.schema = Some(SCHEMA);
        archive.add_file(&Entry::Database, &database)?;
    }
    for file in &FILES {
        if file.is_secret && secrets == Secrets::LeftOut {
            continue;
        }
        let path = folders.path(file.folder).join(file.name);
        let content = match fs::read(&path) {
            // Without a file it is open, which a restore must not have to guess.
            Err(error) if error.kind() == ErrorKind::NotFound && file.name == SHUTTER => {
                let state = kept_state(Some(&folders.state), now_unix_ms);
                serde_json::to_vec(&state).map_err(io::Error::from)
            }
            read => read,
        };
        match content {
            Ok(content) => archive.add(&Entry::File(file), &content)?,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&path)(error)),
        }
        if file.is_secret {
            report.secrets.push(file.name);
        }
    }
    report.bytes = archive.finish()?;
    Ok(report)
}

struct Archive<W: Write> {
    tar: Builder<W>,
    manifest: Manifest,
}

impl<W: Write> Archive<W> {
    /// Returns how many there were, and which were erased meanwhile.
    fn add_pictures(
        &mut self,
        copy: &BoothCopy,
        folders: &KeptFolders,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(usize, HashSet<String>), BackupError> {
        let mut missing = HashSet::new();
        let mut names: Vec<String> = copy.pictures().into_iter().collect();
        names.sort();
        let all = names.len();
        for (name, done) in names.into_iter().zip(1..) {
            match picture(&folders.booth(), &name)? {
                Some(jpeg) => self.add(&Entry::Picture(name), &jpeg)?,
                None => drop(missing.insert(name)),
            }
            progress(done, all as u64);
        }
        Ok((all - missing.len(), missing))
    }

    fn add(&mut self, entry: &Entry, content: &[u8]) -> Result<(), BackupError> {
        self.append(entry, content.len() as u64, content)
    }

    fn add_file(&mut self, entry: &Entry, path: &Path) -> Result<(), BackupError> {
        let file = File::open(path).map_err(at(path))?;
        let bytes = file.metadata().map_err(at(path))?.len();
        self.append(entry, bytes, file)
    }

    fn append(&mut self, entry: &Entry, bytes: u64, content: impl Read) -> Result<(), BackupError> {
        let name = entry.name();
        let seconds = self.manifest.made_at_unix_ms / 1000;
        let mut content = Hashing {
            inner: content,
            hash: Sha256::new(),
        };
        append_entry(&mut self.tar, &name, bytes, seconds, &mut content).map_err(|source| {
            BackupError::File {
                path: name.clone().into(),
                source,
            }
        })?;
        let sha256 = hex(content.hash.finalize());
        self.manifest
            .entries
            .insert(name, Fingerprint { bytes, sha256 });
        Ok(())
    }

    /// Returns the bytes of all entries.
    fn finish(mut self) -> Result<u64, BackupError> {
        let bytes = self.manifest.bytes();
        let json = serde_json::to_vec_pretty(&self.manifest).map_err(io::Error::from);
        let seconds = self.manifest.made_at_unix_ms / 1000;
        let written = json.and_then(|json| {
            let name = Entry::Manifest.name();
            append_entry(&mut self.tar, &name, json.len() as u64, seconds, &json[..])?;
            self.tar.into_inner()?.flush()
        });
        written.map_err(|source| BackupError::File {
            path: Entry::Manifest.name().into(),
            source,
        })?;
        Ok(bytes)
    }
}

/// Also for tests, which make archives that no program would make.
pub(crate) fn append_entry<W: Write>(
    tar: &mut Builder<W>,
    name: &str,
    bytes: u64,
    made_at_s: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(made_at_s);
    header.set_cksum();
    tar.append(&header, content)
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

const WORK: &str = ".backup";
const LOCK: &str = "lock";

/// A folder for the copy of the database, removed on drop. It is on the disk of the database, for this user only.
struct WorkFolder {
    path: PathBuf,
    _lock: File,
}

impl WorkFolder {
    fn create(data: &Path) -> Result<Self, BackupError> {
        let path = data.join(WORK);
        let mut folder = DirBuilder::new();
        let made = folder.recursive(true).mode(0o700).create(&path);
        made.map_err(at(&path))?;
        match lock(&path) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(BackupError::BackupRuns(data.to_owned())),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn lock(work: &Path) -> Result<File, TryLockError> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600);
    let file = file.open(work.join(LOCK)).map_err(TryLockError::Error)?;
    file.try_lock().map(|()| file)
}

/// Deletes what a killed backup left: visitors' pictures may be named in it that were erased since.
pub(crate) fn remove_leftover(data: &Path) {
    let work = data.join(WORK);
    if !work.exists() {
        return;
    }
    let Ok(_unused) = lock(&work) else { return };
    if let Err(error) = fs::remove_dir_all(&work) {
        let work = work.display();
        tracing::warn!(%error, "the leftover of a backup cannot be deleted: {work}");
    }
}
