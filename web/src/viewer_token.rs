//! The viewer token: who may watch, where that is asked.

use crate::cookie_key::CookieKey;
use crate::credentials::{CookieName, equal};

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
    pub(crate) fn new(token: &str, key: &CookieKey) -> Self {
        Self {
            token: token.to_owned(),
            session: key.sign("viewer cookie", token),
        }
    }

    /// The cookie's value. It follows from the token and the station's key, so that pages outlive a restart
    /// of the station and end with the token.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether this is the token.
    pub(crate) fn is(&self, given: &str) -> bool {
        equal(given, &self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_ends_with_the_token_and_cannot_be_made_from_it() {
        let key = CookieKey::obtain(None);
        let viewers = ViewerToken::new("let-me-watch", &key);
        assert!(viewers.is("let-me-watch") && !viewers.is("let-me-watch-"));
        assert!(!viewers.is(viewers.session()));
        let after_restart = ViewerToken::new("let-me-watch", &key);
        assert_eq!(after_restart.session(), viewers.session());
        let with_another_token = ViewerToken::new("let-me-see!", &key);
        assert_ne!(with_another_token.session(), viewers.session());
        let another_station = CookieKey::obtain(None);
        let elsewhere = ViewerToken::new("let-me-watch", &another_station);
        assert_ne!(elsewhere.session(), viewers.session());
    }
}
