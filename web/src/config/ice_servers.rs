//! `[[ice_servers]]`: STUN and TURN servers that viewers are told to use.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// One server, under one or more addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IceServer {
    /// `stun:`, `stuns:`, `turn:` or `turns:` addresses (RFC 7064, RFC 7065).
    pub(crate) urls: Vec<String>,
    /// TURN asks for both.
    pub(crate) username: Option<String>,
    pub(crate) credential: Option<String>,
}

impl IceServer {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |value: String, why: &str| {
            Err(ConfigError::Value {
                key: "ice_servers",
                value,
                why: why.to_owned(),
            })
        };
        if self.urls.is_empty() {
            let why = "each server needs its addresses: urls = [\"stun:host:3478\"]";
            return wrong("urls = []".to_owned(), why);
        }
        // In a header these stand between quotes, which takes ASCII without control characters.
        let text = |value: &str| value.chars().all(|c| (' '..='~').contains(&c));
        let (username, credential) = (self.username.as_deref(), self.credential.as_deref());
        if !username.into_iter().chain(credential).all(text) {
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

    fn said(url: &str, account: Option<(&str, &str)>) -> String {
        let server = IceServer {
            urls: vec![url.to_owned()],
            username: account.map(|(name, _)| name.to_owned()),
            credential: account.map(|(_, secret)| secret.to_owned()),
        };
        server
            .check()
            .map_or_else(|error| error.to_string(), |()| String::new())
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
