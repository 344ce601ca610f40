//! The viewer token, its cookie, and the key that signs the cookie: only this station can make one.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::access::credentials::{CookieName, equal};
use crate::access::hex;
use crate::private_file;

/// The cookie that a page holds instead of the token.
pub(crate) const COOKIE: CookieName = CookieName {
    plain: "carrier_viewer",
    secure: "__Host-carrier_viewer",
};

pub(crate) struct ViewerToken {
    token: String,
    session: String,
}

impl ViewerToken {
    pub(crate) fn new(token: &str, key: &CookieKey) -> Self {
        Self {
            token: token.to_owned(),
            session: key.sign("viewer cookie", token),
        }
    }

    /// The cookie's value: derived from the token and the station's key, so that it stays valid over a
    /// restart and becomes invalid with the token.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    pub(crate) fn matches(&self, given: &str) -> bool {
        equal(given, &self.token)
    }
}

const DIGITS: usize = 64;

/// 256 random bits, kept so that cookies stay valid over a restart.
pub(crate) struct CookieKey(String);

impl CookieKey {
    /// The key kept in `file`, else a new one, which is kept there. If that fails, it lasts for this
    /// run.
    pub(crate) fn obtain(file: Option<&Path>) -> Self {
        let fresh = hex(rand::random::<[u8; DIGITS / 2]>()) + "\n";
        let is_key = |kept: &[u8]| {
            let digits = kept.trim_ascii();
            digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit)
        };
        let key = private_file::kept_or(file, is_key, fresh.into(), "viewers need the link again");
        Self(String::from_utf8_lossy(key.trim_ascii()).into_owned())
    }

    /// A signature of `text`. `purpose` separates uses of the key.
    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        // The key has a fixed length and is at both ends, which prevents length extension.
        let signed = format!("{key}\n{purpose}\n{text}\n{key}", key = self.0);
        hex(Sha256::digest(signed))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_cookie_ends_with_the_token_and_cannot_be_made_from_it() {
        let key = CookieKey::obtain(None);
        let viewers = ViewerToken::new("let-me-watch", &key);
        assert!(viewers.matches("let-me-watch") && !viewers.matches("let-me-watch-"));
        assert!(!viewers.matches(viewers.session()));
        let after_restart = ViewerToken::new("let-me-watch", &key);
        assert_eq!(after_restart.session(), viewers.session());
        let with_another_token = ViewerToken::new("let-me-see!", &key);
        assert_ne!(with_another_token.session(), viewers.session());
        let another_station = CookieKey::obtain(None);
        let elsewhere = ViewerToken::new("let-me-watch", &another_station);
        assert_ne!(elsewhere.session(), viewers.session());
    }

    #[test]
    fn the_cookie_key_is_private_kept_and_replaced_when_damaged() {
        let folder = crate::test_folder::TestFolder::new();
        let file = folder.join("cookie-key");
        let signed = CookieKey::obtain(Some(&file)).sign("viewer", "token");
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = CookieKey::obtain(Some(&file));
        assert_eq!(again.sign("viewer", "token"), signed);
        assert_ne!(again.sign("viewer", "token2"), signed);
        assert_ne!(again.sign("visitor", "token"), signed);
        std::fs::write(&file, "short").expect("written");
        assert_ne!(
            CookieKey::obtain(Some(&file)).sign("viewer", "token"),
            signed
        );
    }

    #[test]
    fn without_a_place_to_keep_it_there_is_one_for_this_run() {
        let key = CookieKey::obtain(Some(Path::new("/proc/nowhere/cookie-key")));
        assert_eq!(key.sign("viewer", "token").len(), 64);
        let other = CookieKey::obtain(None);
        assert_ne!(key.sign("viewer", "token"), other.sign("viewer", "token"));
    }
}
