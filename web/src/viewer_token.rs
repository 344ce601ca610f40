//! The viewer token: who may watch, where that is asked.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::credentials::{CookieName, bearer, equal};

/// What a page holds instead of the token itself.
pub(crate) const COOKIE: CookieName = CookieName {
    plain: "carrier_viewer",
    secure: "__Host-carrier_viewer",
};

/// The token, if the configuration has one.
pub(crate) struct ViewerToken {
    token: String,
    session: String,
}

impl ViewerToken {
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            session: session_of(token),
        }
    }

    /// The cookie's value. It follows from the token, so that pages outlive a restart of the station
    /// and end with the token.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether this is the token, as a link has it.
    pub(crate) fn is(&self, given: &str) -> bool {
        equal(given, &self.token)
    }

    /// Whether a request with these headers may watch.
    pub(crate) fn admits(&self, authorization: Option<&str>, cookie: Option<&str>) -> bool {
        let shown = authorization.and_then(bearer);
        shown.is_some_and(|given| self.is(given))
            || cookie.is_some_and(|header| COOKIE.holds(header, &self.session))
    }
}

fn session_of(token: &str) -> String {
    let digest = Sha256::digest(format!("carrier viewer cookie\n{token}"));
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_or_its_cookie_lets_in_and_the_cookie_is_not_the_token() {
        let viewers = ViewerToken::new("let-me-watch");
        assert!(viewers.is("let-me-watch") && !viewers.is("let-me-watch-"));
        assert!(viewers.admits(Some("Bearer let-me-watch"), None));
        let cookie = format!("carrier_viewer={}", viewers.session());
        assert!(viewers.admits(None, Some(&cookie)));
        let after_restart = ViewerToken::new("let-me-watch");
        assert!(after_restart.admits(None, Some(&cookie)));
        let with_another_token = ViewerToken::new("let-me-see!");
        assert!(!with_another_token.admits(None, Some(&cookie)));
        assert!(!viewers.admits(None, Some("carrier_viewer=let-me-watch")));
        assert!(!viewers.admits(Some("let-me-watch"), None));
        assert!(!viewers.admits(None, None));
    }
}
