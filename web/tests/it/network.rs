//! The networks of the machine, in a network namespace of the test's own: addresses that change, multicast DNS, packet
//! filters. Skipped where namespaces cannot be made.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mdns_sd::{ServiceDaemon, ServiceEvent};

use crate::station::{agent, command, end_of, fresh_folder};
use crate::timing::{HANG_TIMEOUT, expect_within};

/// Set inside the namespace; its value says what to do there.
const INSIDE: &str = "CARRIER_TEST_NAMESPACE";
const ADMIN: &str = "Bearer test-admin-token";

/// Runs the test `name` again in namespaces of its own, where it is root; true: this is that run.
fn is_inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    // sysfs shows the network of the namespace in which it was mounted.
    let inner = "mount -t sysfs sysfs /sys && ip link set lo up && exec \"$@\"";
    let namespaces = ["--user", "--map-root-user", "--net", "--mount"];
    let can = Command::new("unshare")
        .args(namespaces)
        .args([
            "sh", "-c", inner, "sh", "ip", "link", "add", "a0", "type", "veth",
        ])
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        println!("skipped: network namespaces cannot be made here");
        return false;
    }
    let status = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", inner, "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, name)
        .status();
    assert!(
        status.expect("unshare").success(),
        "{name} in its namespace"
    );
    false
}

fn sh(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status();
    assert!(status.expect("sh").success(), "{script}");
}

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another machine: a namespace that is joined by a cable, `a0` here and `a1` there.
fn other_machine() -> (Process, Vec<String>) {
    sh("ip link add a0 type veth peer name a1");
    let mut child = Command::new("unshare")
        .args([
            "--net",
            "sh",
            "-c",
            "ip link set lo up; echo ready; exec sleep 1000",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare");
    let mut ready = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout)
        .read_line(&mut ready)
        .expect("a line");
    let pid = child.id();
    let there = ["nsenter", "--net", "--target", &pid.to_string()].map(str::to_owned);
    sh(&format!(
        "ip link set a1 netns {pid}
         ip addr add 10.77.0.1/24 dev a0; ip link set a0 up
         {0} ip addr add 10.77.0.2/24 dev a1; {0} ip link set a1 up",
        there.join(" ")
    ));
    (Process(child), there.to_vec())
}

/// A station for all machines, at port 8080. `runner` starts it, in another namespace perhaps.
fn station(toml: &str, runner: &[String]) -> Process {
    let home = fresh_folder();
    std::fs::write(home.join("carrier.toml"), toml).expect("written");
    let plain = command(&home);
    let mut words: Vec<_> = runner.iter().map(Into::into).collect();
    words.push(plain.get_program().to_owned());
    let mut command = Command::new(&words[0]);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let child = command
        .args(&words[1..])
        .args([
            "--source",
            "scene",
            "--model",
            "none",
            "--listen",
            "[::]:8080",
        ])
        .args(["--media-port", "0", "--config"])
        .arg(home.join("carrier.toml"))
        .env("CARRIER_ADMIN_TOKEN", "test-admin-token")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(home.join("log")).expect("a log"))
        .spawn();
    Process(child.expect("the program starts"))
}

/// The JSON at a path of the station here; `None`: it does not answer yet.
fn asked(path: &str) -> Option<serde_json::Value> {
    let url = format!("http://127.0.0.1:8080{path}");
    let mut answer = agent()
        .get(url)
        .header("Authorization", ADMIN)
        .call()
        .ok()?;
    serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
}

/// Waits until a value at a path is as wanted; returns it and how long that took.
fn wait_for(
    path: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> (serde_json::Value, Duration) {
    let start = Instant::now();
    loop {
        let value = asked(path);
        if let Some(value) = value.clone().filter(|value| wanted(value)) {
            return (value, start.elapsed());
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "{path}: {value:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_address_of_the_codes_follows_the_network() {
    if !is_inside("network::the_address_of_the_codes_follows_the_network") {
        return;
    }
    let (_other, _) = other_machine();
    let _station = station("", &[]);
    let shows = |ip: &'static str| {
        let wanted = format!("http://{ip}:8080/booth");
        move |join: &serde_json::Value| join["booth_url"] == wanted.as_str()
    };
    wait_for("/api/join", shows("10.77.0.1"));
    let (network, _) = wait_for("/api/network", |network| network["address"].is_string());
    assert_eq!(network["interface"], "a0", "{network}");
    assert_eq!(network["reason"], "only_virtual", "{network}");

    sh("ip addr del 10.77.0.1/24 dev a0; ip addr add 192.168.9.9/24 dev a0");
    let (_, took) = wait_for("/api/join", shows("192.168.9.9"));
    expect_within(
        "codes after a change of the address",
        took,
        Duration::from_secs(3),
    );

    sh("ip link add b0 type veth peer name b1; ip link set b1 up
        ip addr add 192.168.8.8/24 dev b0; ip link set b0 up");
    let patch = serde_json::json!({"network": {"prefer": "b0"}}).to_string();
    let request = ureq::http::Request::builder()
        .method("PATCH")
        .uri("http://127.0.0.1:8080/api/settings")
        .header("Authorization", ADMIN)
        .header("Content-Type", "application/json")
        .body(patch)
        .expect("a request");
    assert_eq!(
        agent().run(request).expect("an answer").status().as_u16(),
        200
    );
    wait_for("/api/join", shows("192.168.8.8"));
    sh("ip link set b0 down");
    wait_for("/api/join", shows("192.168.9.9"));

    sh("ip link set a0 down");
    wait_for("/api/join", shows("127.0.0.1"));
    let (network, _) = wait_for("/api/network", |network| network["address"].is_string());
    assert_eq!(network["reason"], "only_loopback", "{network}");
}

#[test]
fn stations_are_found_by_name_and_do_not_share_one() {
    if !is_inside("network::stations_are_found_by_name_and_do_not_share_one") {
        return;
    }
    if std::env::var(INSIDE).is_ok_and(|value| value == "browse") {
        browse();
        return;
    }
    let (_other, there) = other_machine();
    let mut first = station("name = \"Hall\"", &[]);
    wait_for("/api/network", |network| {
        network["announced"] == "http://hall.local:8080/"
    });
    let mut browser = Command::new(&there[0])
        .args(&there[1..])
        .arg(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "network::stations_are_found_by_name_and_do_not_share_one",
        ])
        .arg("--nocapture")
        .env(INSIDE, "browse")
        .stdout(Stdio::piped())
        .spawn()
        .expect("nsenter");
    let mut seen = BufReader::new(browser.stdout.take().expect("piped"));
    let browser = Process(browser);
    let mut line_with = |wanted: &str| loop {
        let mut line = String::new();
        let count = seen.read_line(&mut line).expect("a line");
        assert!(count > 0, "the browser ended without {wanted}");
        if line.contains(wanted) {
            return line;
        }
    };
    let line = line_with("found");
    for wanted in [
        "Hall._carrier._tcp.local.",
        "hall.local.",
        "10.77.0.1",
        " 8080 ",
        "path=/",
        "HTTP/1.1 200",
    ] {
        assert!(line.contains(wanted), "{wanted} in {line}");
    }

    // A second one of the same name, on the other machine.
    let second = station("name = \"Hall\"", &there);
    let line = line_with("hall-2.local.");
    assert!(line.contains("10.77.0.2"), "{line}");
    drop(second);

    sh(&format!("kill -TERM {}", first.0.id()));
    let status = end_of(&mut first.0);
    assert!(status.success(), "{status}");
    line_with("gone Hall._carrier._tcp.local.");
    drop(browser);
}

/// Prints each station that it finds or loses, and asks it for a page under its name.
fn browse() {
    let daemon = ServiceDaemon::new().expect("multicast DNS");
    let events = daemon.browse("_carrier._tcp.local.").expect("browsing");
    // The library tells of each of its queries, too.
    let limit = Instant::now() + HANG_TIMEOUT;
    while let Ok(event) = events.recv_deadline(limit) {
        match event {
            ServiceEvent::ServiceResolved(found) => {
                let (host, port) = (found.get_hostname(), found.get_port());
                let addresses = found.get_addresses_v4();
                let first = addresses.iter().next().expect("an address");
                let name = host.trim_end_matches('.');
                let page = TcpStream::connect((*first, port)).and_then(|mut stream| {
                    write!(
                        stream,
                        "GET / HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
                    )?;
                    let mut answer = vec![0; 15];
                    stream.read_exact(&mut answer)?;
                    Ok(String::from_utf8_lossy(&answer).into_owned())
                });
                let path = found.get_property_val_str("path");
                println!(
                    "found {} {host} {addresses:?} {port} path={} {page:?}",
                    found.get_fullname(),
                    path.unwrap_or_default()
                );
            }
            ServiceEvent::ServiceRemoved(_, name) => println!("gone {name}"),
            _ => {}
        }
    }
}

/// What `carrier doctor` says of a topic.
fn doctor(topic: &str) -> String {
    let home = fresh_folder();
    let done = command(&home)
        .args([
            "doctor",
            "--source",
            "scene",
            "--model",
            "none",
            "--media-port",
            "8189",
        ])
        .output();
    let text = String::from_utf8(done.expect("it runs").stdout).expect("text");
    let lines = text.lines().filter(|line| line.contains(topic));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_doctor_sees_packet_filters_and_missing_networks() {
    if !is_inside("network::the_doctor_sees_packet_filters_and_missing_networks") {
        return;
    }
    let alone = doctor("network");
    assert!(
        alone.starts_with("-") && alone.contains("this machine is in no network"),
        "{alone}"
    );
    let (_other, there) = other_machine();
    let connected = doctor("network");
    assert!(connected.contains("http://10.77.0.1:8080"), "{connected}");
    if Command::new("nft").arg("--version").output().is_err() {
        println!("skipped: nft is not installed");
        return;
    }
    let open = doctor("firewall");
    assert!(open.starts_with("ok"), "{open}");
    assert!(is_reached(&there), "without rules");

    sh("nft add table inet f; nft 'add chain inet f input { type filter hook input priority 0; policy accept; }'
        nft add rule inet f input udp dport 8189 drop");
    let dropped = doctor("firewall");
    assert!(
        dropped.starts_with("BAD") && dropped.contains("UDP 8189"),
        "{dropped}"
    );
    assert!(!dropped.contains("TCP"), "{dropped}");
    assert!(!is_reached(&there), "dropped by a rule");

    sh("nft flush ruleset; nft add table inet f
        nft 'add chain inet f input { type filter hook input priority 0; policy drop; }'
        nft add rule inet f input tcp dport 8080 accept");
    let closed = doctor("firewall");
    assert!(
        closed.starts_with("BAD") && closed.contains("UDP 8189 and TCP 8189"),
        "{closed}"
    );
    sh(
        "nft add rule inet f input udp dport 8000-9000 accept; nft add rule inet f input tcp dport 8189 accept",
    );
    let open = doctor("firewall");
    assert!(open.starts_with("ok"), "{open}");
    assert!(is_reached(&there), "let in by a rule");
}

/// Whether a datagram from the other machine arrives at UDP port 8189.
fn is_reached(there: &[String]) -> bool {
    let socket = std::net::UdpSocket::bind("0.0.0.0:8189").expect("free");
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("set");
    let script = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('10.77.0.1', 8189))";
    sh(&format!("{} python3 -c \"{script}\"", there.join(" ")));
    socket.recv(&mut [0; 8]).is_ok()
}
