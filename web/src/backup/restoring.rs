//! Restores a checked backup: everything is staged and made ready beside what is kept, and replaces it at the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use stylise::backup::BoothCopy;

use crate::backup::checking::extract;
use crate::backup::error::{BackupError, at};
use crate::backup::kept::{AUDIT, BOOTH, Entry, FILES, Folder, KeptFolders, SETTINGS, SHUTTER};
use crate::backup::manifest::Manifest;
use crate::backup::swap::{self, Replacement};
use crate::private_file;
use crate::shutter::restored;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RestoreReport {
    pub(crate) jobs: usize,
    pub(crate) pictures: usize,
    /// Jobs whose time was over since the backup was made.
    pub(crate) expired: usize,
    pub(crate) is_closed: bool,
}

/// What is there already and would be replaced.
pub(crate) fn present(folders: &KeptFolders) -> Vec<PathBuf> {
    let files = FILES
        .iter()
        .map(|file| folders.path(file.folder).join(file.name));
    let booth = folders.booth().join("booth.sqlite3");
    files.chain([booth]).filter(|path| path.exists()).collect()
}

/// Nobody else may use the folders. What the backup does not have stays as it is.
pub(crate) fn restore(
    archive: &mut File,
    manifest: &Manifest,
    folders: &KeptFolders,
    now_unix_ms: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RestoreReport, BackupError> {
    let (replacements, report) = stage(archive, manifest, folders, now_unix_ms, progress)?;
    swap::commit(&folders.state, &replacements)?;
    swap::finish(&folders.state)?;
    Ok(report)
}

/// Until [`swap::commit`] nothing of what is kept has changed.
fn stage(
    archive: &mut File,
    manifest: &Manifest,
    folders: &KeptFolders,
    now_unix_ms: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Vec<Replacement>, RestoreReport), BackupError> {
    swap::private_folder(&folders.state)?;
    swap::private_folder(&folders.data)?;
    let staged = KeptFolders {
        state: swap::begin_staging(&folders.state)?,
        data: swap::begin_staging(&folders.data)?,
    };
    let booth = staged.booth();
    let database = booth.join("booth.sqlite3");
    let has_booth = manifest.entries.contains_key(&Entry::Database.name());
    if has_booth {
        swap::private_folder(&booth.join("pictures"))?;
    }
    let own_files = |entry: &Entry| match entry {
        Entry::File(file) => Some(staged.path(file.folder).join(file.name)),
        Entry::Database => Some(database.clone()),
        Entry::Picture(_) | Entry::Manifest => None,
    };
    extract(archive, manifest, own_files, progress)?;
    let mut report = RestoreReport::default();
    if has_booth {
        let copy = BoothCopy::open(&database)?;
        let wanted = copy.pictures();
        let pictures = |entry: &Entry| match entry {
            Entry::Picture(name) if wanted.contains(name) => {
                Some(stylise::backup::picture_file(&booth, name))
            }
            _ => None,
        };
        extract(archive, manifest, pictures, progress)?;
        (report.jobs, report.expired) = (copy.jobs(), copy.expired);
        let held = |name: &&String| {
            let entry = Entry::Picture((*name).clone()).name();
            manifest.entries.contains_key(&entry)
        };
        report.pictures = wanted.iter().filter(held).count();
    }
    report.is_closed = stage_state(&staged, folders, manifest, now_unix_ms)?;
    let replacements = [Folder::State, Folder::Data].map(|folder| Replacement {
        folder: folders.path(folder).to_owned(),
        names: staged_names(staged.path(folder), folder, has_booth),
    });
    Ok((replacements.into(), report))
}

fn staged_names(staged: &Path, folder: Folder, has_booth: bool) -> Vec<String> {
    let files = FILES.iter().filter(|file| file.folder == folder);
    let files = files
        .map(|file| file.name)
        .filter(|name| staged.join(name).exists());
    let booth = (folder == Folder::Data && has_booth).then_some(BOOTH);
    files.chain(booth).map(str::to_owned).collect()
}

/// The files that are not restored as they are. Returns whether the shutter is closed.
fn stage_state(
    staged: &KeptFolders,
    folders: &KeptFolders,
    manifest: &Manifest,
    now_unix_ms: u64,
) -> Result<bool, BackupError> {
    let audit = staged.state.join(AUDIT);
    let present_audit = folders.state.join(AUDIT);
    if !audit.exists() && present_audit.exists() {
        fs::copy(&present_audit, &audit).map_err(at(&present_audit))?;
    }
    // A backup without changed settings: those of now end with it.
    let settings = staged.state.join(SETTINGS);
    if !settings.exists() && folders.state.join(SETTINGS).exists() {
        private_file::write(&settings, b"{}").map_err(at(&settings))?;
    }
    let made_at = crate::shutter::rfc3339(manifest.made_at_unix_ms);
    let what = format!("backup of {made_at} restored");
    let state = restored(&staged.state, &folders.state, &what, now_unix_ms);
    state.ok_or_else(|| {
        let source = std::io::Error::other("cannot be written");
        at(&staged.state.join(SHUTTER))(source)
    })
}
