//! Where events are sent: the webhook's address and the MQTT broker's. Pure.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

const MQTT_PORT: u16 = 1883;
/// Shorter secrets can be found by trying.
const SECRET_CHARS_MIN: usize = 16;

/// An HTTP server that gets each event, and the key of the signatures.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebhookTarget {
    pub(super) url: Url,
    pub(super) secret: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrokerAddress {
    pub(super) host: String,
    pub(super) port: u16,
    /// Name and password.
    pub(super) login: Option<(String, String)>,
}

/// Why a destination is wrong. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DestinationError {
    #[error("an address such as {0}")]
    Url(&'static str),
    #[error("name and password are not sent: the receiver checks the signature")]
    Credentials,
    #[error(
        "the webhook needs a secret of at least {SECRET_CHARS_MIN} characters, which signs what is sent"
    )]
    Secret,
    #[error(
        "MQTT over TLS is not supported: use a broker in a network of your own, or a broker on this machine with a bridge"
    )]
    Tls,
}

impl WebhookTarget {
    pub(crate) fn parse(url: &str, secret: Option<&str>) -> Result<Self, DestinationError> {
        let example = DestinationError::Url("https://server.example/carrier");
        let url = Url::parse(url.trim()).map_err(|_| example.clone())?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(example);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(DestinationError::Credentials);
        }
        let secret = secret.map(str::trim).unwrap_or_default();
        if secret.chars().count() < SECRET_CHARS_MIN {
            return Err(DestinationError::Secret);
        }
        Ok(Self {
            url,
            secret: secret.to_owned(),
        })
    }

    /// Scheme, host and port. The rest may contain a secret.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl BrokerAddress {
    pub(crate) fn parse(url: &str) -> Result<Self, DestinationError> {
        let example = || DestinationError::Url("mqtt://user:password@host:1883");
        let url = Url::parse(url.trim()).map_err(|_| example())?;
        match url.scheme() {
            "mqtt" => {}
            "mqtts" => return Err(DestinationError::Tls),
            _ => return Err(example()),
        }
        let has_more = !["", "/"].contains(&url.path()) || url.query().is_some();
        let host = url.host_str().filter(|host| !host.is_empty() && !has_more);
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| example())
        };
        let login = match url.username() {
            "" => None,
            name => Some((decoded(name)?, decoded(url.password().unwrap_or_default())?)),
        };
        Ok(Self {
            // An IPv6 address keeps its brackets: the client puts the port behind it.
            host: host.ok_or_else(example)?.to_owned(),
            port: url.port().unwrap_or(MQTT_PORT),
            login,
        })
    }

    /// Without name and password.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "orchid-lantern-hook";

    #[test]
    fn a_webhook_needs_a_web_address_and_a_secret() {
        let parse = |url, secret| WebhookTarget::parse(url, secret);
        let target = parse("https://hub.example/hook/k3y", Some(SECRET)).expect("valid");
        assert_eq!(target.origin(), "https://hub.example");
        assert_eq!(format!("{target:?}"), "https://hub.example", "no secrets");
        for secret in [None, Some(""), Some("short"), Some("               x")] {
            assert_eq!(
                parse("https://hub.example", secret),
                Err(DestinationError::Secret)
            );
        }
        for url in [
            "",
            "hub.example",
            "ftp://hub.example",
            "file:///etc/passwd",
            "https://",
        ] {
            let error = parse(url, Some(SECRET)).expect_err(url);
            assert!(matches!(error, DestinationError::Url(_)), "{url}: {error}");
        }
        let with_password = parse("https://me:s3cret@hub.example", Some(SECRET));
        assert_eq!(with_password, Err(DestinationError::Credentials));
    }

    #[test]
    fn a_broker_has_a_host_and_may_have_a_login() {
        let parsed = |url| BrokerAddress::parse(url).expect(url);
        let plain = parsed("mqtt://broker.example");
        assert_eq!(
            (plain.shown().as_str(), plain.login),
            ("broker.example:1883", None)
        );
        let full = parsed("mqtt://me:p%40ss@[fd00::5]:2883/");
        assert_eq!((full.host.as_str(), full.port), ("[fd00::5]", 2883));
        assert_eq!(full.login, Some(("me".to_owned(), "p@ss".to_owned())));
        assert!(!format!("{:?}", parsed("mqtt://me:s3cret@a")).contains("s3cret"));
        assert_eq!(
            BrokerAddress::parse("mqtts://broker.example"),
            Err(DestinationError::Tls)
        );
        for url in [
            "",
            "broker.example:1883",
            "mqtt://",
            "http://a",
            "mqtt://a/b",
            "mqtt://a?b",
        ] {
            let error = BrokerAddress::parse(url).expect_err(url);
            assert!(matches!(error, DestinationError::Url(_)), "{url}: {error}");
        }
    }
}
