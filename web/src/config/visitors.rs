//! `[viewers]`: who may watch, and how many. `[wifi]`: the network that visitors join, for its QR code.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::token_strength::CHARACTERS_MIN;

section! {
    /// Everything is off by default.
    #[derive(Debug, Eq)]
    ViewersConfig {
        /// Limit of viewers, those of the MJPEG stream included.
        max: Option<usize> = None,
        /// Limit of viewers from one address.
        per_address: Option<usize> = None,
        token: Option<String> = None,
    }
}

impl ViewersConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let limits = [
            ("viewers.max", self.max),
            ("viewers.per_address", self.per_address),
        ];
        if let Some((key, _)) = limits.into_iter().find(|(_, limit)| *limit == Some(0)) {
            let why = "nobody could watch; at least 1, or leave it out";
            return Err(ConfigError::value(key, "0", why));
        }
        // It stands in a URL and in a header: only characters that need no escape in either (RFC 3986
        // 2.3, RFC 6750 2.1).
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if let Some(token) = &self.token
            && (token.len() < CHARACTERS_MIN || !token.chars().all(plain))
        {
            let why = "at least 8 letters, digits or - . _ ~, or leave it out";
            return Err(ConfigError::hidden("viewers.token", why));
        }
        Ok(())
    }
}

section! {
    /// Without `ssid` it is off.
    #[derive(Eq)]
    WifiConfig {
        ssid: Option<String> = None,
        /// It appears in the QR code alone.
        password: Option<String> = None,
        security: WifiSecurity = WifiSecurity::Wpa,
        /// The network does not broadcast its name.
        hidden: bool = false,
    }
}

/// As QR codes spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum WifiSecurity {
    /// WPA, WPA2 or WPA3 with a password.
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
        let Some(ssid) = self.ssid.as_deref() else {
            if self.password.is_some() {
                let why = "the password is of which network?";
                return Err(ConfigError::absent("wifi.ssid", why));
            }
            return Ok(());
        };
        // IEEE 802.11: 32 octets.
        if ssid.is_empty() || ssid.len() > 32 || ssid.chars().any(char::is_control) {
            let why = "a network's name has 1 to 32 bytes";
            return Err(ConfigError::value("wifi.ssid", ssid, why));
        }
        let hidden = |why| Err(ConfigError::hidden("wifi.password", why));
        let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
        match (self.security, self.password.as_deref()) {
            (WifiSecurity::Nopass, None) => Ok(()),
            (WifiSecurity::Nopass, Some(_)) => {
                hidden("security = \"nopass\" has none: leave one of the two out")
            }
            (_, None) => Err(ConfigError::absent(
                "wifi.password",
                "name it, or say security = \"nopass\"",
            )),
            (WifiSecurity::Wpa, Some(password)) => match password.len() {
                // IEEE 802.11 J.4.1: a passphrase of printable ASCII, or the key itself.
                8..=63 if password.chars().all(|c| matches!(c, ' '..='~')) => Ok(()),
                64 if hex(password) => Ok(()),
                _ => hidden("8 to 63 letters, digits and signs of ASCII, or 64 hexadecimal digits"),
            },
            (WifiSecurity::Wep, Some(password)) => match password.len() {
                5 | 13 if password.is_ascii() => Ok(()),
                10 | 26 if hex(password) => Ok(()),
                _ => hidden("WEP takes 5 or 13 letters, or 10 or 26 hexadecimal digits"),
            },
        }
    }
}

/// Leaves out the password.
impl fmt::Debug for WifiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WifiConfig")
            .field("ssid", &self.ssid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn a_limit_of_zero_and_a_token_that_needs_escapes_are_refused() {
        let said = |text: &str| {
            let config: ViewersConfig = toml::from_str(text).expect("valid TOML");
            message(config.check())
        };
        assert_eq!(said(""), "");
        assert_eq!(said("max = 1\nper_address = 2\ntoken = 'Abc-._~9'"), "");
        assert!(said("max = 0").starts_with("viewers.max"));
        assert!(said("per_address = 0").starts_with("viewers.per_address"));
        for token in [
            "short",
            "two words",
            "quote\\\"quote",
            "grün-grün-grün",
            "a&b=cdefg",
        ] {
            let said = said(&format!("token = \"{token}\""));
            assert!(said.starts_with("viewers.token"), "{token}: {said}");
            assert!(!said.contains(token), "a secret is not repeated: {said}");
        }
    }

    fn said(text: &str) -> String {
        let config: WifiConfig = toml::from_str(text).expect("valid TOML");
        message(config.check())
    }

    #[test]
    fn an_invalid_wifi_network_is_refused() {
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
