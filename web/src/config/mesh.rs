//! `[mesh]`: other carriers at the same event.

use std::net::SocketAddr;

use super::{ConfigError, socket_address};

const EVENT_CHARACTERS_MAX: usize = 64;

section! {
    #[derive(Debug)]
    MeshConfig {
        enabled: bool = false,
        /// Carriers of one event share scores. Another name begins anew.
        event: String = "event".to_owned(),
        /// The UDP address for other carriers.
        listen: String = "0.0.0.0:7442".to_owned(),
        /// Whether carriers on the same network find each other by multicast DNS.
        mdns: bool = true,
        /// Whether pictures are shared that visitors agreed to show on all carriers, and those of others are in the gallery.
        pictures: bool = false,
        /// The URL of the owner's relay; `None`: nothing leaves the network.
        relay: Option<String> = None,
    }
}

impl MeshConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.enabled && !cfg!(feature = "mesh") {
            let why = "this program was built without it: build it with --features mesh";
            return Err(ConfigError::value("mesh.enabled", "true", why));
        }
        let length = self.event.trim().chars().count();
        if !(1..=EVENT_CHARACTERS_MAX).contains(&length) {
            let why = format!("1 to {EVENT_CHARACTERS_MAX} characters");
            return Err(ConfigError::value("mesh.event", self.event.as_str(), why));
        }
        if let Some(relay) = &self.relay {
            let url = url::Url::parse(relay).ok();
            if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                let why = "the address of an iroh relay: https://relay.example";
                return Err(ConfigError::value("mesh.relay", relay.as_str(), why));
            }
        }
        self.listen_addr().map(drop)
    }

    pub(crate) fn listen_addr(&self) -> Result<SocketAddr, ConfigError> {
        socket_address("mesh.listen", &self.listen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn wrong_values_are_named() {
        assert!(MeshConfig::default().check().is_ok());
        for (text, key) in [
            ("event = ' '", "mesh.event"),
            ("listen = 'anywhere'", "mesh.listen"),
            ("relay = 'relay.example'", "mesh.relay"),
            ("relay = 'ftp://relay.example'", "mesh.relay"),
        ] {
            let config: MeshConfig = toml::from_str(text).expect("valid TOML");
            let said = message(config.check());
            assert!(said.starts_with(key), "{text}: {said}");
        }
        let config: MeshConfig = toml::from_str("enabled = true").expect("valid TOML");
        assert_eq!(config.check().is_ok(), cfg!(feature = "mesh"));
    }
}
