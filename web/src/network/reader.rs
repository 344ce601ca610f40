//! Reads the interfaces of this machine from sysfs. What cannot be read is left out; nothing here is an error.

use std::fs;
use std::path::Path;

use signaling::HostAddress;

use super::interface::{InterfaceAddress, InterfaceKind, NetworkInterface, WifiLink};

/// Drivers of phones that share their network over USB. Some adapters for cables use cdc_ether and cdc_ncm too.
const TETHER_DRIVERS: [&str; 4] = ["rndis_host", "cdc_ether", "cdc_ncm", "ipheth"];
/// `ARPHRD_LOOPBACK`, and those without a link layer or with another packet in a packet (linux/if_arp.h).
const TYPE_LOOPBACK: &str = "772";
const TUNNEL_TYPES: [&str; 5] = ["65534", "768", "769", "776", "778"];

/// The interfaces below `root`, the root of sysfs's mount point, by name; addresses and Wi-Fi networks are matched by
/// name too. An interface that sysfs does not have is known by its addresses alone.
pub(crate) fn read(root: &Path, hosts: &[HostAddress], wifi: &[WifiLink]) -> Vec<NetworkInterface> {
    let class = root.join("sys/class/net");
    let mut names: Vec<String> = fs::read_dir(&class)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        // `bonding_masters` is a file.
        .filter(|name| class.join(name).is_dir())
        .chain(hosts.iter().map(|host| host.interface.clone()))
        .collect();
    names.sort();
    names.dedup();
    let interface = |name: String| {
        let folder = class.join(&name);
        let own = hosts.iter().filter(|host| host.interface == name);
        NetworkInterface {
            kind: kind(&folder, &name),
            is_up: is_up(&folder),
            addresses: own
                .map(|host| InterfaceAddress {
                    ip: host.ip,
                    route_metric: host.route_metric,
                })
                .collect(),
            wifi: wifi.iter().find(|link| link.interface == name).cloned(),
            name,
        }
    };
    names.into_iter().map(interface).collect()
}

/// The text of a small file, without the line end; empty if it cannot be read.
fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

fn is_up(folder: &Path) -> bool {
    match text(&folder.join("operstate")).as_str() {
        "up" => true,
        // Loopback and tunnels do not say; without sysfs nothing does.
        "unknown" => text(&folder.join("carrier")) != "0",
        "" => !folder.exists(),
        _ => false,
    }
}

fn kind(folder: &Path, name: &str) -> InterfaceKind {
    let link_type = text(&folder.join("type"));
    if link_type == TYPE_LOOPBACK || name == "lo" {
        return InterfaceKind::Loopback;
    }
    let uevent = text(&folder.join("uevent"));
    let device_type = uevent
        .lines()
        .find_map(|line| line.strip_prefix("DEVTYPE="))
        .unwrap_or_default();
    let is_wifi = ["wireless", "phy80211"]
        .iter()
        .any(|entry| folder.join(entry).exists());
    if is_wifi || device_type == "wlan" {
        return InterfaceKind::Wifi;
    }
    let is_tunnel = folder.join("tun_flags").exists()
        || TUNNEL_TYPES.contains(&link_type.as_str())
        || device_type == "wireguard";
    if is_tunnel {
        return InterfaceKind::Tunnel;
    }
    if is_physical(folder) {
        let driver = fs::read_link(folder.join("device/driver")).unwrap_or_default();
        let driver = driver.file_name().and_then(|name| name.to_str());
        return match driver {
            Some(driver) if TETHER_DRIVERS.contains(&driver) => InterfaceKind::UsbTether,
            _ if device_type == "wwan" => InterfaceKind::Other,
            _ => InterfaceKind::Ethernet,
        };
    }
    // A bridge with a cable in it is this machine's place in that network.
    let has_cable = fs::read_dir(folder.join("brif"))
        .into_iter()
        .flatten()
        .filter_map(|port| Some(port.ok()?.file_name()))
        .any(|port| is_physical(&folder.with_file_name(port)));
    match device_type {
        "vlan" | "bond" => InterfaceKind::Ethernet,
        "wwan" => InterfaceKind::Other,
        _ if has_cable => InterfaceKind::Ethernet,
        _ if !folder.exists() => InterfaceKind::Other,
        _ => InterfaceKind::Virtual,
    }
}

fn is_physical(folder: &Path) -> bool {
    folder.join("device").exists()
}
