//! The leaderboard of the day in the state folder: it survives a restart.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use play::Leaderboard;

use crate::backup::kept::LEADERBOARD;
use crate::private_file;

/// Where it is kept; without a path nowhere.
#[derive(Debug)]
pub(super) struct LeaderboardFile {
    path: Option<PathBuf>,
    /// What is in the file.
    kept: Mutex<Leaderboard>,
}

impl LeaderboardFile {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self {
            path: folder.map(|folder| folder.join(LEADERBOARD)),
            kept: Mutex::default(),
        }
    }

    /// A file that cannot be used is set aside.
    pub(super) fn load(&self) -> Leaderboard {
        let Some(path) = &self.path else {
            return Leaderboard::default();
        };
        let why = match std::fs::read(path) {
            Ok(content) => match serde_json::from_slice::<Leaderboard>(&content) {
                Ok(leaderboard) => {
                    let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.clone_from(&leaderboard);
                    return leaderboard;
                }
                Err(error) => error.to_string(),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => return Leaderboard::default(),
            Err(error) => error.to_string(),
        };
        let aside = path.with_extension("json.damaged");
        let moved = std::fs::rename(path, &aside);
        tracing::warn!(
            file = %path.display(),
            set_aside = moved.is_ok(),
            "the leaderboard cannot be read and begins anew: {why}"
        );
        Leaderboard::default()
    }

    /// Writes it if it has changed. A failure is logged: a restart will not know the scores.
    pub(super) fn save(&self, leaderboard: &Leaderboard) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = self.path.as_ref().filter(|_| *kept != *leaderboard) else {
            return;
        };
        let written = serde_json::to_vec(leaderboard)
            .map_err(std::io::Error::from)
            .and_then(|content| private_file::write(path, &content));
        match written {
            Ok(()) => kept.clone_from(leaderboard),
            Err(error) => {
                tracing::warn!(%error, file = %path.display(), "the leaderboard cannot be kept");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    const STORED: &str = r#"{"day": 20000, "entries": {"how-many":
        [{"nickname": {"adjective": "brave", "animal": "otter"}, "score": 4}]}}"#;

    #[test]
    fn it_is_written_when_it_changes_and_read_again() {
        let folder = TestFolder::new();
        let file = LeaderboardFile::new(Some(&folder));
        assert_eq!(file.load(), Leaderboard::default());
        file.save(&Leaderboard::default());
        assert!(!folder.join(LEADERBOARD).exists(), "nothing to keep");
        let leaderboard: Leaderboard = serde_json::from_str(STORED).expect("valid");
        file.save(&leaderboard);
        assert_eq!(LeaderboardFile::new(Some(&folder)).load(), leaderboard);
        std::fs::remove_file(folder.join(LEADERBOARD)).expect("there");
        file.save(&leaderboard);
        assert!(!folder.join(LEADERBOARD).exists(), "it has not changed");
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = TestFolder::new();
        let nobody = STORED.replace("otter", "<script>");
        for damaged in ["{", "", nobody.as_str()] {
            std::fs::write(folder.join(LEADERBOARD), damaged).expect("written");
            let file = LeaderboardFile::new(Some(&folder));
            assert_eq!(file.load(), Leaderboard::default());
            assert!(!folder.join(LEADERBOARD).exists());
            let aside = std::fs::read_to_string(folder.join("leaderboard.json.damaged"));
            assert_eq!(aside.expect("set aside"), damaged);
        }
    }
}
