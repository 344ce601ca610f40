//! The address of an OTLP collector. Pure.

use std::fmt;

use url::Url;

/// Of OTLP over gRPC, which is not spoken here.
const GRPC_PORT: u16 = 4317;
/// Where a collector takes spans (OTLP 1.10, "OTLP/HTTP request").
const TRACES_PATH: &str = "/v1/traces";

/// A collector's address for spans.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CollectorAddress(Url);

/// Why an address is no collector's. Never contains it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CollectorError {
    #[error("an address such as http://collector.example:4318")]
    Url,
    #[error(
        "name and password are not sent: use a collector in a network of your own, which forwards"
    )]
    Credentials,
    #[error("{GRPC_PORT} is the port of OTLP over gRPC: OTLP over HTTP is needed, usually at 4318")]
    Grpc,
}

impl CollectorAddress {
    /// `text` is the base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` of other programs, or the whole one.
    pub(crate) fn parse(text: &str) -> Result<Self, CollectorError> {
        let mut url = Url::parse(text).map_err(|_| CollectorError::Url)?;
        let is_web = ["http", "https"].contains(&url.scheme()) && url.has_host();
        if !is_web || url.query().is_some() || url.fragment().is_some() {
            return Err(CollectorError::Url);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CollectorError::Credentials);
        }
        if url.port() == Some(GRPC_PORT) {
            return Err(CollectorError::Grpc);
        }
        let base = url.path().trim_end_matches('/');
        let base = base.strip_suffix(TRACES_PATH).unwrap_or(base);
        let path = format!("{base}{TRACES_PATH}");
        url.set_path(&path);
        Ok(Self(url))
    }

    pub(crate) fn url(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port: the rest may contain a secret.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for CollectorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_once() {
        for (given, wanted) in [
            ("http://a.example:4318", "http://a.example:4318/v1/traces"),
            ("http://a.example:4318/", "http://a.example:4318/v1/traces"),
            (
                "https://[fd00::5]/otlp/",
                "https://[fd00::5]/otlp/v1/traces",
            ),
            ("http://a.example/v1/traces", "http://a.example/v1/traces"),
        ] {
            let collector = CollectorAddress::parse(given).expect(given);
            assert_eq!(collector.url(), wanted);
        }
    }

    #[test]
    fn other_addresses_are_refused_with_a_reason() {
        for (given, error) in [
            ("a.example:4318", CollectorError::Url),
            ("grpc://a.example", CollectorError::Url),
            ("http://", CollectorError::Url),
            ("http://a.example?key=1", CollectorError::Url),
            ("http://me:s3cret@a.example", CollectorError::Credentials),
            ("http://a.example:4317", CollectorError::Grpc),
        ] {
            assert_eq!(CollectorAddress::parse(given), Err(error), "{given}");
        }
        let secret = CollectorAddress::parse("https://a.example/k3y").expect("valid");
        assert_eq!(format!("{secret:?}"), "https://a.example");
    }
}
