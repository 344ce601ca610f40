//! The captive portal: what phones ask to find out whether a network has one, and the answers that open the booth. Pure.
//!
//! A phone that asks for the first time is redirected. Once it has opened the page of the portal it gets the answer
//! that it expects from the internet, so that it keeps the network.

use std::collections::VecDeque;
use std::net::IpAddr;

/// Phones that have opened the page; the oldest are forgotten, and see the page once more.
const VISITORS_MAX: usize = 1024;

/// A question that systems ask after joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    path: &'static str,
    /// The answer that says that there is no portal: status, content type and text.
    pub(crate) passed: (u16, &'static str, &'static str),
}

const HTML: &str = "text/html";
const TEXT: &str = "text/plain";
const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
const FIREFOX: &str = "<meta http-equiv=\"refresh\" \
    content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";
const NETWORK_MANAGER: &str = "NetworkManager is online\n";

const PROBES: [Probe; 10] = [
    probe("/generate_204", (204, TEXT, "")),
    probe("/gen_204", (204, TEXT, "")),
    probe("/hotspot-detect.html", (200, HTML, APPLE)),
    probe("/library/test/success.html", (200, HTML, APPLE)),
    probe("/connecttest.txt", (200, TEXT, "Microsoft Connect Test")),
    probe("/ncsi.txt", (200, TEXT, "Microsoft NCSI")),
    probe("/canonical.html", (200, HTML, FIREFOX)),
    probe("/success.txt", (200, TEXT, "success\n")),
    probe("/check_network_status.txt", (200, TEXT, NETWORK_MANAGER)),
    probe("/nm", (200, TEXT, NETWORK_MANAGER)),
];

const fn probe(path: &'static str, passed: (u16, &'static str, &'static str)) -> Probe {
    Probe { path, passed }
}

/// The question with this path, whatever the host: the answers say nothing of the station but its address.
pub(crate) fn probe_of(path: &str) -> Option<&'static Probe> {
    PROBES.iter().find(|probe| probe.path == path)
}

/// The addresses of those that have opened the page of the portal.
#[derive(Debug, Default)]
pub(crate) struct PortalVisitors(VecDeque<IpAddr>);

impl PortalVisitors {
    pub(crate) fn has_passed(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }

    pub(crate) fn pass(&mut self, ip: IpAddr) {
        if self.has_passed(ip) {
            return;
        }
        // overflow: newest-wins (the oldest sees the page once more)
        if self.0.len() == VISITORS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_questions_of_systems_are_known() {
        assert!(probe_of("/generate_204").is_some());
        assert!(probe_of("/hotspot-detect.html").is_some());
        for path in ["/", "/api/status", "/generate_204/", "/admin", ""] {
            assert!(probe_of(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_oldest_visitors_are_forgotten() {
        let mut visitors = PortalVisitors::default();
        let ip = |number: usize| IpAddr::from([10, 0, (number / 256) as u8, (number % 256) as u8]);
        for number in 0..=VISITORS_MAX {
            visitors.pass(ip(number));
            visitors.pass(ip(number));
        }
        assert!(!visitors.has_passed(ip(0)));
        assert!(visitors.has_passed(ip(1)) && visitors.has_passed(ip(VISITORS_MAX)));
    }
}
