use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::symlink;

use signaling::HostAddress;

use super::choice::{AddressReason, Preference, ranked};
use super::interface::{InterfaceKind, NetworkInterface, WifiLink};
use super::reader::read;
use super::visitors::VisitorsAddress;
use super::{NetworkState, summary_of};
use crate::config::Config;
use crate::http::addresses::Served;
use crate::test_folder::TestFolder;

/// A machine with a made-up `/sys`, and its addresses.
struct Machine {
    root: TestFolder,
    hosts: Vec<HostAddress>,
    wifi: Vec<WifiLink>,
}

impl Machine {
    fn new() -> Self {
        let mut machine = Self {
            root: TestFolder::new(),
            hosts: Vec::new(),
            wifi: Vec::new(),
        };
        machine.add("lo", &[("type", "772"), ("operstate", "unknown")]);
        machine.address("lo", "127.0.0.1", None);
        machine.address("lo", "::1", None);
        machine
    }

    /// An interface with these files; a name that ends with a slash is a folder.
    fn add(&mut self, name: &str, files: &[(&str, &str)]) {
        let folder = self.root.join("sys/class/net").join(name);
        fs::create_dir_all(&folder).expect("created");
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            match file.strip_suffix('/') {
                Some(_) => fs::create_dir_all(path).expect("created"),
                None => fs::write(path, format!("{text}\n")).expect("written"),
            }
        }
    }

    /// A device with this driver.
    fn physical(&mut self, name: &str, driver: &str) {
        self.add(name, &[("type", "1"), ("operstate", "up"), ("device/", "")]);
        let device = self
            .root
            .join(format!("sys/class/net/{name}/device/driver"));
        symlink(format!("../../../bus/usb/drivers/{driver}"), device).expect("linked");
    }

    fn wifi(&mut self, name: &str, ssid: &str) {
        self.physical(name, "iwlwifi");
        self.add(name, &[("wireless/", ""), ("uevent", "DEVTYPE=wlan")]);
        self.wifi.push(WifiLink {
            interface: name.to_owned(),
            ssid: Some(ssid.to_owned()),
            signal_dbm: Some(-64),
        });
    }

    fn address(&mut self, name: &str, ip: &str, route_metric: Option<u32>) {
        self.hosts.push(HostAddress {
            interface: name.to_owned(),
            ip: ip.parse().expect("an address"),
            route_metric,
            prefix_bits: 24,
        });
    }

    fn interfaces(&self) -> Vec<NetworkInterface> {
        read(&self.root, &self.hosts, &self.wifi)
    }

    /// The addresses and reasons, best first.
    fn ranked(&self, preference: Preference<'_>) -> Vec<(String, AddressReason)> {
        let ranked = ranked(&self.interfaces(), &preference);
        let pair = |one: super::RankedAddress| (one.ip.to_string(), one.reason);
        ranked.into_iter().map(pair).collect()
    }

    fn kind(&self, name: &str) -> InterfaceKind {
        let interfaces = self.interfaces();
        let found = interfaces.iter().find(|one| one.name == name);
        found.expect("there").kind
    }
}

/// Wi-Fi at a conference, containers and a tunnel.
fn laptop() -> Machine {
    let mut machine = Machine::new();
    machine.wifi("wlan0", "conf-guest");
    machine.address("wlan0", "10.20.30.40", Some(600));
    machine.address("wlan0", "fe80::1", None);
    machine.address("wlan0", "2001:db8::7", Some(600));
    machine.add(
        "docker0",
        &[
            ("type", "1"),
            ("operstate", "up"),
            ("uevent", "DEVTYPE=bridge"),
            ("brif/veth1/", ""),
        ],
    );
    machine.add("veth1", &[("type", "1"), ("operstate", "up")]);
    machine.add(
        "cni0",
        &[
            ("type", "1"),
            ("operstate", "up"),
            ("uevent", "DEVTYPE=bridge"),
        ],
    );
    machine.add(
        "wg0",
        &[
            ("type", "65534"),
            ("operstate", "unknown"),
            ("uevent", "DEVTYPE=wireguard"),
        ],
    );
    machine.address("docker0", "172.17.0.1", None);
    machine.address("cni0", "10.244.0.1", None);
    machine.address("wg0", "10.8.0.2", Some(50));
    machine
}

#[test]
fn the_kinds_of_interfaces_are_told_apart() {
    let mut machine = laptop();
    machine.physical("enp1s0", "e1000e");
    machine.physical("usb0", "rndis_host");
    machine.physical("enx1", "ipheth");
    machine.physical("wwan0", "cdc_mbim");
    machine.add("wwan0", &[("uevent", "DEVTYPE=wwan")]);
    machine.add("tun0", &[("type", "65534"), ("tun_flags", "0x1001")]);
    machine.add("tap0", &[("type", "1"), ("tun_flags", "0x1002")]);
    machine.add(
        "br0",
        &[
            ("type", "1"),
            ("uevent", "DEVTYPE=bridge"),
            ("brif/enp1s0/", ""),
        ],
    );
    machine.add("enp1s0.7", &[("type", "1"), ("uevent", "DEVTYPE=vlan")]);
    for (name, kind) in [
        ("lo", InterfaceKind::Loopback),
        ("wlan0", InterfaceKind::Wifi),
        ("enp1s0", InterfaceKind::Ethernet),
        ("enp1s0.7", InterfaceKind::Ethernet),
        ("br0", InterfaceKind::Ethernet),
        ("usb0", InterfaceKind::UsbTether),
        ("enx1", InterfaceKind::UsbTether),
        ("wwan0", InterfaceKind::Other),
        ("docker0", InterfaceKind::Virtual),
        ("veth1", InterfaceKind::Virtual),
        ("cni0", InterfaceKind::Virtual),
        ("wg0", InterfaceKind::Tunnel),
        ("tun0", InterfaceKind::Tunnel),
        ("tap0", InterfaceKind::Tunnel),
    ] {
        assert_eq!(machine.kind(name), kind, "{name}");
    }
}

#[test]
fn the_wifi_comes_before_tunnels_with_the_default_route_and_containers_are_left_out() {
    assert_eq!(
        laptop().ranked(Preference::default()),
        [
            ("10.20.30.40".to_owned(), AddressReason::DefaultRoute),
            ("2001:db8::7".to_owned(), AddressReason::DefaultRoute),
            ("10.8.0.2".to_owned(), AddressReason::OnlyTunnel),
        ]
    );
}

#[test]
fn the_wifi_that_visitors_join_comes_first_and_the_owners_choice_before_it() {
    let mut machine = laptop();
    machine.physical("enp1s0", "e1000e");
    machine.address("enp1s0", "192.168.1.20", Some(100));
    machine.wifi("wlan1", "booth");
    machine.address("wlan1", "10.42.0.1", None);
    let first = |interface, ssid| {
        let preference = Preference { interface, ssid };
        machine.ranked(preference).swap_remove(0)
    };
    let cable = ("192.168.1.20".to_owned(), AddressReason::DefaultRoute);
    assert_eq!(first(None, None), cable);
    assert_eq!(first(None, Some("elsewhere")), cable);
    let hotspot = ("10.42.0.1".to_owned(), AddressReason::VisitorsWifi);
    assert_eq!(first(None, Some("booth")), hotspot);
    let chosen = ("172.17.0.1".to_owned(), AddressReason::Preferred);
    assert_eq!(first(Some("docker0"), Some("booth")), chosen);
    assert_eq!(first(Some("unplugged0"), Some("booth")), hotspot);
}

#[test]
fn a_phone_at_a_cable_is_used_where_there_is_nothing_better() {
    let mut machine = Machine::new();
    machine.physical("usb0", "rndis_host");
    machine.address("usb0", "192.168.42.129", Some(100));
    let tether = ("192.168.42.129".to_owned(), AddressReason::OnlyTether);
    assert_eq!(
        machine.ranked(Preference::default()),
        std::slice::from_ref(&tether)
    );
    machine.wifi("wlan0", "hall");
    machine.address("wlan0", "192.168.1.7", Some(600));
    let ranked = machine.ranked(Preference::default());
    assert_eq!(
        ranked[0],
        ("192.168.1.7".to_owned(), AddressReason::DefaultRoute)
    );
    assert_eq!(ranked[1], tether);
    machine.add("wlan0", &[("operstate", "down")]);
    assert_eq!(machine.ranked(Preference::default()), [tether]);
}

#[test]
fn containers_are_used_where_there_is_nothing_else() {
    let mut machine = Machine::new();
    machine.add(
        "docker0",
        &[
            ("type", "1"),
            ("operstate", "up"),
            ("uevent", "DEVTYPE=bridge"),
        ],
    );
    machine.address("docker0", "172.17.0.1", None);
    let ranked = machine.ranked(Preference::default());
    assert_eq!(
        ranked,
        [("172.17.0.1".to_owned(), AddressReason::OnlyVirtual)]
    );
    assert!(!AddressReason::OnlyVirtual.is_reachable());
}

#[test]
fn addresses_without_a_network_behind_them_are_told_so() {
    let mut machine = Machine::new();
    assert_eq!(machine.ranked(Preference::default()), []);
    machine.physical("eth0", "e1000e");
    machine.address("eth0", "fe80::1", None);
    assert_eq!(machine.ranked(Preference::default()), []);
    machine.address("eth0", "169.254.7.7", None);
    let ranked = machine.ranked(Preference::default());
    assert_eq!(
        ranked,
        [("169.254.7.7".to_owned(), AddressReason::OnlyLinkLocal)]
    );
}

#[test]
fn without_sysfs_the_addresses_are_used() {
    let mut machine = Machine::new();
    fs::remove_dir_all(machine.root.join("sys")).expect("removed");
    machine.address("eth0", "192.168.1.20", Some(100));
    let ranked = machine.ranked(Preference::default());
    assert_eq!(ranked.len(), 1, "{ranked:?}");
    assert_eq!(ranked[0].0, "192.168.1.20");
}

#[test]
fn the_address_for_visitors_has_a_reason() {
    let interfaces = laptop().interfaces();
    let now = |public_url: Option<&str>, listen: &str| {
        let config = Config {
            public_url: public_url.map(str::to_owned),
            ..Config::default()
        };
        let served = Served {
            http: listen.parse().expect("an address"),
            https: None,
        };
        let address = VisitorsAddress::now(&config, &served, &interfaces);
        (address.public.best, address.reason, address.interface)
    };
    let wlan = Some("wlan0".to_owned());
    let url = "http://10.20.30.40:8080".to_owned();
    assert_eq!(
        now(None, "[::]:8080"),
        (url.clone(), AddressReason::DefaultRoute, wlan.clone())
    );
    assert_eq!(
        now(None, "10.20.30.40:8080"),
        (url, AddressReason::Listen, wlan)
    );
    let local = now(None, "127.0.0.1:8080");
    assert_eq!(
        (local.1, local.2),
        (AddressReason::Listen, Some("lo".to_owned()))
    );
    let public = "https://booth.example";
    assert_eq!(
        now(Some(public), "[::]:8080"),
        (public.to_owned(), AddressReason::PublicUrl, None)
    );
}

#[test]
fn the_summary_names_the_network() {
    let interfaces = laptop().interfaces();
    let summary = |name: &str| {
        let interface = interfaces.iter().find(|one| one.name == name);
        summary_of(interface.expect("there"))
    };
    assert_eq!(summary("wlan0"), "Wi-Fi conf-guest 70 %");
    assert_eq!(summary("wg0"), "tunnel wg0");
}

#[test]
fn this_machine_can_be_read() {
    let state = NetworkState::new();
    let loopback = state
        .interfaces()
        .iter()
        .any(|one| one.kind == InterfaceKind::Loopback);
    assert!(loopback, "{:?}", state.interfaces());
    let addresses = state.addresses(&Preference::default());
    let is_loopback = |ip: IpAddr| ip.is_loopback();
    assert!(
        !addresses.iter().any(|one| is_loopback(one.ip)),
        "{addresses:?}"
    );
}
