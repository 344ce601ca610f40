//! `[wifi]`: the network that visitors join, for its QR code.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Off without an `ssid`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WifiConfig {
    pub(crate) ssid: Option<String>,
    /// Shown to nobody but in the code.
    pub(crate) password: Option<String>,
    pub(crate) security: WifiSecurity,
    /// The network does not tell its name.
    pub(crate) hidden: bool,
}

/// As codes spell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WifiSecurity {
    /// WPA, WPA2 or WPA3 with a password.
    #[default]
    #[serde(rename = "WPA")]
    Wpa,
    #[serde(rename = "WEP")]
    Wep,
    #[serde(rename = "nopass")]
    Nopass,
}

impl WifiSecurity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wpa => "WPA",
            Self::Wep => "WEP",
            Self::Nopass => "nopass",
        }
    }
}

impl WifiConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &str, why: &str| {
            Err(ConfigError::Value {
                key,
                value: value.to_owned(),
                why: why.to_owned(),
            })
        };
        let Some(ssid) = self.ssid.as_deref() else {
            if self.password.is_some() {
                return wrong("wifi.ssid", "(absent)", "the password is of which network?");
            }
            return Ok(());
        };
        // IEEE 802.11: 32 octets.
        if ssid.is_empty() || ssid.len() > 32 || ssid.chars().any(char::is_control) {
            return wrong("wifi.ssid", ssid, "a network's name has 1 to 32 bytes");
        }
        let password = self.password.as_deref();
        let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
        match (self.security, password) {
            (WifiSecurity::Nopass, None) => Ok(()),
            (WifiSecurity::Nopass, Some(_)) => wrong(
                "wifi.password",
                "(hidden)",
                "security = \"nopass\" has none: leave one of the two out",
            ),
            (_, None) => wrong(
                "wifi.password",
                "(absent)",
                "name it, or say security = \"nopass\"",
            ),
            (WifiSecurity::Wpa, Some(password)) => match password.len() {
                // IEEE 802.11 J.4.1: a passphrase of printable ASCII, or the key itself.
                8..=63 if password.chars().all(|c| matches!(c, ' '..='~')) => Ok(()),
                64 if hex(password) => Ok(()),
                _ => wrong(
                    "wifi.password",
                    "(hidden)",
                    "8 to 63 letters, digits and signs of ASCII, or 64 hexadecimal digits",
                ),
            },
            (WifiSecurity::Wep, Some(password)) => match password.len() {
                5 | 13 if password.is_ascii() => Ok(()),
                10 | 26 if hex(password) => Ok(()),
                _ => wrong(
                    "wifi.password",
                    "(hidden)",
                    "WEP takes 5 or 13 letters, or 10 or 26 hexadecimal digits",
                ),
            },
        }
    }
}

impl fmt::Debug for WifiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WifiConfig")
            .field("ssid", &self.ssid)
            .field("password", &self.password.is_some())
            .field("security", &self.security)
            .field("hidden", &self.hidden)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let config: WifiConfig = toml::from_str(text).expect("valid TOML");
        config
            .check()
            .map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_network_that_nobody_can_join_is_named() {
        assert_eq!(said(""), "");
        assert_eq!(said("ssid = 'x'\npassword = 'eight or more'"), "");
        assert_eq!(said("ssid = 'x'\nsecurity = 'nopass'\nhidden = true"), "");
        assert_eq!(said("ssid = 'x'\nsecurity = 'WEP'\npassword = 'abcde'"), "");
        assert!(said("password = 'eight or more'").starts_with("wifi.ssid"));
        assert!(said("ssid = ''\nsecurity = 'nopass'").starts_with("wifi.ssid"));
        let long = format!("ssid = '{}'\nsecurity = 'nopass'", "ü".repeat(17));
        assert!(said(&long).starts_with("wifi.ssid"));
        assert!(said("ssid = 'x'").starts_with("wifi.password"));
        let both = said("ssid = 'x'\nsecurity = 'nopass'\npassword = 'eight or more'");
        assert!(both.starts_with("wifi.password"), "{both}");
        for password in ["short", "eight or möre"] {
            let said = said(&format!("ssid = 'x'\npassword = '{password}'"));
            assert!(said.starts_with("wifi.password"), "{said}");
            assert!(!said.contains(password), "a secret is not repeated: {said}");
        }
    }
}
