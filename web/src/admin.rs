//! The admin token: who may change what others see.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::credentials::{CookieName, bearer, equal};

/// What a page holds instead of the token itself.
pub(crate) const COOKIE: CookieName = CookieName {
    plain: "carrier_admin",
    secure: "__Host-carrier_admin",
};

/// The token and how it came to be.
#[derive(Debug)]
pub(crate) struct AdminToken {
    token: String,
    /// The cookie's value: another secret, so that the token never lies in a browser.
    session: String,
    /// Made by this start: the one time it is printed.
    pub(crate) fresh: bool,
}

impl AdminToken {
    /// The configured token, else the one kept in `file`, else a new one kept there with mode 0600.
    pub(crate) fn obtain(configured: Option<&str>, file: &Path) -> io::Result<Self> {
        if let Some(token) = configured {
            return Ok(Self::new(token.trim().to_owned(), false));
        }
        match std::fs::read_to_string(file) {
            Ok(kept) if kept.trim().len() >= 8 => Ok(Self::new(kept.trim().to_owned(), false)),
            Ok(_) => Self::make(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(file),
            Err(error) => Err(error),
        }
    }

    fn make(file: &Path) -> io::Result<Self> {
        let token = random_hex();
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // A leftover too short to be a token would keep its old mode: start from nothing.
        let _ = std::fs::remove_file(file);
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        writeln!(out, "{token}")?;
        Ok(Self::new(token, true))
    }

    fn new(token: String, fresh: bool) -> Self {
        Self {
            token,
            session: random_hex(),
            fresh,
        }
    }

    /// The token itself, for the one time it is printed.
    pub(crate) fn reveal(&self) -> &str {
        &self.token
    }

    /// The value for the cookie of a page that has shown the token.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether a request with these headers may change state. Compared in constant time.
    pub(crate) fn admits(&self, authorization: Option<&str>, cookie: Option<&str>) -> bool {
        let shown = authorization.and_then(bearer);
        shown.is_some_and(|given| equal(given, &self.token))
            || cookie.is_some_and(|header| COOKIE.holds(header, &self.session))
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
        let first = AdminToken::obtain(None, &file).expect("made");
        assert!(first.fresh);
        let mode = std::fs::metadata(&file)
            .expect("written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = AdminToken::obtain(None, &file).expect("kept");
        assert!(!second.fresh);
        assert_eq!(first.reveal(), second.reveal());
        std::fs::remove_dir_all(folder).expect("cleaned");
    }

    #[test]
    fn only_the_token_or_the_session_cookie_is_admitted() {
        let admin = AdminToken::new("correct horse".to_owned(), false);
        let cookie = format!("theme=sun; carrier_admin={}", admin.session());
        assert!(admin.admits(Some("Bearer correct horse"), None));
        assert!(admin.admits(Some("bearer correct horse"), None));
        assert!(admin.admits(None, Some(&cookie)));
        for wrong in ["Bearer wrong", "Basic correct horse", "correct horse", ""] {
            assert!(!admin.admits(Some(wrong), None), "{wrong}");
        }
        assert!(!admin.admits(None, Some("carrier_admin=correct horse")));
        assert!(!admin.admits(None, None));
    }
}
