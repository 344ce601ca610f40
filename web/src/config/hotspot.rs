//! `[hotspot]`: the Wi-Fi network that `carrier hotspot` makes. Its name and password are those of `[wifi]`.

use std::net::Ipv4Addr;

use serde::Deserialize;

use super::error::ConfigError;
use super::network::is_interface;

section! {
    #[derive(Debug, Eq)]
    HotspotConfig {
        /// The Wi-Fi interface; `None`: the first one.
        interface: Option<String> = None,
        /// This machine's address in the network, whose first 24 bits all its devices share.
        address: Ipv4Addr = Ipv4Addr::new(10, 42, 0, 1),
        band: HotspotBand = HotspotBand::Far,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum HotspotBand {
    /// 2.4 GHz: reaches further, and every phone has it.
    #[serde(rename = "2.4")]
    Far,
    /// 5 GHz: more room, where the card and the country allow an access point there.
    #[serde(rename = "5")]
    Fast,
}

impl HotspotConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(name) = self.interface.as_deref().filter(|name| !is_interface(name)) {
            let why = "the name of an interface, such as wlan0, or leave it out";
            return Err(ConfigError::value(
                "hotspot.interface",
                format!("{name:?}"),
                why,
            ));
        }
        let [.., last] = self.address.octets();
        if !self.address.is_private() || matches!(last, 0 | 255) {
            let why = "a private address, such as 10.42.0.1, that is not the first or the last of its 256";
            return Err(ConfigError::value(
                "hotspot.address",
                self.address.to_string(),
                why,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn the_address_is_a_private_one_of_a_machine() {
        let said = |text: &str| {
            let config: HotspotConfig = toml::from_str(text).expect("valid TOML");
            message(config.check())
        };
        assert_eq!(said(""), "");
        assert_eq!(
            said("address = '192.168.7.1'\nband = '5'\ninterface = 'wlan1'"),
            ""
        );
        for wrong in ["8.8.8.8", "10.42.0.0", "10.42.0.255"] {
            let said = said(&format!("address = '{wrong}'"));
            assert!(said.starts_with("hotspot.address"), "{said}");
        }
        assert!(said("interface = 'a b'").starts_with("hotspot.interface"));
    }
}
