//! `[network]`: addresses and threads of media. `[[ice_servers]]`: STUN and TURN servers for viewers.

use std::net::IpAddr;

use serde::Deserialize;
use signaling::Announced;
use signaling::announce::ANNOUNCED_MAX;

use super::error::ConfigError;

/// Far more than any machine here can use.
const ENGINE_THREADS_MAX: usize = 64;

section! {
    #[derive(Debug, Eq)]
    NetworkConfig {
        /// Addresses announced to viewers before this machine's own, also `CARRIER_ANNOUNCE`.
        announce: Vec<String> = Vec::new(),
        /// The address that media is bound to; `None`: that of the pages.
        media_listen: Option<IpAddr> = None,
        /// Sending threads, each for a share of the viewers; 0: one for each processor core.
        engine_threads: usize = 1,
        /// The interface whose address visitors are told; `None`: the best one.
        prefer: Option<String> = None,
        /// Whether the pages are announced as `NAME.local` (multicast DNS).
        mdns: bool = true,
        /// Whether the questions of phones for a captive portal are answered with the booth.
        captive_portal: bool = false,
    }
}

impl NetworkConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.announce.len() > ANNOUNCED_MAX {
            let value = format!("{} addresses", self.announce.len());
            let why = format!("at most {ANNOUNCED_MAX}: every viewer tries each of them");
            return Err(ConfigError::value("network.announce", value, why));
        }
        if self.engine_threads > ENGINE_THREADS_MAX {
            let value = self.engine_threads.to_string();
            let why = format!("at most {ENGINE_THREADS_MAX}; 0 takes one for each processor core");
            return Err(ConfigError::value("network.engine_threads", value, why));
        }
        if let Some(name) = self.prefer.as_deref().filter(|name| !is_interface(name)) {
            let why = "the name of an interface, such as wlan0, or leave it out";
            return Err(ConfigError::value(
                "network.prefer",
                format!("{name:?}"),
                why,
            ));
        }
        self.announced().map(|_| ())
    }

    pub(crate) fn announced(&self) -> Result<Vec<Announced>, ConfigError> {
        let parse = |text: &String| {
            text.parse::<Announced>().map_err(|why| {
                ConfigError::value("network.announce", text.as_str(), why.to_string())
            })
        };
        self.announce.iter().map(parse).collect()
    }
}

/// As Linux allows it.
pub(super) fn is_interface(name: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_graphic() && c != '/';
    (1..16).contains(&name.len()) && name.chars().all(is_sign)
}

/// One server, under one or more addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IceServer {
    /// `stun:`, `stuns:`, `turn:` or `turns:` addresses (RFC 7064, RFC 7065).
    pub(crate) urls: Vec<String>,
    /// A TURN server needs both.
    pub(crate) username: Option<String>,
    pub(crate) credential: Option<String>,
}

impl IceServer {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |value: String, why: &str| Err(ConfigError::value("ice_servers", value, why));
        if self.urls.is_empty() {
            let why = "each server needs its addresses: urls = [\"stun:host:3478\"]";
            return wrong("urls = []".to_owned(), why);
        }
        // In the `Link` header these are quoted strings, which take ASCII without control characters.
        let is_text = |value: &str| value.chars().all(|c| (' '..='~').contains(&c));
        let (username, credential) = (self.username.as_deref(), self.credential.as_deref());
        if !username.into_iter().chain(credential).all(is_text) {
            let why = "username and credential are printable ASCII";
            return wrong(self.urls.join(", "), why);
        }
        for url in &self.urls {
            let (scheme, host) = url.split_once(':').unwrap_or((url, ""));
            let turn = ["turn", "turns"].contains(&scheme);
            let known = turn || ["stun", "stuns"].contains(&scheme);
            let plain = host
                .chars()
                .all(|c| c.is_ascii_graphic() && !"<>\"\\".contains(c));
            if !known || host.is_empty() || host.starts_with('/') || !plain {
                let why = "an address such as stun:host:3478 or turn:host:3478?transport=tcp";
                return wrong(url.clone(), why);
            }
            if turn && (username.is_none() || credential.is_none()) {
                return wrong(url.clone(), "a TURN server needs username and credential");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn invalid_announced_addresses_are_named() {
        let config = NetworkConfig {
            announce: vec!["203.0.113".to_owned()],
            ..NetworkConfig::default()
        };
        let error = config.check().expect_err("not an address").to_string();
        assert!(
            error.starts_with("network.announce = 203.0.113:"),
            "{error}"
        );
        let many = NetworkConfig {
            announce: vec!["203.0.113.5".to_owned(); ANNOUNCED_MAX + 1],
            ..NetworkConfig::default()
        };
        assert!(many.check().is_err());
    }

    #[test]
    fn more_threads_than_any_machine_has_are_refused() {
        let with = |engine_threads| NetworkConfig {
            engine_threads,
            ..NetworkConfig::default()
        };
        for threads in [0, 1, ENGINE_THREADS_MAX] {
            assert!(with(threads).check().is_ok(), "{threads}");
        }
        let error = with(65).check().expect_err("too many").to_string();
        assert!(error.starts_with("network.engine_threads = 65:"), "{error}");
    }

    fn said(url: &str, account: Option<(&str, &str)>) -> String {
        let server = IceServer {
            urls: vec![url.to_owned()],
            username: account.map(|(name, _)| name.to_owned()),
            credential: account.map(|(_, secret)| secret.to_owned()),
        };
        message(server.check())
    }

    #[test]
    fn addresses_and_accounts_are_checked() {
        assert_eq!(said("stun:192.0.2.1:3478", None), "");
        assert_eq!(
            said("turns:relay.example?transport=tcp", Some(("me", "pa\"ss"))),
            ""
        );
        for wrong in [
            "",
            "stun:",
            "http://x",
            "stun://x",
            "relay.example:3478",
            "stun:a>b",
        ] {
            assert!(said(wrong, None).starts_with("ice_servers"), "{wrong}");
        }
        assert!(said("turn:relay.example", None).contains("username"));
        let newline = said("turn:relay.example", Some(("me", "a\r\nSet-Cookie: x")));
        assert!(
            newline.contains("ASCII") && !newline.contains("Set-Cookie"),
            "{newline}"
        );
        assert!(IceServer::default().check().is_err());
    }
}
