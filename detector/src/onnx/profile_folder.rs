//! Where ONNX Runtime writes the profile of a session.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// A temporary folder for the profile that ONNX Runtime writes. Dropping it removes the folder.
#[derive(Debug)]
pub(super) struct ProfileFolder(PathBuf);

impl ProfileFolder {
    pub(super) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carrier-placement-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Fails when the folder exists: another user may have prepared it with links.
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// The beginning of the profile's path; ONNX Runtime appends a time and `.json`.
    pub(super) fn prefix(&self) -> PathBuf {
        self.0.join("profile")
    }

    /// The text of the profile, after it was written.
    pub(super) fn read(&self) -> io::Result<String> {
        let first = self.0.read_dir()?.next();
        let entry = first.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))??;
        fs::read_to_string(entry.path())
    }
}

impl Drop for ProfileFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_folder_is_removed() {
        let folder = ProfileFolder::new().expect("temporary folder");
        assert!(folder.read().is_err(), "not written yet");
        let path = folder.prefix().with_extension("json");
        fs::write(&path, "[]").expect("writable");
        assert_eq!(folder.read().expect("written"), "[]");
        drop(folder);
        assert!(!path.exists());
    }
}
