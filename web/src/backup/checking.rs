//! Reads an archive that anybody may have made. Entries are read one by one, each at most as long as its kind may be;
//! only plain files with known names are accepted, and nothing is written before all of them have the hash that the
//! manifest has for them. Nothing is compressed, so that an archive is never larger than its file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write, sink};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use crate::access::hex;
use crate::backup::error::{BackupError, at};
use crate::backup::kept::Entry;
use crate::backup::manifest::{Fingerprint, Manifest};

const ENTRIES_MAX: usize = 200_000;
const CHUNK_BYTES: usize = 64 << 10;

/// Checks a whole archive. `progress` gets the bytes that were read, and all.
pub(crate) fn check(
    archive: &mut File,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Manifest, BackupError> {
    let all = archive.metadata().map_err(BackupError::Unreadable)?.len();
    let mut found = BTreeMap::new();
    let mut manifest = None;
    let mut done = 0;
    each_entry(archive, |entry, content| {
        if manifest.is_some() {
            return Err(BackupError::Foreign(
                "an entry after the manifest".to_owned(),
            ));
        }
        if entry == Entry::Manifest {
            let mut json = Vec::new();
            copy(content, &mut json)?;
            manifest = Some(Manifest::read(&json)?);
            return Ok(());
        }
        let name = entry.name();
        let fingerprint = copy(content, &mut sink())?;
        done += fingerprint.bytes;
        progress(done.min(all), all);
        if found.len() == ENTRIES_MAX || found.contains_key(&name) {
            return Err(BackupError::Foreign(format!("{name}, once more")));
        }
        found.insert(name, fingerprint);
        Ok(())
    })?;
    let manifest = manifest.ok_or(BackupError::NoBackup("it has no manifest at its end"))?;
    let differing = manifest
        .entries
        .iter()
        .find(|(name, listed)| found.get(*name) != Some(*listed));
    if let Some((name, _)) = differing {
        return Err(BackupError::Damaged(name.escape_default().to_string()));
    }
    let unlisted = found
        .keys()
        .find(|name| !manifest.entries.contains_key(*name));
    match unlisted {
        Some(name) => Err(BackupError::Foreign(name.clone())),
        None => Ok(manifest),
    }
}

/// Writes the entries for which `target` gives a path to new files there, and checks them once more.
pub(crate) fn extract(
    archive: &mut File,
    manifest: &Manifest,
    target: impl Fn(&Entry) -> Option<PathBuf>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), BackupError> {
    let (mut done, all) = (0, manifest.bytes());
    each_entry(archive, |entry, content| {
        let Some(path) = target(&entry) else {
            return Ok(());
        };
        let name = entry.name();
        let listed = manifest.entries.get(&name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(at(&path))?;
        let written = copy(content, &mut file).map_err(|error| match error {
            BackupError::Unwritable(error) => at(&path)(error),
            other => other,
        })?;
        file.sync_all().map_err(at(&path))?;
        if Some(&written) != listed {
            return Err(BackupError::Damaged(name));
        }
        done += written.bytes;
        progress(done, all);
        Ok(())
    })
}

/// Calls `work` with each entry and its content.
fn each_entry(
    archive: &mut File,
    mut work: impl FnMut(Entry, &mut dyn Read) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    archive
        .seek(SeekFrom::Start(0))
        .map_err(BackupError::Unreadable)?;
    let mut archive = Archive::new(archive);
    let entries = archive.entries().map_err(BackupError::Unreadable)?;
    // Raw: extensions for long names, links and sparse files are entries of a kind that is refused.
    for file in entries.raw(true) {
        let mut file = file.map_err(BackupError::Unreadable)?;
        let header = file.header();
        let name = header.path_bytes();
        let foreign = || BackupError::Foreign(String::from_utf8_lossy(&name).into_owned());
        if header.entry_type() != EntryType::Regular {
            return Err(foreign());
        }
        let entry = str::from_utf8(&name).ok().and_then(Entry::named);
        let entry = entry.ok_or_else(foreign)?;
        let bytes = header.size().map_err(BackupError::Unreadable)?;
        if bytes > entry.bytes_max() {
            return Err(BackupError::Foreign(format!(
                "{bytes} bytes of {}",
                entry.name()
            )));
        }
        let mut content = Exactly {
            inner: &mut file,
            left: bytes,
        };
        work(entry, &mut content)?;
    }
    Ok(())
}

/// Ends only after the promised length.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<Fingerprint, BackupError> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = from.read(&mut chunk).map_err(BackupError::Unreadable)?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        to.write_all(&chunk[..count])
            .map_err(BackupError::Unwritable)?;
        bytes += count as u64;
    }
    Ok(Fingerprint {
        bytes,
        sha256: hex(hash.finalize()),
    })
}
