//! What a request shows to be let in: a bearer token, or the cookie a page got for one.

use std::time::Duration;

use subtle::ConstantTimeEq;

/// A cookie under two names. Cookies know no ports: one that was set over HTTPS, and is for HTTPS
/// alone, would hide its namesake from the plain pages of the same host, and could not be replaced
/// by them (RFC 6265bis 5.7).
#[derive(Debug)]
pub(crate) struct CookieName {
    pub(crate) plain: &'static str,
    /// Begins with `__Host-`, which only HTTPS may set.
    pub(crate) secure: &'static str,
}

impl CookieName {
    /// The header that sets it, until the browser is closed. Out of scripts' reach, and never sent
    /// with what other sites ask for.
    pub(crate) fn set(&self, value: &str, tls: bool) -> String {
        self.header(value, tls, "SameSite=Strict")
    }

    /// The header that sets it for so long, also for whoever follows a link from elsewhere.
    pub(crate) fn set_lax(&self, value: &str, tls: bool, age: Duration) -> String {
        let rules = format!("SameSite=Lax; Max-Age={}", age.as_secs());
        self.header(value, tls, &rules)
    }

    fn header(&self, value: &str, tls: bool, rules: &str) -> String {
        let (name, secure) = if tls {
            (self.secure, "; Secure")
        } else {
            (self.plain, "")
        };
        format!("{name}={value}; Path=/; HttpOnly; {rules}{secure}")
    }

    /// The header that takes it away.
    pub(crate) fn clear(&self, tls: bool) -> String {
        format!("{}; Max-Age=0", self.set("", tls))
    }

    /// What a `Cookie` header has for it, under the name that only HTTPS may set if it is there.
    pub(crate) fn value<'a>(&self, header: &'a str) -> Option<&'a str> {
        let under = |wanted: &str| {
            let pairs = header.split(';');
            let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(name, _)| *name == wanted)
        };
        let found = under(self.secure).or_else(|| under(self.plain));
        found.map(|(_, value)| value)
    }

    /// All that a `Cookie` header has for it, under either name.
    pub(crate) fn values<'a>(&self, header: &'a str) -> impl Iterator<Item = &'a str> {
        let (plain, secure) = (self.plain, self.secure);
        let pairs = header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .filter(move |(name, _)| *name == plain || *name == secure)
            .map(|(_, given)| given)
    }

    /// Whether a `Cookie` header has it with this value.
    pub(crate) fn holds(&self, header: &str, value: &str) -> bool {
        self.values(header).any(|given| equal(given, value))
    }
}

/// The token of an `Authorization` header (RFC 6750 2.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compared in constant time: how long it takes tells nothing of how much was right.
pub(crate) fn equal(given: &str, secret: &str) -> bool {
    given.as_bytes().ct_eq(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: CookieName = CookieName {
        plain: "who",
        secure: "__Host-who",
    };

    #[test]
    fn a_cookie_is_found_under_either_name() {
        assert!(COOKIE.holds("theme=sun; who=me", "me"));
        assert!(COOKIE.holds("who=old;__Host-who=me", "me"));
        for other in ["", "who", "who=you", "xwho=me", "whome", "me=who"] {
            assert!(!COOKIE.holds(other, "me"), "{other}");
        }
    }

    #[test]
    fn of_two_values_the_one_from_https_counts() {
        assert_eq!(COOKIE.value("who=old; __Host-who=me"), Some("me"));
        assert_eq!(COOKIE.value("theme=sun; who=me"), Some("me"));
        assert_eq!(COOKIE.value("xwho=me"), None);
    }

    #[test]
    fn only_https_sets_it_secure() {
        assert!(!COOKIE.set("me", false).contains("Secure"));
        let secure = COOKIE.set("me", true);
        assert!(secure.starts_with("__Host-who=me; Path=/; ") && secure.ends_with("; Secure"));
        assert!(COOKIE.clear(false).starts_with("who=; "));
    }

    #[test]
    fn a_bearer_token_is_read_as_clients_write_it() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for wrong in ["abc", "Basic abc", "Bearer", ""] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
    }
}
