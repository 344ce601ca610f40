//! The networks of this machine, and the address at which visitors find the pages.
//!
//! In: what the system says of its interfaces ([`reader`]), read again every second. Out: the interfaces with the
//! names of their Wi-Fi networks, and the addresses in the order in which visitors reach them ([`choice`], pure).

pub(crate) mod choice;
pub(crate) mod interface;
pub(crate) mod reader;
pub(crate) mod visitors;
pub(crate) mod wifi;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use self::choice::{Preference, RankedAddress, ranked};
use self::interface::{InterfaceKind, NetworkInterface};

/// The interfaces as they were read last.
pub(crate) struct NetworkState {
    latest: Mutex<Arc<Vec<NetworkInterface>>>,
}

/// What this machine has now.
pub(crate) fn interfaces_now() -> Vec<NetworkInterface> {
    reader::read(
        Path::new("/"),
        &signaling::host_addresses(),
        &wifi::wifi_links(),
    )
}

impl NetworkState {
    pub(crate) fn new() -> Self {
        Self {
            latest: Mutex::new(Arc::new(interfaces_now())),
        }
    }

    pub(crate) fn interfaces(&self) -> Arc<Vec<NetworkInterface>> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the interfaces. Blocks for about a millisecond.
    pub(crate) fn read_again(&self) {
        let now = Arc::new(interfaces_now());
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The addresses of this machine, best first.
    pub(crate) fn addresses(&self, preference: &Preference<'_>) -> Vec<RankedAddress> {
        ranked(&self.interfaces(), preference)
    }

    /// One line for the screen, such as `Wi-Fi conf-guest 72 %`; `None` without a network.
    pub(crate) fn summary(&self, preference: &Preference<'_>) -> Option<String> {
        let interfaces = self.interfaces();
        let best = ranked(&interfaces, preference).into_iter().next()?;
        let interface = interfaces.iter().find(|one| one.name == best.interface)?;
        Some(summary_of(interface))
    }
}

fn summary_of(interface: &NetworkInterface) -> String {
    let mut words = vec![interface.kind.in_words().to_owned()];
    if let Some(wifi) = &interface.wifi {
        words.extend(wifi.ssid.clone());
        words.extend(wifi.signal_percent().map(|percent| format!("{percent} %")));
    } else if interface.kind != InterfaceKind::Ethernet {
        words.push(interface.name.clone());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
