//! Announced addresses: public addresses that the operator configures, because a router or a cluster
//! forwards them to this machine and it cannot detect them.
//!
//! Host names are resolved on a separate thread, because a look-up may block for minutes. Without host
//! names there is no thread.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capture::{Heartbeat, Threads, lock};

/// Maximum number of announced addresses; a viewer checks each.
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

/// The text is not a valid announced address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address to announce: an IP address or a host name, with or without a :port \
     ([2001:db8::5]:30189 for IPv6)"
)]
pub struct AnnounceError(String);

impl FromStr for Announced {
    type Err = AnnounceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AnnounceError(text.to_owned());
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
    /// The host name to resolve, if it is one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// The addresses offered to viewers. `found`: the resolved addresses of the name.
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

/// Accepts a host name as in RFC 1123 2.1. Digits and dots alone are a mistyped address.
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

/// Interval of name resolution; a home connection gets a new address about once a day.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(60);
/// Time limit of one look-up for the watchdog; the resolver has its own timeouts.
const RESOLVE_MAX: Duration = Duration::from_secs(600);
/// Maximum addresses per name.
const ADDRESSES_MAX: usize = 4;

/// Host names and their last resolved addresses.
type Found = Arc<Mutex<HashMap<String, Vec<IpAddr>>>>;

/// Resolves host names in the background. Dropping it ends its thread.
pub(crate) struct NameResolver {
    found: Found,
    _ends_with: Sender<()>,
}

impl NameResolver {
    /// Starts resolving.
    pub(crate) fn start(names: Vec<String>, threads: &Threads) -> std::io::Result<Self> {
        let found = Found::default();
        // overflow: awaited. Nothing is ever sent; dropping the sender ends the thread.
        let (sender, ended) = channel();
        if !names.is_empty() {
            let shared = Arc::clone(&found);
            threads.spawn("announced-names", move |heartbeat| {
                resolve(&names, &shared, &ended, heartbeat);
            })?;
        }
        Ok(Self {
            found,
            _ends_with: sender,
        })
    }

    /// The addresses of a name, at most a minute old.
    pub(crate) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let found = lock(&self.found);
        found.get(name).cloned().unwrap_or_default()
    }
}

fn resolve(names: &[String], found: &Found, ended: &Receiver<()>, heartbeat: &Heartbeat) {
    loop {
        for name in names {
            heartbeat.beat(RESOLVE_MAX);
            match (name.as_str(), 0).to_socket_addrs() {
                Ok(all) => {
                    let ips = all.map(|at| at.ip()).take(ADDRESSES_MAX).collect();
                    lock(found).insert(name.clone(), ips);
                }
                // Keep the last known addresses, so that a failing name server does not remove the
                // announcement.
                Err(error) => tracing::warn!(%error, name, "cannot resolve an announced host name"),
            }
        }
        heartbeat.rest();
        match ended.recv_timeout(RESOLVE_INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
    }
}
