//! The addresses people open, and a QR code of the best one for the terminal.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use qrcode::{EcLevel, QrCode};

/// What the pages are served over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// URLs of the page, best first: `hosts` are this machine's addresses, best first, `listen` is where HTTP or
/// HTTPS is bound. A wildcard answers on every address, any other listener on its own alone.
pub(crate) fn urls(scheme: Scheme, listen: SocketAddr, hosts: &[IpAddr]) -> Vec<String> {
    if !listen.ip().is_unspecified() {
        return vec![url(scheme, listen.ip(), listen.port())];
    }
    let mut reachable: Vec<IpAddr> = hosts
        .iter()
        .copied()
        .filter(|host| listen.is_ipv6() || host.is_ipv4())
        .filter(|host| !host.is_loopback())
        .collect();
    reachable.dedup();
    reachable.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    reachable
        .into_iter()
        .map(|host| url(scheme, host, listen.port()))
        .collect()
}

fn url(scheme: Scheme, host: IpAddr, port: u16) -> String {
    let (name, usual) = match scheme {
        Scheme::Http => ("http", 80),
        Scheme::Https => ("https", 443),
    };
    if port == usual {
        let host = SocketAddr::new(host, 0).to_string();
        return format!("{name}://{}/", host.trim_end_matches(":0"));
    }
    format!("{name}://{}/", SocketAddr::new(host, port))
}

/// The QR code of `text` in half-block characters, dark on light whatever the terminal's colours;
/// `None` when the text is too long for one.
pub(crate) fn terminal_qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width() as isize;
    let dark = |x: isize, y: isize| {
        let inside = (0..width).contains(&x) && (0..width).contains(&y);
        inside && code[(x as usize, y as usize)] == qrcode::Color::Dark
    };
    const QUIET_MODULES: isize = 2;
    let range = -QUIET_MODULES..width + QUIET_MODULES;
    let mut out = String::new();
    for y in range.clone().step_by(2) {
        // Black on white by colour codes: a phone's camera needs the light quiet zone.
        out.push_str("  \x1b[30;107m");
        for x in range.clone() {
            out.push(match (dark(x, y), dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        let _ = writeln!(out, "\x1b[0m");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Vec<IpAddr> {
        [
            "192.168.1.20",
            "203.0.113.7",
            "fd00::5",
            "127.0.0.1",
            "2001:db8::5",
        ]
        .map(|host| host.parse().expect("an address"))
        .to_vec()
    }

    #[test]
    fn a_wildcard_lists_every_address_in_order_and_loopback_last() {
        let listen = "[::]:8080".parse().expect("valid");
        let urls = urls(Scheme::Http, listen, &hosts());
        assert_eq!(urls[0], "http://192.168.1.20:8080/");
        assert_eq!(urls[1], "http://203.0.113.7:8080/");
        assert_eq!(urls[2], "http://[fd00::5]:8080/");
        assert_eq!(
            urls.last().map(String::as_str),
            Some("http://127.0.0.1:8080/")
        );
    }

    #[test]
    fn an_ipv4_wildcard_names_no_ipv6_and_a_plain_listener_only_itself() {
        let urls4 = urls(Scheme::Http, "0.0.0.0:80".parse().expect("valid"), &hosts());
        assert!(urls4.iter().all(|url| !url.contains('[')), "{urls4:?}");
        assert_eq!(urls4[0], "http://192.168.1.20/");
        let local = urls(Scheme::Http, "[::1]:8080".parse().expect("valid"), &hosts());
        assert_eq!(local, ["http://[::1]:8080/"]);
        let tls = |listen: &str| urls(Scheme::Https, listen.parse().expect("valid"), &[]);
        assert_eq!(tls("192.0.2.1:8443"), ["https://192.0.2.1:8443/"]);
        assert_eq!(tls("192.0.2.1:443"), ["https://192.0.2.1/"]);
    }

    #[test]
    fn the_code_is_square_with_a_quiet_zone() {
        let qr = terminal_qr("http://192.168.1.20:8080/").expect("short");
        let lines: Vec<&str> = qr.lines().collect();
        let modules = lines[0].chars().filter(|c| "█▀▄ ".contains(*c)).count() - 2;
        assert!(
            (lines.len() * 2).abs_diff(modules) <= 1,
            "{} x {modules}",
            lines.len()
        );
        assert!(terminal_qr(&"x".repeat(10_000)).is_none());
    }
}
