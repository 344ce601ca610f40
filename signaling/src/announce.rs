//! Addresses that the owner announces: what a router or a cluster forwards to this machine, which
//! it cannot know by itself.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Most that can be announced; a viewer checks each.
pub const ANNOUNCED_MAX: usize = 8;

/// One announced address: `203.0.113.5`, `203.0.113.5:30189`, `[2001:db8::5]:30189`,
/// `host.example` or `host.example:30189`. Without a port it is the media port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// What cannot be announced, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address to announce: an IP address or a host name, with or without a :port \
     ([2001:db8::5]:30189 for IPv6)"
)]
pub struct NotAnnounceable(String);

impl FromStr for Announced {
    type Err = NotAnnounceable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAnnounceable(text.to_owned());
        let trimmed = text.trim();
        if let Ok(address) = trimmed.parse::<SocketAddr>() {
            let host = usable(address.ip()).ok_or_else(wrong)?;
            let port = Some(address.port()).filter(|port| *port != 0);
            return port.map_or_else(|| Err(wrong()), |_| Ok(Self { host, port }));
        }
        let bare = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(trimmed);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let host = usable(ip).ok_or_else(wrong)?;
            return Ok(Self { host, port: None });
        }
        let (name, port) = match trimmed.split_once(':') {
            Some((name, port)) => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (name, Some(port.ok_or_else(wrong)?))
            }
            None => (trimmed, None),
        };
        let host = Host::Name(host_name(name).ok_or_else(wrong)?);
        Ok(Self { host, port })
    }
}

impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (Host::Address(ip), Some(port)) => SocketAddr::new(*ip, port).fmt(f),
            (Host::Address(ip), None) => ip.fmt(f),
            (Host::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (Host::Name(name), None) => name.fmt(f),
        }
    }
}

impl Announced {
    /// The name to be looked up, if it is one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// What viewers are told. `found` are the addresses of the name.
    pub(crate) fn addresses(&self, media_port: u16, found: &[IpAddr]) -> Vec<SocketAddr> {
        let port = self.port.unwrap_or(media_port);
        let known = match &self.host {
            Host::Address(ip) => std::slice::from_ref(ip),
            Host::Name(_) => found,
        };
        let usable = known.iter().filter(|ip| usable(**ip).is_some());
        usable
            .map(|ip| SocketAddr::new(ip.to_canonical(), port))
            .collect()
    }
}

fn usable(ip: IpAddr) -> Option<Host> {
    let ip = ip.to_canonical();
    let odd = ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::from([255; 4]);
    (!odd).then_some(Host::Address(ip))
}

/// A name as in RFC 1123 2.1. One of digits and dots alone is a mistyped address.
fn host_name(name: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let whole = name.strip_suffix('.').unwrap_or(name);
    let named = whole.bytes().any(|byte| byte.is_ascii_alphabetic());
    (named && whole.len() <= 253 && whole.split('.').all(label)).then(|| whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Announced {
        text.parse().expect(text)
    }

    #[test]
    fn addresses_names_and_ports_are_read() {
        for (text, expected) in [
            ("203.0.113.5", "203.0.113.5:8189"),
            (" 203.0.113.5:30189 ", "203.0.113.5:30189"),
            ("2001:db8::5", "[2001:db8::5]:8189"),
            ("[2001:db8::5]", "[2001:db8::5]:8189"),
            ("[2001:db8::5]:30189", "[2001:db8::5]:30189"),
            ("::ffff:203.0.113.5", "203.0.113.5:8189"),
        ] {
            let expected = vec![expected.parse::<SocketAddr>().expect("an address")];
            assert_eq!(read(text).addresses(8189, &[]), expected, "{text}");
            assert_eq!(read(text).name(), None);
        }
        let found = [IpAddr::from([203, 0, 113, 9])];
        let name = read("host.example:30189");
        assert_eq!(name.name(), Some("host.example"));
        assert_eq!(
            name.addresses(8189, &found)[0].to_string(),
            "203.0.113.9:30189"
        );
        assert!(name.addresses(8189, &[]).is_empty(), "not found yet");
        assert_eq!(read("station").to_string(), "station");
    }

    #[test]
    fn what_nobody_can_reach_is_refused_by_name() {
        for text in [
            "",
            "0.0.0.0",
            "203.0.113.5:0",
            "203.0.113.5:70000",
            "203.0.113",
            "host.example:",
            "host example",
            "-host",
            "a..b",
            "ff02::1",
            "[::]:8189",
            "255.255.255.255",
        ] {
            let error = text.parse::<Announced>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
