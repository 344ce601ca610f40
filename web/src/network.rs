//! The networks of this machine, and how visitors find the pages in them.
//!
//! In: what the system says of its interfaces ([`reader`]), read again every second. Out: the interfaces with the
//! names of their Wi-Fi networks, the addresses in the order in which visitors reach them ([`choice`], pure), the
//! announcement by multicast DNS ([`mdns`]) and the answers of the captive portal ([`portal`], pure).

mod advertisement;
pub(crate) mod choice;
pub(crate) mod evidence;
pub(crate) mod firewall;
pub(crate) mod interface;
mod mdns;
pub(crate) mod portal;
pub(crate) mod reader;
pub(crate) mod visitors;
pub(crate) mod wifi;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signaling::ViewerSummary;

use self::advertisement::Advertisement;
use self::choice::{Preference, RankedAddress, ranked};
use self::evidence::Evidence;
use self::interface::{InterfaceKind, NetworkInterface};
use self::mdns::Advertiser;
use self::portal::PortalVisitors;
use crate::config::Config;

/// The interfaces as they were read last, and what follows from them.
#[derive(Default)]
pub(crate) struct NetworkState {
    latest: Mutex<Arc<Vec<NetworkInterface>>>,
    announced: Mutex<Announced>,
    portal: Mutex<PortalVisitors>,
    evidence: Mutex<Evidence>,
}

#[derive(Default)]
struct Announced {
    /// What was wanted last, whether or not it could be announced.
    wanted: Option<Advertisement>,
    advertiser: Option<Advertiser>,
    is_stopped: bool,
}

/// What this machine has now.
pub(crate) fn interfaces_now() -> Vec<NetworkInterface> {
    reader::read(
        Path::new("/"),
        &signaling::host_addresses(),
        &wifi::wifi_links(),
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl NetworkState {
    pub(crate) fn new() -> Self {
        let state = Self::default();
        state.read_again();
        state
    }

    pub(crate) fn interfaces(&self) -> Arc<Vec<NetworkInterface>> {
        Arc::clone(&locked(&self.latest))
    }

    /// Reads the interfaces. Blocks for about a millisecond.
    pub(crate) fn read_again(&self) {
        *locked(&self.latest) = Arc::new(interfaces_now());
    }

    /// Whether `ip` is this machine's own.
    pub(crate) fn is_own(&self, ip: IpAddr) -> bool {
        let interfaces = self.interfaces();
        let mut own = interfaces.iter().flat_map(|one| &one.addresses);
        ip.is_loopback() || own.any(|address| address.ip == ip)
    }

    /// The addresses of this machine, best first.
    pub(crate) fn addresses(&self, preference: &Preference<'_>) -> Vec<RankedAddress> {
        ranked(&self.interfaces(), preference)
    }

    /// One line for the screen, such as `Wi-Fi conf-guest 70 %`; `None` without a network.
    pub(crate) fn summary(&self, preference: &Preference<'_>) -> Option<String> {
        let interfaces = self.interfaces();
        let best = ranked(&interfaces, preference).into_iter().next()?;
        let interface = interfaces.iter().find(|one| one.name == best.interface)?;
        Some(summary_of(interface))
    }

    /// Announces by multicast DNS what is wanted now. Blocks for half a second after a change.
    pub(crate) fn announce(&self, config: &Config, listen: SocketAddr) {
        let wanted = Advertisement::wanted(config, listen, &self.interfaces());
        let mut announced = locked(&self.announced);
        if announced.wanted == wanted || announced.is_stopped {
            if let Some(advertiser) = &mut announced.advertiser {
                advertiser.host_name();
            }
            return;
        }
        announced.wanted.clone_from(&wanted);
        announced.advertiser = None;
        let Some(wanted) = wanted else {
            tracing::info!("nothing is announced by multicast DNS any more");
            return;
        };
        match Advertiser::start(&wanted) {
            Ok(advertiser) => {
                let name = format!("http://{}.local:{}", wanted.label, wanted.port);
                tracing::info!(name, "announced by multicast DNS");
                announced.advertiser = Some(advertiser);
            }
            Err(error) => {
                tracing::warn!(%error, "the station cannot be announced by multicast DNS");
            }
        }
    }

    /// The URL with the name that is announced.
    pub(crate) fn announced_url(&self) -> Option<String> {
        let mut announced = locked(&self.announced);
        let wanted = announced.wanted.clone()?;
        let name = announced.advertiser.as_mut()?.host_name();
        let port = match wanted.port {
            80 => String::new(),
            port => format!(":{port}"),
        };
        Some(format!("http://{name}{port}{}", wanted.path))
    }

    /// A request came from `ip`.
    pub(crate) fn note_request(&self, ip: IpAddr) {
        if !self.evidence().was_visited && !self.is_own(ip) {
            locked(&self.evidence).was_visited = true;
        }
    }

    pub(crate) fn note_viewers(&self, viewers: &[ViewerSummary]) {
        locked(&self.evidence).note_viewers(viewers);
    }

    /// What has been seen of visitors.
    pub(crate) fn evidence(&self) -> Evidence {
        *locked(&self.evidence)
    }

    /// `ip` has opened the page of the captive portal.
    pub(crate) fn pass_portal(&self, ip: IpAddr) {
        locked(&self.portal).pass(ip);
    }

    pub(crate) fn has_passed_portal(&self, ip: IpAddr) -> bool {
        locked(&self.portal).has_passed(ip)
    }

    /// Takes the announcement back.
    pub(crate) fn stop_announcing(&self) {
        let mut announced = locked(&self.announced);
        announced.is_stopped = true;
        announced.advertiser = None;
    }
}

fn summary_of(interface: &NetworkInterface) -> String {
    let mut words = vec![interface.kind.in_words().to_owned()];
    if let Some(wifi) = &interface.wifi {
        words.extend(wifi.ssid.clone());
        // In steps of ten, so that the screen seldom changes.
        let percent = wifi.signal_percent().map(|percent| (percent + 5) / 10 * 10);
        words.extend(percent.map(|percent| format!("{percent} %")));
    } else if interface.kind != InterfaceKind::Ethernet {
        words.push(interface.name.clone());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
