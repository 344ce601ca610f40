//! Pure: whom a request means to talk to.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, Version, header};

/// The hosts that a request names, without ports: in `Host`, and in a target in absolute form. Both
/// count. Clients of HTTP/1.0 name none.
pub(super) fn named_hosts(
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Vec<String>, &'static str> {
    let mut given = headers.get_all(header::HOST).iter();
    let header = match (given.next(), given.next()) {
        (_, Some(_)) => return Err("There are several Host headers: send one."),
        (None, None) if version == Version::HTTP_11 => {
            return Err("There is no Host header: send the name or address of this station.");
        }
        (host, None) => host,
    };
    let wrong = "Host is not a name or an address, with or without a port.";
    let header = header.map(|value| {
        let text = value.to_str().ok();
        let authority = text.and_then(|text| text.parse::<Authority>().ok());
        authority.as_ref().and_then(host_of).ok_or(wrong)
    });
    let target = uri
        .authority()
        .map(|authority| host_of(authority).ok_or(wrong));
    header.into_iter().chain(target).collect()
}

fn host_of(authority: &Authority) -> Option<String> {
    let host = authority.host();
    let is_plain = !host.is_empty() && !authority.as_str().contains('@');
    // Whatever follows the colon must be a port, or nothing (RFC 3986 3.2.3).
    let rest = authority.as_str().strip_prefix(host).unwrap_or("");
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let port_is_fine = port.is_empty() || port.parse::<u16>().is_ok();
    (is_plain && port_is_fine).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(version: Version, target: &str, hosts: &[&str]) -> Result<Vec<String>, &'static str> {
        let headers = hosts
            .iter()
            .map(|host| (header::HOST, host.parse().expect("header text")))
            .collect();
        named_hosts(version, &target.parse().expect("a target"), &headers)
    }

    #[test]
    fn a_request_names_one_host() {
        let one = |host: &str| named(Version::HTTP_11, "/", &[host]);
        for (given, host) in [
            ("192.168.1.20:8080", "192.168.1.20"),
            ("booth.local", "booth.local"),
            ("booth.local:", "booth.local"),
            ("[fd00::5]:80", "[fd00::5]"),
        ] {
            assert_eq!(one(given), Ok(vec![host.to_owned()]));
        }
        for wrong in [
            "", "a@b", "a b", "a/b", "a:b", "a:99999", "http://a", "a,b:x",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn none_and_two_are_no_clear_host() {
        assert!(named(Version::HTTP_11, "/", &[]).is_err());
        assert!(named(Version::HTTP_11, "/", &["a", "a"]).is_err());
        assert!(named(Version::HTTP_10, "/", &["a", "b"]).is_err());
        assert_eq!(named(Version::HTTP_10, "/", &[]), Ok(Vec::new()));
    }

    #[test]
    fn a_target_in_absolute_form_counts_beside_the_header() {
        let both = named(Version::HTTP_11, "http://evil.test/", &["127.0.0.1"]);
        assert_eq!(both.expect("two"), ["127.0.0.1", "evil.test"]);
        assert!(named(Version::HTTP_11, "http://127.0.0.1/", &[]).is_err());
    }
}
