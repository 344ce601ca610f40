//! Files that only this user may read: tokens, keys, certificates.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The content of `file` if `is_valid`, else `fresh`, which is kept there. If it cannot be kept, `lost` says
/// what a restart costs.
pub(crate) fn kept_or(
    file: Option<&Path>,
    is_valid: impl FnOnce(&[u8]) -> bool,
    fresh: Vec<u8>,
    lost: &str,
) -> Vec<u8> {
    let Some(file) = file else { return fresh };
    if let Ok(kept) = std::fs::read(file)
        && is_valid(&kept)
    {
        return kept;
    }
    if let Err(error) = write(file, &fresh) {
        tracing::warn!(%error, file = %file.display(), "this key cannot be kept: after a restart {lost}");
    }
    fresh
}

/// Writes `file` with mode 0600, atomically: a reader sees the old content or all of the new one.
/// Missing folders are made with mode 0700.
pub(crate) fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let new = file.with_extension("new");
    // A leftover of an interrupted write could have any mode, which opening would keep.
    let _ = std::fs::remove_file(&new);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    out.write_all(content)?;
    out.sync_all()?;
    std::fs::rename(new, file)
}
