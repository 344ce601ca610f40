//! The names of the Wi-Fi networks that this machine is connected to.

use crate::network::wifi::wifi_links;

/// SSIDs; empty without Wi-Fi, or where the system does not tell.
pub(crate) type Networks = Vec<String>;

/// Asks the kernel; takes well under a millisecond.
pub(crate) fn connected_networks() -> Networks {
    wifi_links()
        .into_iter()
        .filter_map(|link| link.ssid)
        .collect()
}
