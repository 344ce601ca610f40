//! Identifies visitors of the photo booth: by a random cookie that this station signed, else by address.
//! This decides the order of jobs and the owner of an Idempotency-Key, and gives no rights: whoever
//! knows a picture's secret name owns it. The key is kept in a file of its own.

use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use ring::hmac;
use signaling::fair_share::address_group;

use crate::access::credentials::{CookieName, cookie_headers, equal};
use crate::access::{hex, random_id};
use crate::http::Caller;
use crate::private_file;

const COOKIE: CookieName = CookieName {
    plain: "carrier_visitor",
    secure: "__Host-carrier_visitor",
};
const COOKIE_AGE: Duration = Duration::from_hours(24);
/// 128 bits in hexadecimal digits, of the random part and of its signature.
const DIGITS: usize = 32;
const KEY_BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// A digest of the cookie or address, for fair queueing.
    pub(crate) name: String,
    /// A digest of the address, which several visitors may share.
    pub(crate) address: String,
    /// The cookie to set, for a visitor who has none.
    pub(crate) set_cookie: Option<HeaderValue>,
}

pub(crate) struct Visitors {
    key: hmac::Key,
}

impl Visitors {
    /// The key is kept in `file`, so that cookies stay valid over a restart. Without a file, or if it
    /// cannot be written, the key lasts for this run.
    pub(crate) fn open(file: Option<&Path>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &kept_or_made(file)),
        }
    }

    pub(crate) fn recognise(&self, headers: &HeaderMap, caller: Caller) -> Visitor {
        let address_group = address_group(caller.ip).to_string();
        let address = self.digest("address", &address_group);
        let known = cookie_headers(headers)
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
        let id = random_id();
        let value = format!("{id}{}", self.digest("signature", &id));
        HeaderValue::from_str(&COOKIE.set_lax(&value, tls, COOKIE_AGE)).ok()
    }

    /// The random part of a cookie whose signature is valid.
    fn signed<'a>(&self, cookie: &'a str) -> Option<&'a str> {
        let (id, signature) = cookie.split_at_checked(DIGITS)?;
        equal(signature, &self.digest("signature", id)).then_some(id)
    }

    fn digest(&self, purpose: &str, value: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{purpose}\n{value}").as_bytes());
        hex(&tag.as_ref()[..DIGITS / 2])
    }
}

fn kept_or_made(file: Option<&Path>) -> Vec<u8> {
    let fresh = rand::random::<[u8; KEY_BYTES]>().to_vec();
    let is_key = |kept: &[u8]| kept.len() == KEY_BYTES;
    private_file::kept_or(file, is_key, fresh, "each visitor is a new one")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use axum::http::header;

    use super::*;

    fn from(visitors: &Visitors, ip: &str, cookie: Option<&str>) -> Visitor {
        let caller = Caller {
            ip: ip.parse().expect("an address"),
            tls: false,
        };
        let headers = cookie.map(|cookie| (header::COOKIE, cookie.parse().expect("text")));
        visitors.recognise(&headers.into_iter().collect(), caller)
    }

    /// `name=value` of a new cookie.
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
    fn a_forged_cookie_is_ignored() {
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

    #[test]
    fn the_key_file_is_private_and_a_truncated_one_is_replaced() {
        let folder = crate::test_folder::TestFolder::new();
        let file = folder.join("data/visitor-key");
        let first = kept_or_made(Some(&file));
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(kept_or_made(Some(&file)), first);
        std::fs::write(&file, &first[..5]).expect("writable");
        let second = kept_or_made(Some(&file));
        assert_ne!(second, first);
        assert_eq!(kept_or_made(Some(&file)), second);
        let blocked = kept_or_made(Some(&file.join("below a file")));
        assert_ne!(blocked, kept_or_made(None));
    }
}
