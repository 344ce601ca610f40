//! Credentials of a request: bearer tokens and cookies.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// A cookie with two names, one for HTTP and one for HTTPS. Cookies are not separated by port: a secure
/// cookie would hide one of the same name from plain pages of the same host, which could not replace it
/// either (RFC 6265bis 5.7).
#[derive(Debug)]
pub(crate) struct CookieName {
    pub(crate) plain: &'static str,
    /// Begins with `__Host-`, which only HTTPS can set.
    pub(crate) secure: &'static str,
}

impl CookieName {
    /// A `Set-Cookie` value for a session cookie: `HttpOnly`, `SameSite=Strict`.
    pub(crate) fn set(&self, value: &str, tls: bool) -> String {
        self.header(value, tls, "SameSite=Strict")
    }

    /// A `Set-Cookie` value for a cookie that lasts for `age` and is also sent after a link from another
    /// site.
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

    /// A `Set-Cookie` value that deletes it.
    pub(crate) fn clear(&self, tls: bool) -> String {
        format!("{}; Max-Age=0", self.set("", tls))
    }

    /// Its value in a `Cookie` header; the HTTPS name takes precedence.
    pub(crate) fn value<'a>(&self, header: &'a str) -> Option<&'a str> {
        let under = |wanted: &str| pairs(header).find(|(name, _)| *name == wanted);
        let found = under(self.secure).or_else(|| under(self.plain));
        found.map(|(_, value)| value)
    }

    /// All its values in a `Cookie` header, under either name.
    pub(crate) fn values<'a>(&self, header: &'a str) -> impl Iterator<Item = &'a str> {
        let (plain, secure) = (self.plain, self.secure);
        pairs(header)
            .filter(move |(name, _)| *name == plain || *name == secure)
            .map(|(_, given)| given)
    }

    pub(crate) fn holds(&self, header: &str, value: &str) -> bool {
        self.values(header).any(|given| equal(given, value))
    }
}

fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = header.split(';');
    pairs.filter_map(|pair| pair.trim().split_once('='))
}

/// The `Cookie` headers; HTTP/2 may split cookies over several (RFC 9113 8.2.3).
pub(crate) fn cookie_headers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let all = headers.get_all(header::COOKIE).iter();
    all.filter_map(|value| value.to_str().ok())
}

/// The token of an `Authorization` header (RFC 6750 2.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in constant time.
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
