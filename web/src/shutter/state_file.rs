//! The shutter's state on the disk: closed stays closed over a restart or a crash.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::rules::{Cause, ShutterState};
use crate::private_file;

/// Where the state is kept; `None`: nowhere.
#[derive(Debug)]
pub(crate) struct StateFile(Option<PathBuf>);

impl StateFile {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self(folder.map(|folder| folder.join("shutter.json")))
    }

    /// The state at the start. A missing file is a first run; a damaged or unreadable one means closed.
    pub(crate) fn load(&self, now_unix_ms: u64) -> ShutterState {
        let first_run = ShutterState::new(false, Cause::Start, now_unix_ms);
        let Some(path) = &self.0 else {
            return first_run;
        };
        let why = match std::fs::read(path) {
            Ok(content) => match serde_json::from_slice(&content) {
                Ok(state) => return state,
                Err(error) => format!("{} is damaged: {error}", path.display()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => return first_run,
            Err(error) => format!("{} cannot be read: {error}", path.display()),
        };
        tracing::error!("the camera stays closed until somebody opens it: {why}");
        ShutterState {
            reason: Some("The state of the shutter was lost.".to_owned()),
            ..ShutterState::new(true, Cause::StateFile, now_unix_ms)
        }
    }

    /// Writes the state. `false`, logged: a restart will not know it.
    pub(crate) fn save(&self, state: &ShutterState) -> bool {
        let Some(path) = &self.0 else {
            return false;
        };
        let written = serde_json::to_vec(state)
            .map_err(std::io::Error::from)
            .and_then(|content| private_file::write(path, &content));
        if let Err(error) = &written {
            let path = path.display();
            tracing::error!(%error, "the state of the shutter cannot be kept in {path}");
        }
        written.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn the_state_outlives_the_program() {
        let folder = TestFolder::new();
        let file = StateFile::new(Some(&folder));
        assert!(!file.load(7).closed, "a first run");
        let state = ShutterState {
            who: Some("terminal".to_owned()),
            ..ShutterState::new(true, Cause::Person, 99)
        };
        assert!(file.save(&state));
        assert_eq!(StateFile::new(Some(&folder)).load(1000), state);
    }

    #[test]
    fn a_damaged_or_unreadable_file_means_closed() {
        let folder = TestFolder::new();
        let path = folder.join("shutter.json");
        let contents = ["", "{", "null", "[]", r#"{"closed":false}"#, "\u{0}\u{0}"];
        let file = StateFile::new(Some(&folder));
        for content in contents {
            std::fs::write(&path, content).expect("written");
            let state = file.load(5);
            assert!(state.closed && state.by == Cause::StateFile, "{content:?}");
        }
        std::fs::remove_file(&path).expect("removed");
        std::fs::create_dir(&path).expect("created");
        assert!(file.load(5).closed, "a folder of that name");
        assert!(!file.save(&ShutterState::new(false, Cause::Person, 5)));
    }
}
