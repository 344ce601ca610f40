//! What carrier's own certificate says, and whether a kept one still serves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const DAY_S: u64 = 86_400;
/// Apple's systems refuse what is valid for more than 825 days.
const VALID_DAYS: u64 = 800;
/// Machines without a network may have been wrong about the time.
const BEFORE_DAYS: u64 = 1;
/// 2026-01-01. A clock that says less has lost the time: a kept certificate is more likely to be right than it.
const EARLIEST_S: u64 = 1_767_225_600;
/// Networks that were left long ago are forgotten.
const NAMES_MAX: usize = 48;

/// What the certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    host_name: Option<String>,
    addresses: Vec<IpAddr>,
}

/// What a certificate says. It stands in words above the certificate, where PEM allows any text (RFC
/// 7468 5.2), so that nothing has to be parsed out of the certificate itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) names: Vec<String>,
    /// Seconds of Unix time.
    pub(super) from_s: u64,
    pub(super) until_s: u64,
}

impl Machine {
    pub(super) fn with(host_name: Option<String>, addresses: Vec<IpAddr>) -> Self {
        let plain = |name: &String| {
            let dns = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            !name.is_empty() && name.len() <= 253 && name.chars().all(dns)
        };
        Self {
            host_name: host_name.filter(plain),
            addresses,
        }
    }

    /// The names to put into a certificate: this machine's as others write it.
    fn names(&self) -> Vec<String> {
        let mut names = vec!["localhost".to_owned()];
        if let Some(host) = &self.host_name {
            names.push(host.clone());
            // As multicast DNS has it (RFC 6762 3).
            if !host.contains('.') {
                names.push(format!("{host}.local"));
            }
        }
        let local = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let addresses = local.iter().chain(&self.addresses);
        names.extend(addresses.map(IpAddr::to_string));
        let mut seen = Vec::new();
        names.retain(|name| !seen.contains(name) && (seen.push(name.clone()), true).1);
        names
    }

    /// The names without which a kept certificate is made anew. IPv6 addresses are not among them:
    /// the temporary ones are others every day (RFC 8981), and each new certificate costs every
    /// viewer another warning.
    fn lasting_names(&self) -> Vec<String> {
        let v4 = self.addresses.iter().filter(|address| address.is_ipv4());
        v4.map(IpAddr::to_string)
            .chain(self.host_name.clone())
            .collect()
    }
}

impl Terms {
    /// Names the machine, and whatever the one `before` named: back on a network of yesterday, the
    /// same certificate serves.
    pub(super) fn anew(machine: &Machine, before: Option<&Self>, now_s: u64) -> Self {
        let mut names = machine.names();
        let earlier = before.map_or(&[][..], |before| &before.names);
        for name in earlier {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.truncate(NAMES_MAX);
        let now_s = now_s.max(EARLIEST_S);
        Self {
            names,
            from_s: now_s.saturating_sub(BEFORE_DAYS * DAY_S),
            until_s: now_s + VALID_DAYS * DAY_S,
        }
    }

    /// Whether a certificate with these terms serves this machine now.
    pub(super) fn serve(&self, machine: &Machine, now_s: u64) -> bool {
        let lasting = machine.lasting_names();
        (now_s < EARLIEST_S || (self.from_s..self.until_s).contains(&now_s))
            && lasting.iter().all(|name| self.names.contains(name))
    }

    /// The words above the certificate.
    pub(super) fn preamble(&self) -> String {
        format!(
            "carrier's own certificate for HTTPS, and its key: keep this file to yourself.\n\
             Names: {}\n\
             Valid: {} {}\n",
            self.names.join(" "),
            self.from_s,
            self.until_s
        )
    }

    /// Reads those words; `None` where they are not there.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let names = line("Names: ")?.split_whitespace().map(str::to_owned);
        let (from_s, until_s) = line("Valid: ")?.split_once(' ')?;
        Some(Self {
            names: names.collect(),
            from_s: from_s.trim().parse().ok()?,
            until_s: until_s.trim().parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_800_000_000;

    fn machine(addresses: &[&str]) -> Machine {
        let ip = |text: &&str| text.parse().expect("an address");
        let addresses = addresses.iter().map(ip).collect();
        Machine::with(Some("backpack".to_owned()), addresses)
    }

    #[test]
    fn it_names_this_machine_in_every_way_once() {
        let terms = Terms::anew(
            &machine(&["192.168.1.20", "fd00::5", "127.0.0.1"]),
            None,
            NOW_S,
        );
        let names = [
            "localhost",
            "backpack",
            "backpack.local",
            "127.0.0.1",
            "::1",
            "192.168.1.20",
            "fd00::5",
        ];
        assert_eq!(terms.names, names);
        assert_eq!(Terms::parse(&terms.preamble()), Some(terms));
        assert_eq!(Terms::parse("-----BEGIN CERTIFICATE-----"), None);
        let odd = Machine::with(Some("my laptop\r\nValid: 0 9".to_owned()), Vec::new());
        assert_eq!(odd.host_name, None);
    }

    #[test]
    fn it_serves_until_it_expires_and_while_the_clock_is_right() {
        let here = machine(&["192.168.1.20"]);
        let terms = Terms::anew(&here, None, NOW_S);
        assert!(terms.serve(&here, NOW_S) && terms.serve(&here, NOW_S + 799 * DAY_S));
        assert!(!terms.serve(&here, NOW_S + 800 * DAY_S));
        assert!(
            !terms.serve(&here, NOW_S - 2 * DAY_S),
            "made in what is now the future"
        );
    }

    #[test]
    fn a_clock_that_has_lost_the_time_costs_no_certificate() {
        let here = machine(&["192.168.1.20"]);
        let kept = Terms::anew(&here, None, NOW_S);
        assert!(kept.serve(&here, 0) && kept.serve(&here, 1_000_000_000));
        let lost = Terms::anew(&here, None, 5);
        assert!(
            lost.serve(&here, 5) && lost.serve(&here, NOW_S),
            "also once it is set"
        );
        let elsewhere = machine(&["10.0.0.7"]);
        assert!(!kept.serve(&elsewhere, 0), "another network");
    }

    #[test]
    fn a_new_network_asks_for_a_new_one_that_knows_the_old_network_too() {
        let (home, hall) = (machine(&["192.168.1.20"]), machine(&["10.0.0.7"]));
        let at_home = Terms::anew(&home, None, NOW_S);
        assert!(!at_home.serve(&hall, NOW_S));
        let in_the_hall = Terms::anew(&hall, Some(&at_home), NOW_S);
        assert!(in_the_hall.serve(&hall, NOW_S) && in_the_hall.serve(&home, NOW_S));
        let tomorrow = machine(&["192.168.1.20", "fd00::1234"]);
        assert!(at_home.serve(&tomorrow, NOW_S), "a temporary address");
    }

    #[test]
    fn names_do_not_pile_up() {
        let mut terms = Terms::anew(&machine(&[]), None, NOW_S);
        for network in 0..200 {
            let here = machine(&[&format!("10.0.{network}.1")]);
            terms = Terms::anew(&here, Some(&terms), NOW_S);
            assert!(terms.serve(&here, NOW_S));
        }
        assert_eq!(terms.names.len(), NAMES_MAX);
    }
}
