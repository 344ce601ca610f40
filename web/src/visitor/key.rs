//! The key that visitors' cookies are signed with, kept in a file of its own.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const KEY_BYTES: usize = 32;

pub(super) type Key = [u8; KEY_BYTES];

/// The kept key, or a new one.
pub(super) fn kept_or_made(file: Option<&Path>) -> Key {
    let fresh: Key = rand::random();
    let Some(file) = file else {
        return fresh;
    };
    let kept = std::fs::read(file);
    if let Ok(kept) = kept.as_deref()
        && let Ok(kept) = Key::try_from(kept)
    {
        return kept;
    }
    if let Err(error) = keep(file, &fresh) {
        tracing::warn!(
            file = %file.display(), %error,
            "the key of visitors' cookies cannot be kept: after a restart each visitor is a new one"
        );
    }
    fresh
}

/// For this user alone, whole or not there.
fn keep(file: &Path, key: &Key) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let part = file.with_extension("part");
    let _ = std::fs::remove_file(&part);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    out.write_all(key)?;
    out.sync_all()?;
    std::fs::rename(part, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_kept_private_and_one_that_is_cut_off_is_replaced() {
        let folder =
            std::env::temp_dir().join(format!("carrier-visitors-{:016x}", rand::random::<u64>()));
        let file = folder.join("data/visitor-key");
        let first = kept_or_made(Some(&file));
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(kept_or_made(Some(&file)), first);
        std::fs::write(&file, &first[..5]).expect("writable");
        let second = kept_or_made(Some(&file));
        assert_ne!(second, first);
        assert_eq!(kept_or_made(Some(&file)), second);
        let blocked = kept_or_made(Some(&file.join("below a file")));
        assert_ne!(blocked, kept_or_made(None));
        std::fs::remove_dir_all(folder).expect("cleaned");
    }
}
