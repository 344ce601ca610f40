//! The Wi-Fi networks that this machine is connected to, over nl80211. Needs no privilege.

use std::error::Error;

use neli_wifi::Socket;

use super::interface::WifiLink;

/// Asks the kernel; takes well under a millisecond. Empty without Wi-Fi, or where the system does not tell.
pub(crate) fn wifi_links() -> Vec<WifiLink> {
    match ask() {
        Ok(links) => links,
        Err(error) => {
            tracing::debug!(%error, "the names of Wi-Fi networks cannot be read");
            Vec::new()
        }
    }
}

fn ask() -> Result<Vec<WifiLink>, Box<dyn Error>> {
    let mut socket = Socket::connect()?;
    let mut links = Vec::new();
    for interface in socket.get_interfaces_info()? {
        let Some(name) = text(interface.name) else {
            continue;
        };
        let stations = interface
            .index
            .and_then(|index| socket.get_station_info(index).ok())
            .unwrap_or_default();
        // An access point has many, and a client has one.
        let signal_dbm = match &stations[..] {
            [only] => only.average_signal.or(only.signal),
            _ => None,
        };
        links.push(WifiLink {
            interface: name,
            ssid: text(interface.ssid),
            signal_dbm,
        });
    }
    Ok(links)
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    let text = String::from_utf8(bytes?).ok()?;
    Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
}
