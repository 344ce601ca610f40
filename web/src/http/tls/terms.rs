//! The terms of the self-signed certificate: its names and validity, and whether a kept one is still
//! valid here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const DAY_S: u64 = 86_400;
/// Apple's systems refuse certificates with a validity of more than 825 days.
const VALID_DAYS: u64 = 800;
/// Begin in the past: clocks of machines without a network are inexact.
const BEFORE_DAYS: u64 = 1;
/// 2026-01-01. An earlier clock is wrong: then a kept certificate is used as it is.
const EARLIEST_S: u64 = 1_767_225_600;
/// Names of networks that were left long ago are dropped.
const NAMES_MAX: usize = 48;

/// The machine that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateSubject {
    host_name: Option<String>,
    addresses: Vec<IpAddr>,
}

/// Names and validity of a certificate. They are written as text above the certificate, where PEM allows
/// it (RFC 7468 5.2), so that the certificate itself need not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateTerms {
    pub(crate) names: Vec<String>,
    /// Seconds of Unix time.
    pub(crate) from_s: u64,
    pub(crate) until_s: u64,
}

impl CertificateSubject {
    pub(crate) fn with(host_name: Option<String>, addresses: Vec<IpAddr>) -> Self {
        let plain = |name: &String| {
            let dns = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            !name.is_empty() && name.len() <= 253 && name.chars().all(dns)
        };
        Self {
            host_name: host_name.filter(plain),
            addresses,
        }
    }

    /// The names that a certificate for this machine gets.
    fn names(&self) -> Vec<String> {
        let mut names = vec!["localhost".to_owned()];
        if let Some(host) = &self.host_name {
            names.push(host.clone());
            // The mDNS name (RFC 6762 3).
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

    /// The names that a kept certificate must have. IPv6 addresses are not among them: temporary ones
    /// change daily (RFC 8981), and each new certificate costs every viewer another warning.
    fn lasting_names(&self) -> Vec<String> {
        let v4 = self.addresses.iter().filter(|address| address.is_ipv4());
        v4.map(IpAddr::to_string)
            .chain(self.host_name.clone())
            .collect()
    }
}

impl CertificateTerms {
    /// With the machine's names, and those of the certificate `before`: after a return to an earlier
    /// network the same certificate is valid.
    pub(crate) fn anew(machine: &CertificateSubject, before: Option<&Self>, now_s: u64) -> Self {
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

    /// Whether a certificate with these terms is valid for this machine now.
    pub(crate) fn serve(&self, machine: &CertificateSubject, now_s: u64) -> bool {
        let lasting = machine.lasting_names();
        (now_s < EARLIEST_S || (self.from_s..self.until_s).contains(&now_s))
            && lasting.iter().all(|name| self.names.contains(name))
    }

    /// The text above the certificate.
    pub(crate) fn preamble(&self) -> String {
        format!(
            "carrier's own certificate for HTTPS, and its key: keep this file to yourself.\n\
             Names: {}\n\
             Valid: {} {}\n",
            self.names.join(" "),
            self.from_s,
            self.until_s
        )
    }

    /// Parses the text of [`preamble`](Self::preamble).
    pub(crate) fn parse(text: &str) -> Option<Self> {
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

    fn machine(addresses: &[&str]) -> CertificateSubject {
        let ip = |text: &&str| text.parse().expect("an address");
        let addresses = addresses.iter().map(ip).collect();
        CertificateSubject::with(Some("backpack".to_owned()), addresses)
    }

    #[test]
    fn a_certificate_has_each_name_of_the_machine_once() {
        let terms = CertificateTerms::anew(
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
        assert_eq!(CertificateTerms::parse(&terms.preamble()), Some(terms));
        assert_eq!(CertificateTerms::parse("-----BEGIN CERTIFICATE-----"), None);
        let odd = CertificateSubject::with(Some("my laptop\r\nValid: 0 9".to_owned()), Vec::new());
        assert_eq!(odd.host_name, None);
    }

    #[test]
    fn a_certificate_is_valid_until_it_expires() {
        let here = machine(&["192.168.1.20"]);
        let terms = CertificateTerms::anew(&here, None, NOW_S);
        assert!(terms.serve(&here, NOW_S) && terms.serve(&here, NOW_S + 799 * DAY_S));
        assert!(!terms.serve(&here, NOW_S + 800 * DAY_S));
        assert!(
            !terms.serve(&here, NOW_S - 2 * DAY_S),
            "made in what is now the future"
        );
    }

    #[test]
    fn a_clock_before_2026_keeps_the_certificate() {
        let here = machine(&["192.168.1.20"]);
        let kept = CertificateTerms::anew(&here, None, NOW_S);
        assert!(kept.serve(&here, 0) && kept.serve(&here, 1_000_000_000));
        let lost = CertificateTerms::anew(&here, None, 5);
        assert!(
            lost.serve(&here, 5) && lost.serve(&here, NOW_S),
            "also once it is set"
        );
        let elsewhere = machine(&["10.0.0.7"]);
        assert!(!kept.serve(&elsewhere, 0), "another network");
    }

    #[test]
    fn a_new_address_needs_a_certificate_with_old_and_new_names() {
        let (home, hall) = (machine(&["192.168.1.20"]), machine(&["10.0.0.7"]));
        let at_home = CertificateTerms::anew(&home, None, NOW_S);
        assert!(!at_home.serve(&hall, NOW_S));
        let in_the_hall = CertificateTerms::anew(&hall, Some(&at_home), NOW_S);
        assert!(in_the_hall.serve(&hall, NOW_S) && in_the_hall.serve(&home, NOW_S));
        let tomorrow = machine(&["192.168.1.20", "fd00::1234"]);
        assert!(at_home.serve(&tomorrow, NOW_S), "a temporary address");
    }

    #[test]
    fn names_do_not_pile_up() {
        let mut terms = CertificateTerms::anew(&machine(&[]), None, NOW_S);
        for network in 0..200 {
            let here = machine(&[&format!("10.0.{network}.1")]);
            terms = CertificateTerms::anew(&here, Some(&terms), NOW_S);
            assert!(terms.serve(&here, NOW_S));
        }
        assert_eq!(terms.names.len(), NAMES_MAX);
    }
}
