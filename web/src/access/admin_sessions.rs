//! The sessions of the admin's browsers, kept in a file: who is signed in stays so over a restart.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ring::hmac;

use super::session_table::SessionTable;
use crate::access::{hex, random_id};
use crate::private_file;

#[derive(Debug)]
pub(crate) struct AdminSessions {
    table: Mutex<SessionTable>,
    /// The admin token: with another one, no kept session is found.
    key: hmac::Key,
    /// `None`: they last for this run. It is locked while it is written, so that requests do not wait for the disk.
    file: Mutex<Option<PathBuf>>,
}

impl AdminSessions {
    /// Those that were kept in `file`, if they were opened for this `token`.
    pub(crate) fn load(token: &str, file: Option<PathBuf>) -> Self {
        let table = file.as_deref().and_then(read).unwrap_or_default();
        Self {
            table: Mutex::new(table),
            key: hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes()),
            file: Mutex::new(file),
        }
    }

    /// Opens a session and returns its name, for the cookie. Writes the file.
    pub(crate) fn open(&self) -> String {
        let name = random_id();
        let digest = self.digest(&name);
        self.change(|table| table.open(digest, Instant::now()));
        name
    }

    pub(crate) fn is_open(&self, name: &str, now: Instant) -> bool {
        locked(&self.table).is_open(&self.digest(name), now)
    }

    /// Ends a session. Writes the file.
    pub(crate) fn end(&self, name: &str) {
        self.change(|table| table.end(&self.digest(name)));
    }

    /// Writes the file.
    pub(crate) fn end_all(&self) {
        self.change(SessionTable::end_all);
    }

    fn change(&self, change: impl FnOnce(&mut SessionTable)) {
        let file = locked(&self.file);
        let kept = {
            let mut table = locked(&self.table);
            change(&mut table);
            table.to_kept(Instant::now(), now_unix_s())
        };
        let Some(file) = file.as_deref() else { return };
        let written = serde_json::to_vec(&kept)
            .map_err(std::io::Error::from)
            .and_then(|content| private_file::write(file, &content));
        if let Err(error) = written {
            let file = file.display();
            tracing::warn!(%error, "{file} cannot be written: after a restart, the sessions of before are open");
        }
    }

    fn digest(&self, name: &str) -> String {
        hex(hmac::sign(&self.key, name.as_bytes()))
    }
}

/// A damaged file signs everybody out.
fn read(file: &Path) -> Option<SessionTable> {
    let content = match std::fs::read(file) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "{} cannot be read: the owner has to sign in again", file.display());
            return None;
        }
    };
    match serde_json::from_slice(&content) {
        Ok(kept) => Some(SessionTable::from_kept(kept, Instant::now(), now_unix_s())),
        Err(error) => {
            tracing::warn!(%error, "{} is damaged: the owner has to sign in again", file.display());
            None
        }
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_unix_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_session_outlives_the_program_and_not_its_token() {
        let folder = TestFolder::new();
        let file = folder.join("admin-sessions.json");
        let load = |token: &str| AdminSessions::load(token, Some(file.clone()));
        let first = load("a token");
        let (kept, ended) = (first.open(), first.open());
        first.end(&ended);
        let mode = std::fs::metadata(&file)
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let content = std::fs::read_to_string(&file).expect("written");
        assert!(!content.contains(&kept), "names are not kept: {content}");

        let now = Instant::now();
        let again = load("a token");
        assert!(again.is_open(&kept, now) && !again.is_open(&ended, now));
        assert!(!load("another token").is_open(&kept, now));
        again.end_all();
        assert!(!again.is_open(&kept, now));
        assert!(!load("a token").is_open(&kept, now));
    }

    #[test]
    fn a_damaged_file_signs_everybody_out() {
        let folder = TestFolder::new();
        let file = folder.join("admin-sessions.json");
        let name = AdminSessions::load("token", Some(file.clone())).open();
        for content in ["", "{", "[]", r#"{"a":-1}"#, "\u{0}"] {
            std::fs::write(&file, content).expect("written");
            let sessions = AdminSessions::load("token", Some(file.clone()));
            assert!(!sessions.is_open(&name, Instant::now()), "{content:?}");
            assert!(sessions.is_open(&sessions.open(), Instant::now()));
        }
    }

    #[test]
    fn without_a_file_that_can_be_written_sessions_are_for_this_run() {
        for file in [
            None,
            Some(PathBuf::from("/proc/carrier/admin-sessions.json")),
        ] {
            let sessions = AdminSessions::load("token", file);
            let name = sessions.open();
            assert!(sessions.is_open(&name, Instant::now()));
        }
    }
}
