//! `[telemetry]`: traces for operators.

use super::error::ConfigError;
use crate::telemetry::collector::CollectorAddress;

section! {
    /// Without a collector no span is made, and nothing is sent anywhere.
    #[derive(Debug)]
    TelemetryConfig {
        /// A collector that takes OTLP over HTTP.
        otlp: Option<String> = None,
        /// Whether a request may say which trace it belongs to: anybody who can send one could.
        trust_traceparent: bool = false,
    }
}

impl TelemetryConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.collector().map(drop)
    }

    /// `None`: there is none.
    pub(crate) fn collector(&self) -> Result<Option<CollectorAddress>, ConfigError> {
        let address = self.otlp.as_deref().map(str::trim);
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Ok(None);
        };
        let collector = CollectorAddress::parse(address).map(Some);
        // The address may contain a secret.
        collector.map_err(|error| ConfigError::hidden("telemetry.otlp", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    #[test]
    fn nothing_is_sent_by_default_and_errors_name_the_key() {
        let config = |text: &str| toml::from_str::<TelemetryConfig>(text).expect("valid TOML");
        for off in ["", "otlp = ''", "otlp = ' '"] {
            assert!(matches!(config(off).collector(), Ok(None)), "{off}");
        }
        assert!(config("otlp = 'http://[::1]:4318'").check().is_ok());
        let said = message(config("otlp = 'grpc://me:s3cret@a'").check());
        assert!(said.starts_with("telemetry.otlp = (hidden): "), "{said}");
        assert!(!said.contains("s3cret"));
    }
}
