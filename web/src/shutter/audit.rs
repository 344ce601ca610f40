//! The log of decisions about privacy: an append-only file of JSON lines, the newest in memory.

use std::collections::VecDeque;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rules::Cause;

/// Entries in memory, for the control page.
const KEPT: usize = 200;
/// The end of the file that is read at the start: more than the kept entries need.
const TAIL_BYTES: u64 = 256 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) at_unix_ms: u64,
    /// In plain words, e.g. "shutter closed".
    pub(crate) what: String,
    pub(crate) by: Cause,
    pub(crate) who: Option<String>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Audit {
    path: Option<PathBuf>,
    /// The last write was cut off within a line.
    is_cut_off: bool,
    newest: VecDeque<AuditEntry>,
}

impl Audit {
    /// Reads the newest entries; lines that cannot be read are left out.
    pub(crate) fn open(folder: Option<&Path>) -> Self {
        let path = folder.map(|folder| folder.join("audit.jsonl"));
        let tail = path.as_deref().and_then(|path| tail(path).ok());
        let tail = tail.unwrap_or_default();
        let text = String::from_utf8_lossy(&tail);
        let mut newest: VecDeque<AuditEntry> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        newest.drain(..newest.len().saturating_sub(KEPT));
        let is_cut_off = tail.last().is_some_and(|last| *last != b'\n');
        Self {
            path,
            is_cut_off,
            newest,
        }
    }

    /// Appends an entry; a file that cannot be written is logged.
    pub(crate) fn record(&mut self, entry: AuditEntry) {
        tracing::info!(what = entry.what, by = ?entry.by, reason = entry.reason, "audit");
        if let Some(path) = &self.path {
            match append(path, &entry, self.is_cut_off) {
                Ok(()) => self.is_cut_off = false,
                Err(error) => tracing::error!(%error, "cannot write {}", path.display()),
            }
        }
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(entry);
    }

    /// Newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &AuditEntry> {
        self.newest.iter().rev()
    }
}

fn append(path: &Path, entry: &AuditEntry, is_cut_off: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    let mut line = Vec::from_iter(is_cut_off.then_some(b'\n'));
    serde_json::to_writer(&mut line, entry)?;
    line.push(b'\n');
    // One call, so that a crash leaves whole lines before it.
    file.write_all(&line)?;
    file.sync_data()
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn entry(at_unix_ms: u64) -> AuditEntry {
        AuditEntry {
            at_unix_ms,
            what: "shutter closed".to_owned(),
            by: Cause::Person,
            who: None,
            reason: Some("lunch\n\"quoted\"".to_owned()),
        }
    }

    #[test]
    fn entries_are_appended_and_the_newest_read_back() {
        let folder = TestFolder::new();
        let mut audit = Audit::open(Some(&folder));
        for at in 0..300 {
            audit.record(entry(at));
        }
        let path = folder.join("audit.jsonl");
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 300);
        let again = Audit::open(Some(&folder));
        let read: Vec<u64> = again.newest().map(|entry| entry.at_unix_ms).collect();
        assert_eq!(read, (100..300).rev().collect::<Vec<u64>>());
    }

    #[test]
    fn a_half_written_or_foreign_line_is_left_out() {
        let folder = TestFolder::new();
        let path = folder.join("audit.jsonl");
        let mut audit = Audit::open(Some(&folder));
        audit.record(entry(1));
        let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
        file.write_all(b"\xff\xfe not json\n{\"at_unix_ms\":2")
            .expect("written");
        let mut again = Audit::open(Some(&folder));
        assert_eq!(again.newest().count(), 1);
        again.record(entry(3));
        assert_eq!(Audit::open(Some(&folder)).newest().count(), 2);
        let nowhere = Audit::open(None);
        assert_eq!(nowhere.newest().count(), 0);
    }
}
