//! Announced names and their addresses now. Looked up on a thread of its own, because a look-up may
//! take as long as the network likes; there is no thread where no name is announced.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use capture::{Heartbeat, Threads};

/// How long an address is believed; a home connection gets a new one about once a day.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A look-up takes as long as the name servers' own timeouts allow.
const LOOK_UP_MAX: Duration = Duration::from_secs(600);
/// Addresses of one name.
const ADDRESSES_MAX: usize = 4;

/// Names and the addresses they were last found to have.
type Found = Arc<Mutex<HashMap<String, Vec<IpAddr>>>>;

/// Addresses by name. Ends its thread when dropped.
pub(super) struct Names {
    found: Found,
    _ends_with: Option<Sender<()>>,
}

impl Names {
    /// Begins to look the names up.
    pub(super) fn watch(names: Vec<String>, threads: &Threads) -> std::io::Result<Self> {
        let found = Found::default();
        if names.is_empty() {
            return Ok(Self {
                found,
                _ends_with: None,
            });
        }
        // overflow: awaited. Nothing is ever sent; that the other end is dropped ends the thread.
        let (sender, ended) = channel();
        let shared = Arc::clone(&found);
        threads.spawn("announced-names", move |heartbeat| {
            look_up(&names, &shared, &ended, heartbeat);
        })?;
        Ok(Self {
            found,
            _ends_with: Some(sender),
        })
    }

    /// The addresses of a name, as of at most a minute ago.
    pub(super) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(name).cloned().unwrap_or_default()
    }
}

fn look_up(names: &[String], found: &Found, ended: &Receiver<()>, heartbeat: &Heartbeat) {
    loop {
        for name in names {
            heartbeat.beat(LOOK_UP_MAX);
            match (name.as_str(), 0).to_socket_addrs() {
                Ok(all) => {
                    let ips = all.map(|at| at.ip()).take(ADDRESSES_MAX).collect();
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.insert(name.clone(), ips);
                }
                // The last known addresses stay: a name server that is away for a while must not
                // take the announcement with it.
                Err(error) => tracing::warn!(%error, name, "an announced name is not found"),
            }
        }
        heartbeat.rest();
        match ended.recv_timeout(LOOK_AGAIN) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
    }
}
