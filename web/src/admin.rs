//! The admin token: who may change what others see.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::credentials::{CookieName, equal};

/// What a page holds instead of the token itself.
pub(crate) const COOKIE: CookieName = CookieName {
    plain: "carrier_admin",
    secure: "__Host-carrier_admin",
};

/// Shorter ones in the file are leftovers.
const KEPT_LENGTH_MIN: usize = 8;

/// The token and how it came to be.
#[derive(Debug)]
pub(crate) struct AdminToken {
    token: String,
    pub(crate) origin: TokenOrigin,
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenOrigin {
    /// The configuration, or the environment.
    Configured,
    /// This file, from an earlier start.
    Kept(PathBuf),
    /// Made by this start, and kept in this file: the one time it is printed.
    New(PathBuf),
    /// Made by this start, and kept nowhere.
    ThisRun,
}

impl AdminToken {
    /// The configured token, else the one kept in `file`, else a new one, kept there if that is possible:
    /// a station without a folder of its own serves all the same.
    pub(crate) fn obtain(configured: Option<&str>, file: Option<&Path>) -> Self {
        if let Some(token) = configured {
            return Self::new(token.trim().to_owned(), TokenOrigin::Configured);
        }
        let advice = "the admin token is for this run only; set CARRIER_ADMIN_TOKEN, or HOME or \
                      XDG_STATE_HOME to a folder that can be written, to keep one";
        let Some(file) = file else {
            tracing::warn!("there is no home folder: {advice}");
            return Self::new(random_hex(), TokenOrigin::ThisRun);
        };
        match Self::kept_or_made(file) {
            Ok(token) => token,
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "{advice}");
                Self::new(random_hex(), TokenOrigin::ThisRun)
            }
        }
    }

    /// The token kept in `file`, else a new one, kept there.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn kept_or_made(file: &Path) -> io::Result<Self> {
        match std::fs::read_to_string(file) {
            Ok(kept) if kept.trim().len() >= KEPT_LENGTH_MIN => {
                let origin = TokenOrigin::Kept(file.to_owned());
                Ok(Self::new(kept.trim().to_owned(), origin))
            }
            Ok(_) => Self::make(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(file),
            Err(error) => Err(error),
        }
    }

    /// A new token in `file`, with mode 0600, in place of the one that may be there.
    ///
    /// # Errors
    /// The file cannot be written; the old token is still there then.
    pub(crate) fn make(file: &Path) -> io::Result<Self> {
        let token = random_hex();
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let new = file.with_extension("new");
        // What a start that was cut off left behind could have any mode.
        let _ = std::fs::remove_file(&new);
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        writeln!(out, "{token}")?;
        out.sync_all()?;
        std::fs::rename(new, file)?;
        Ok(Self::new(token, TokenOrigin::New(file.to_owned())))
    }

    fn new(token: String, origin: TokenOrigin) -> Self {
        Self { token, origin }
    }

    /// The token itself, for when it is printed.
    pub(crate) fn reveal(&self) -> &str {
        &self.token
    }

    /// Whether this is the token. Compared in constant time.
    pub(crate) fn is(&self, given: &str) -> bool {
        equal(given, &self.token)
    }
}

fn random_hex() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_token_is_kept_private_and_found_again() {
        let folder = std::env::temp_dir().join(format!("carrier-admin-{}", random_hex()));
        let file = folder.join("admin-token");
        let first = AdminToken::obtain(None, Some(&file));
        assert_eq!(first.origin, TokenOrigin::New(file.clone()));
        let mode = std::fs::metadata(&file)
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = AdminToken::obtain(None, Some(&file));
        assert_eq!(second.origin, TokenOrigin::Kept(file.clone()));
        assert_eq!(first.reveal(), second.reveal());
        let renewed = AdminToken::make(&file).expect("writable");
        assert_ne!(renewed.reveal(), second.reveal());
        let third = AdminToken::obtain(None, Some(&file));
        assert_eq!(third.reveal(), renewed.reveal());
        std::fs::remove_dir_all(folder).expect("cleaned");
    }

    #[test]
    fn without_a_folder_that_can_be_written_a_token_is_for_this_run() {
        for file in [None, Some(Path::new("/proc/carrier/admin-token"))] {
            let token = AdminToken::obtain(None, file);
            assert_eq!(token.origin, TokenOrigin::ThisRun);
            assert!(token.reveal().len() >= KEPT_LENGTH_MIN);
        }
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        let admin = AdminToken::obtain(Some(" correct horse "), None);
        assert!(admin.is("correct horse"));
        for wrong in ["", "correct", "correct horse ", "correct horse2"] {
            assert!(!admin.is(wrong), "{wrong:?}");
        }
    }
}
