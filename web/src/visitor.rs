//! Pure: who a visitor of the photo booth is: a random cookie, else an address. It decides whose turn is
//! next, and nothing else: what belongs to whom is told by a picture's own secret name.

use std::fmt::Write;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::admission::household;
use crate::connections::Caller;
use crate::credentials::CookieName;

const COOKIE: CookieName = CookieName {
    plain: "carrier_visitor",
    secure: "__Host-carrier_visitor",
};
const COOKIE_AGE: Duration = Duration::from_hours(24);
/// 128 bits, in hexadecimal digits.
const COOKIE_DIGITS: usize = 32;

/// Somebody who came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// For fairness. Neither the cookie nor the address can be read from it.
    pub(crate) name: String,
    /// The cookie to give to who has none yet.
    pub(crate) set_cookie: Option<HeaderValue>,
}

/// Who sends these headers.
pub(crate) fn recognise(headers: &HeaderMap, caller: Caller) -> Visitor {
    // HTTP/2 may split them (RFC 9113 8.2.3).
    let cookies = headers.get_all(header::COOKIE).iter();
    let known = cookies
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| COOKIE.value(value).filter(|value| is_ours(value)));
    match known {
        Some(value) => Visitor {
            name: digest("cookie", value),
            set_cookie: None,
        },
        None => Visitor {
            name: digest("address", &household(caller.ip).to_string()),
            set_cookie: fresh_cookie(caller.tls),
        },
    }
}

fn fresh_cookie(tls: bool) -> Option<HeaderValue> {
    let value = format!("{:032x}", rand::random::<u128>());
    HeaderValue::from_str(&COOKIE.set_lax(&value, tls, COOKIE_AGE)).ok()
}

fn is_ours(value: &str) -> bool {
    value.len() == COOKIE_DIGITS && value.bytes().all(|b| b.is_ascii_hexdigit())
}

fn digest(kind: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("carrier visitor\n{kind}\n{value}"));
    digest[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(ip: &str, cookie: Option<&str>) -> Visitor {
        let caller = Caller {
            ip: ip.parse().expect("an address"),
            tls: false,
        };
        let headers = cookie.map(|cookie| (header::COOKIE, cookie.parse().expect("text")));
        recognise(&headers.into_iter().collect(), caller)
    }

    #[test]
    fn a_cookie_is_the_same_visitor_from_anywhere() {
        let first = from("192.0.2.1", None);
        let cookie = first.set_cookie.expect("who has none gets one");
        let cookie = cookie.to_str().expect("text");
        assert!(
            cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=86400"),
            "{cookie}"
        );
        let pair = cookie.split(';').next().expect("a pair");
        let here = from("192.0.2.1", Some(pair));
        let there = from("192.0.2.7", Some(&format!("theme=sun; {pair}")));
        assert_eq!(here, there);
        assert_eq!(here.set_cookie, None);
        assert_ne!(here.name, first.name);
        assert!(!pair.contains(&here.name));
    }

    #[test]
    fn without_one_the_address_counts_and_a_made_up_one_is_none() {
        let plain = from("192.0.2.1", None);
        assert_eq!(
            plain.name,
            from("192.0.2.1", Some("carrier_visitor=me")).name
        );
        assert_ne!(plain.name, from("192.0.2.2", None).name);
        assert_eq!(
            from("2001:db8::1", None).name,
            from("2001:db8::2", None).name
        );
    }

    #[test]
    fn over_https_it_is_bound_to_the_host() {
        let caller = Caller {
            ip: "192.0.2.1".parse().expect("an address"),
            tls: true,
        };
        let cookie = recognise(&HeaderMap::new(), caller).set_cookie;
        let cookie = cookie.expect("a fresh one");
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.starts_with("__Host-carrier_visitor="), "{cookie}");
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    }
}
