//! The names of the Wi-Fi networks that this machine is connected to, over nl80211.

use std::error::Error;

use neli_wifi::{Interface, Socket};

/// SSIDs; empty without Wi-Fi, or where the system does not tell.
pub(crate) type Networks = Vec<String>;

/// Asks the kernel; takes well under a millisecond.
pub(crate) fn connected_networks() -> Networks {
    match interfaces() {
        Ok(interfaces) => interfaces
            .into_iter()
            .filter_map(|interface| String::from_utf8(interface.ssid?).ok())
            .map(|ssid| ssid.trim_end_matches('\0').to_owned())
            .collect(),
        Err(error) => {
            tracing::debug!(%error, "the names of Wi-Fi networks cannot be read");
            Networks::new()
        }
    }
}

fn interfaces() -> Result<Vec<Interface>, Box<dyn Error>> {
    Ok(Socket::connect()?.get_interfaces_info()?)
}
