//! The checks of the network: whether phones are likely to reach the station.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::commands::doctor::finding::Finding;
use crate::commands::running_station::{admin_token, local};
use crate::config::Config;
use crate::environment::UserFolders;
use crate::http::addresses::{HttpsAddress, Served};
use crate::network::choice::AddressReason;
use crate::network::firewall::{Filtering, filtering};
use crate::network::interface::{InterfaceKind, NetworkInterface};
use crate::network::interfaces_now;
use crate::network::visitors::VisitorsAddress;

/// Not on the search path of every user.
const NFT: [&str; 2] = ["nft", "/usr/sbin/nft"];
/// The station on this machine answers in milliseconds.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn findings(config: &Config, folders: &UserFolders) -> Vec<Finding> {
    let (Ok(http), Ok(https)) = (config.listen_addr(), config.listen_tls_addr()) else {
        return Vec::new(); // checked with the configuration
    };
    let served = Served {
        http,
        https: https.map(|at| HttpsAddress {
            at,
            self_signed: config.tls.cert.is_none(),
        }),
    };
    let interfaces = interfaces_now();
    let mut findings = vec![address(config, &served, &interfaces)];
    findings.extend(interfaces.iter().filter_map(interface));
    if !http.ip().is_loopback() || https.is_some_and(|at| !at.ip().is_loopback()) {
        findings.push(firewall(http, config.media_port));
        findings.extend(seen_by_station(config, folders, http));
    }
    findings
}

fn address(config: &Config, served: &Served, interfaces: &[NetworkInterface]) -> Finding {
    let address = VisitorsAddress::now(config, served, interfaces);
    let words = format!(
        "visitors are told {}: {}",
        address.public.best,
        address.reason.in_words()
    );
    let is_local = address.reason == AddressReason::Listen && served.http.ip().is_loopback();
    if address.reason.is_reachable() && !is_local {
        return Finding::ok("network", words);
    }
    let fix = match address.reason {
        AddressReason::Listen => "only this machine reaches it; --listen [::]:8080 is for all",
        AddressReason::OnlyTether => "phones reach it only if that phone lets them: join a Wi-Fi",
        _ => "phones will not reach it: join a Wi-Fi, plug in a cable, or see `carrier hotspot`",
    };
    Finding::note("network", words, fix)
}

/// One line for each interface that could lead to visitors.
fn interface(interface: &NetworkInterface) -> Option<Finding> {
    let is_shown = interface.is_up
        && !matches!(
            interface.kind,
            InterfaceKind::Loopback | InterfaceKind::Virtual
        );
    if !is_shown {
        return None;
    }
    let addresses: Vec<IpAddr> = interface.addresses.iter().map(|one| one.ip).collect();
    let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let wifi = interface.wifi.as_ref();
    let ssid = wifi.and_then(|wifi| wifi.ssid.clone());
    let signal = wifi.and_then(|wifi| wifi.signal_percent());
    let parts = [
        Some(format!(
            "{} is {}",
            interface.name,
            interface.kind.in_words()
        )),
        ssid,
        signal.map(|percent| format!("{percent} %")),
        Some(list.join(", ")).filter(|list| !list.is_empty()),
    ];
    let words = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let needs_scope = |ip: &IpAddr| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if addresses.is_empty() || !addresses.iter().all(needs_scope) {
        return Some(Finding::ok("interface", words));
    }
    let fix = "it has a link-local IPv6 address alone, which no link can name: no router or DHCP server \
               answered there";
    Some(Finding::note("interface", words, fix))
}

/// Who may read the rules learns what they do with the two ports.
fn firewall(http: SocketAddr, media_port: u16) -> Finding {
    let rules = match ruleset() {
        Ok(rules) => rules,
        Err(why) => return unreadable(why, media_port),
    };
    let ports = [
        ("tcp", http.port()),
        ("udp", media_port),
        ("tcp", media_port),
    ];
    let filtered =
        ports.map(|(protocol, port)| (protocol, port, filtering(&rules, protocol, port)));
    let named = |wanted: &[Filtering]| {
        let is_one = |(_, _, found): &&(_, _, Option<Filtering>)| {
            found.is_some_and(|found| wanted.contains(&found))
        };
        let names = filtered.iter().filter(is_one);
        let names: Vec<String> = names
            .map(|(protocol, port, _)| format!("{} {port}", protocol.to_uppercase()))
            .collect();
        names.join(" and ")
    };
    let closed = named(&[Filtering::Dropped, Filtering::NotAccepted]);
    if !closed.is_empty() {
        let words = format!("the rules of nftables on this machine drop what comes to {closed}");
        let fix = format!(
            "phones get no page without TCP {}, and no video without UDP {media_port}: let them through",
            http.port()
        );
        return Finding::bad("firewall", words, fix);
    }
    let unclear = named(&[Filtering::Unclear]);
    if !unclear.is_empty() {
        let words = format!("nothing in the rules is seen to let {unclear} in");
        let fix = "there are rules of iptables that cannot be read here: look at `iptables-save`";
        return Finding::note("firewall", words, fix);
    }
    Finding::ok(
        "firewall",
        "no rule of nftables on this machine drops the pages or the video by their ports",
    )
}

/// The rules as JSON, or why they cannot be read.
fn ruleset() -> Result<String, &'static str> {
    for program in NFT {
        let mut command = Command::new(program);
        let listed = command.args(["-j", "list", "ruleset"]).stdin(Stdio::null());
        let Ok(listed) = listed.output() else {
            continue; // not there
        };
        let text = String::from_utf8_lossy(&listed.stdout);
        return match listed.status.success() && !text.is_empty() {
            true => Ok(text.into_owned()),
            false => Err("root alone may read its rules: run `carrier doctor` as root"),
        };
    }
    Err("nft, which lists its rules, is not installed")
}

fn unreadable(why: &str, media_port: u16) -> Finding {
    let services = Path::new("/sys/fs/cgroup/system.slice");
    let ufw = std::fs::read_to_string("/etc/ufw/ufw.conf").unwrap_or_default();
    let (words, open) = if ufw.lines().any(|line| line.trim() == "ENABLED=yes") {
        let command = format!("; `ufw allow {media_port}` lets the video in");
        ("ufw is on", command)
    } else if services.join("firewalld.service").exists() {
        let command = format!("; `firewall-cmd --add-port={media_port}/udp` lets the video in");
        ("firewalld runs", command)
    } else {
        ("unknown", String::new())
    };
    Finding::note("firewall", words, format!("{why}{open}"))
}

#[derive(Deserialize)]
struct Report {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    state: String,
    message: String,
    fix: Option<String>,
}

/// What the running station has seen of visitors; `None`: none runs here, or it has nothing to say.
fn seen_by_station(config: &Config, folders: &UserFolders, http: SocketAddr) -> Option<Finding> {
    let has_token = config.admin_token.is_some()
        || folders.admin_token_file().is_some_and(|file| file.exists());
    let token = has_token.then(|| admin_token(config, folders).ok())??;
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(ASK_TIMEOUT))
        .proxy(None)
        .build()
        .new_agent();
    let url = format!("http://{}{}/api/doctor", local(http), config.http.prefix());
    let request = agent
        .get(&url)
        .header("Authorization", format!("Bearer {token}"));
    let text = request.call().ok()?.body_mut().read_to_string().ok()?;
    let report: Report = serde_json::from_str(&text).ok()?;
    let check = report
        .checks
        .into_iter()
        .find(|check| check.name == "network" && check.state != "ok")?;
    let words = format!("the running station: {}", check.message);
    Some(Finding::note(
        "network",
        words,
        check.fix.unwrap_or_default(),
    ))
}
