use super::*;

fn host(interface: &str, ip: &str, route_metric: Option<u32>) -> HostAddress {
    HostAddress {
        interface: interface.to_owned(),
        ip: ip.parse().expect("an address"),
        prefix_bits: 24,
        route_metric,
    }
}

fn best(mut hosts: Vec<HostAddress>) -> Vec<String> {
    hosts.sort_by_key(rank);
    hosts.iter().map(|host| host.ip.to_string()).collect()
}

#[test]
fn the_default_route_comes_first_and_known_virtual_interfaces_last() {
    for (virtual_one, address) in [
        ("lxdbr0", "10.45.0.1"),
        ("vboxnet0", "192.168.56.1"),
        ("wg0", "10.8.0.2"),
        ("tailscale0", "100.101.3.2"),
        ("openvpn", "10.9.0.2"),
    ] {
        for metric in [None, Some(0)] {
            let hosts = vec![
                host(virtual_one, address, metric),
                host("eth5", "fd00::9", None),
                host("eth5", "198.51.100.9", None),
                host("wlan1", "192.168.1.20", Some(600)),
            ];
            let wanted = ["192.168.1.20", "198.51.100.9", "fd00::9", address];
            assert_eq!(best(hosts), wanted);
        }
    }
    assert_eq!(best(vec![host("wg0", "10.8.0.2", None)]), ["10.8.0.2"]);
}

#[test]
fn the_lower_metric_wins_else_the_private_network() {
    let two = vec![
        host("wlan0", "192.168.1.20", Some(600)),
        host("eth0", "203.0.113.7", Some(100)),
    ];
    assert_eq!(best(two), ["203.0.113.7", "192.168.1.20"]);
    let none = vec![
        host("eth1", "169.254.3.4", None),
        host("eth0", "203.0.113.7", None),
        host("wlan0", "192.168.1.20", None),
    ];
    assert_eq!(best(none), ["192.168.1.20", "203.0.113.7", "169.254.3.4"]);
}

#[test]
fn default_routes_are_parsed_as_the_kernel_writes_them() {
    let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
              wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
              wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n\
              tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000080\t0\t0\t0\n";
    assert_eq!(default_routes(v4), [("wlan0".to_owned(), 600)]);
    let zero = "0".repeat(32);
    let v6 = format!(
        "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n\
         {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n\
         {zero} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 eth1\n"
    );
    assert_eq!(default_routes_v6(&v6), [("eth0".to_owned(), 1024)]);
    assert!(default_routes("").is_empty() && default_routes_v6("x y").is_empty());
}

fn checkable(remote: &str, networks: &[(&str, u8)]) -> bool {
    let networks: Vec<Network> = networks
        .iter()
        .map(|(address, prefix_bits)| Network {
            address: address.parse().expect("an address"),
            prefix_bits: *prefix_bits,
        })
        .collect();
    is_checkable(remote.parse().expect("an address"), &networks)
}

#[test]
fn only_machines_in_our_networks_are_checked() {
    let lan = [("192.168.1.20", 24), ("fd00::7", 64)];
    assert!(checkable("192.168.1.77:5000", &lan));
    assert!(checkable("[fd00::99]:5000", &lan));
    for other in [
        "192.168.2.77:5000",
        "203.0.113.5:5000",
        "192.168.1.255:5000",
        "192.168.1.0:5000",
        "255.255.255.255:5000",
        "224.0.0.251:5353",
        "127.0.0.1:5000",
        "0.0.0.0:5000",
        "192.168.1.77:80",
        "192.168.1.77:1023",
        "[fd00:0:0:1::99]:5000",
        "[ff02::fb]:5353",
        "[::1]:5000",
    ] {
        assert!(!checkable(other, &lan), "{other}");
    }
}

#[test]
fn loopback_is_checked_only_with_a_loopback_candidate() {
    let own = [("127.0.0.1", 8), ("::1", 128)];
    assert!(checkable("127.0.0.1:5000", &own) && checkable("127.0.0.2:5000", &own));
    assert!(checkable("[::1]:5000", &own));
    assert!(!checkable("127.255.255.255:5000", &own));
    assert!(!checkable("127.0.0.1:5000", &[("192.168.1.20", 24)]));
    assert!(
        checkable("10.0.0.0:5000", &[("10.0.0.1", 31)]),
        "a /31 has no broadcast address"
    );
    assert!(!checkable("10.0.0.3:5000", &[("10.0.0.1", 32)]));
    assert!(
        checkable("10.0.0.3:5000", &[("192.0.2.1", 0)]),
        "prefix length zero"
    );
}
