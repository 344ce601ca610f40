//! A network interface of this machine, as far as its addresses matter to visitors. Pure.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkInterface {
    pub(crate) name: String,
    pub(crate) kind: InterfaceKind,
    /// It is switched on and has a carrier: a cable, or a Wi-Fi network.
    pub(crate) is_up: bool,
    pub(crate) addresses: Vec<InterfaceAddress>,
    /// `None`: it is none, or the system does not tell.
    pub(crate) wifi: Option<WifiLink>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InterfaceAddress {
    pub(crate) ip: IpAddr,
    /// The metric of the default route over this interface, if there is one.
    pub(crate) route_metric: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InterfaceKind {
    Wifi,
    Ethernet,
    /// A phone at a USB cable.
    UsbTether,
    /// A bridge, a container or a virtual machine on this machine.
    Virtual,
    /// A tunnel or VPN.
    Tunnel,
    Loopback,
    /// A mobile network, for example.
    Other,
}

impl InterfaceKind {
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Wifi => "Wi-Fi",
            Self::Ethernet => "Ethernet",
            Self::UsbTether => "USB tether",
            Self::Virtual => "virtual network",
            Self::Tunnel => "tunnel",
            Self::Loopback => "loopback",
            Self::Other => "network",
        }
    }
}

/// The Wi-Fi network of an interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WifiLink {
    pub(crate) interface: String,
    /// Its name; `None`: not connected.
    pub(crate) ssid: Option<String>,
    pub(crate) signal_dbm: Option<i8>,
}

impl WifiLink {
    /// 0 % at -100 dBm, where nothing is received, and 100 % at -50 dBm and above.
    pub(crate) fn signal_percent(&self) -> Option<u8> {
        let above_floor = i16::from(self.signal_dbm?) + 100;
        u8::try_from((2 * above_floor).clamp(0, 100)).ok()
    }
}
