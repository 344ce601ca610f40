//! A place for the profile that ONNX Runtime writes, gone when it has been read or anything failed.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of our own in the temporary one.
#[derive(Debug)]
pub(crate) struct ProfileFolder(PathBuf);

impl ProfileFolder {
    pub(crate) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carrier-placement-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Fails when somebody else made it before: what lies there is not ours to write through.
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// What the profile's name begins with; ONNX Runtime appends a time and `.json`.
    pub(crate) fn prefix(&self) -> PathBuf {
        self.0.join("profile")
    }

    /// The profile, once it is written.
    pub(crate) fn read(&self) -> io::Result<String> {
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
    fn nothing_is_left_behind() {
        let folder = ProfileFolder::new().expect("temporary folder");
        assert!(folder.read().is_err(), "not written yet");
        let path = folder.prefix().with_extension("json");
        fs::write(&path, "[]").expect("writable");
        assert_eq!(folder.read().expect("written"), "[]");
        drop(folder);
        assert!(!path.exists());
    }
}
