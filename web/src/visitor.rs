//! Who a visitor of the photo booth is: a random cookie that this station signed, else an address. It decides
//! whose turn is next and whose an Idempotency-Key is, and nothing else: what belongs to whom is told by a
//! picture's own secret name.

mod key;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use ring::hmac;

use crate::admission::address_group;
use crate::connections::Caller;
use crate::credentials::{CookieName, equal};

const COOKIE: CookieName = CookieName {
    plain: "carrier_visitor",
    secure: "__Host-carrier_visitor",
};
const COOKIE_AGE: Duration = Duration::from_hours(24);
/// 128 bits, in hexadecimal digits: of the random part as well as of its signature.
const DIGITS: usize = 32;

/// Somebody who came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// For fairness. Neither the cookie nor the address can be read from it.
    pub(crate) name: String,
    /// The address, which many visitors may share; it cannot be read from it either.
    pub(crate) address: String,
    /// The cookie to give to who has none yet.
    pub(crate) set_cookie: Option<HeaderValue>,
}

/// Knows the cookies that this station gave away.
pub(crate) struct Visitors {
    key: hmac::Key,
}

impl Visitors {
    /// The key is kept in `file`, so that visitors stay who they are after a restart. Without one, or where it
    /// cannot be kept, they are known until the program ends.
    pub(crate) fn open(file: Option<&Path>) -> Self {
        let key = key::kept_or_made(file);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        }
    }

    /// Who sends these headers.
    pub(crate) fn recognise(&self, headers: &HeaderMap, caller: Caller) -> Visitor {
        let address_group = address_group(caller.ip).to_string();
        let address = self.digest("address", &address_group);
        // HTTP/2 may split them (RFC 9113 8.2.3).
        let cookies = headers.get_all(header::COOKIE).iter();
        let known = cookies
            .filter_map(|value| value.to_str().ok())
            .find_map(|value| COOKIE.value(value).and_then(|value| self.signed(value)));
        match known {
            Some(id) => Visitor {
                name: self.digest("cookie", id),
                address,
                set_cookie: None,
            },
            None => Visitor {
                name: self.digest("only address", &address_group),
                address,
                set_cookie: self.fresh_cookie(caller.tls),
            },
        }
    }

    fn fresh_cookie(&self, tls: bool) -> Option<HeaderValue> {
        let id = format!("{:032x}", rand::random::<u128>());
        let value = format!("{id}{}", self.digest("signature", &id));
        HeaderValue::from_str(&COOKIE.set_lax(&value, tls, COOKIE_AGE)).ok()
    }

    /// The random part of a cookie that was made here.
    fn signed<'a>(&self, cookie: &'a str) -> Option<&'a str> {
        let (id, signature) = cookie.split_at_checked(DIGITS)?;
        equal(signature, &self.digest("signature", id)).then_some(id)
    }

    fn digest(&self, purpose: &str, value: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{purpose}\n{value}").as_bytes());
        let bytes = tag.as_ref().iter().take(DIGITS / 2);
        bytes.fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(visitors: &Visitors, ip: &str, cookie: Option<&str>) -> Visitor {
        let caller = Caller {
            ip: ip.parse().expect("an address"),
            tls: false,
        };
        let headers = cookie.map(|cookie| (header::COOKIE, cookie.parse().expect("text")));
        visitors.recognise(&headers.into_iter().collect(), caller)
    }

    /// `name=value` of a fresh cookie.
    fn pair(visitor: Visitor) -> String {
        let cookie = visitor.set_cookie.expect("who has none gets one");
        let cookie = cookie.to_str().expect("text");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    #[test]
    fn a_cookie_is_the_same_visitor_from_anywhere() {
        let visitors = Visitors::open(None);
        let first = from(&visitors, "192.0.2.1", None);
        let cookie = first.set_cookie.clone().expect("who has none gets one");
        let cookie = cookie.to_str().expect("text");
        assert!(
            cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=86400"),
            "{cookie}"
        );
        let name = first.name.clone();
        let pair = pair(first);
        let here = from(&visitors, "192.0.2.1", Some(&pair));
        let there = from(&visitors, "192.0.2.7", Some(&format!("theme=sun; {pair}")));
        assert_eq!(here.name, there.name);
        assert_ne!(here.address, there.address);
        assert_eq!(here.set_cookie, None);
        assert_ne!(here.name, name);
        assert!(!pair.contains(&here.name));
    }

    #[test]
    fn a_cookie_that_was_not_made_here_is_none() {
        let visitors = Visitors::open(None);
        let plain = from(&visitors, "192.0.2.1", None);
        let other = pair(from(&Visitors::open(None), "192.0.2.1", None));
        let mut changed = pair(from(&visitors, "192.0.2.1", None));
        let last = changed.pop().expect("digits");
        changed.push(if last == '0' { '1' } else { '0' });
        let random = format!("carrier_visitor={:032x}", 7);
        let long = format!("carrier_visitor={}", "é".repeat(40));
        for made_up in [
            "carrier_visitor=me",
            "carrier_visitor=",
            &random,
            &long,
            &other,
            &changed,
        ] {
            let Ok(value) = HeaderValue::from_str(made_up) else {
                continue;
            };
            let caller = Caller {
                ip: "192.0.2.1".parse().expect("an address"),
                tls: false,
            };
            let headers = [(header::COOKIE, value)].into_iter().collect();
            let visitor = visitors.recognise(&headers, caller);
            assert_eq!(visitor.name, plain.name, "{made_up}");
            assert!(visitor.set_cookie.is_some(), "{made_up}");
        }
    }

    #[test]
    fn without_a_cookie_the_address_counts() {
        let visitors = Visitors::open(None);
        let name = |ip: &str| from(&visitors, ip, None).name;
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
        assert_eq!(name("2001:db8::1"), name("2001:db8::2"));
        let digest = from(&visitors, "192.0.2.1", None).address;
        let elsewhere = from(&Visitors::open(None), "192.0.2.1", None).address;
        assert_ne!(
            digest, elsewhere,
            "nobody else can tell the address from it"
        );
    }

    #[test]
    fn over_https_it_is_bound_to_the_host() {
        let caller = Caller {
            ip: "192.0.2.1".parse().expect("an address"),
            tls: true,
        };
        let visitors = Visitors::open(None);
        let cookie = visitors.recognise(&HeaderMap::new(), caller).set_cookie;
        let cookie = cookie.expect("a fresh one");
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.starts_with("__Host-carrier_visitor="), "{cookie}");
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    }
}
