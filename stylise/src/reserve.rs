//! Room that is kept on the disk for erasing: a database needs some even to forget something.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Some times what the log of one change takes.
const RESERVE_BYTES: usize = 256 << 10;

/// A file of nothing, which makes room when it goes.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: PathBuf,
}

impl Reserve {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Keeps the room, if it is not kept already and there is any.
    pub(crate) fn fill(&self) {
        let there = fs::metadata(&self.file).map_or(0, |file| file.len());
        if there >= RESERVE_BYTES as u64 {
            return;
        }
        if let Err(error) = self.write() {
            self.release();
            tracing::debug!(file = %self.file.display(), %error, "no room can be kept for erasing now");
        }
    }

    fn write(&self) -> io::Result<()> {
        // Random: zeros would take no room on a disk that compresses.
        let mut bytes = vec![0; RESERVE_BYTES];
        rand::fill(&mut bytes[..]);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.file)?;
        file.write_all(&bytes)?;
        file.sync_all()
    }

    /// Gives the room back to the disk. Whether there was any.
    pub(crate) fn release(&self) -> bool {
        fs::remove_file(&self.file).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn room_is_kept_given_back_and_kept_again() {
        let scratch = Scratch::new("reserve");
        let file = scratch.path().join("reserve");
        let reserve = Reserve::new(file.clone());
        assert!(!reserve.release(), "nothing yet");
        for _ in 0..2 {
            reserve.fill();
            let kept = fs::metadata(&file).expect("there").len();
            assert_eq!(kept, RESERVE_BYTES as u64);
        }
        assert!(reserve.release() && !file.exists());
        reserve.fill();
        assert!(file.exists());
        Reserve::new(file.join("below a file")).fill();
    }
}
