//! `[tls]`: the certificate of the pages over HTTPS.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Which certificate `listen_tls` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsConfig {
    /// PEM file: the certificate, then those that lead to its authority.
    pub(crate) cert: Option<PathBuf>,
    /// PEM file: the certificate's private key.
    pub(crate) key: Option<PathBuf>,
    /// Without the two: one made at the first start, and kept.
    pub(crate) self_signed: bool,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateSource<'a> {
    Files { cert: &'a Path, key: &'a Path },
    SelfSigned,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            cert: None,
            key: None,
            self_signed: true,
        }
    }
}

impl TlsConfig {
    /// The certificate to show; an error says what is missing.
    pub(crate) fn source(&self) -> Result<CertificateSource<'_>, ConfigError> {
        let missing = |key: &'static str, why: &str| {
            Err(ConfigError::Value {
                key,
                value: "(absent)".to_owned(),
                why: why.to_owned(),
            })
        };
        match (self.cert.as_deref(), self.key.as_deref()) {
            (Some(cert), Some(key)) => Ok(CertificateSource::Files { cert, key }),
            (Some(_), None) => missing("tls.key", "name the PEM file with the key of tls.cert"),
            (None, Some(_)) => missing("tls.cert", "name the PEM file with the certificate"),
            (None, None) if self.self_signed => Ok(CertificateSource::SelfSigned),
            (None, None) => missing(
                "tls.cert",
                "listen_tls needs cert and key, or self_signed = true",
            ),
        }
    }

    /// Half a certificate is wrong even while nothing listens.
    pub(super) fn check(&self, listens: bool) -> Result<(), ConfigError> {
        if listens || self.cert.is_some() || self.key.is_some() {
            self.source()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_before_self_signed_and_half_of_them_is_named() {
        let source = |cert: Option<&str>, key: Option<&str>, self_signed| {
            let config = TlsConfig {
                cert: cert.map(PathBuf::from),
                key: key.map(PathBuf::from),
                self_signed,
            };
            let source = config.source().map(|source| format!("{source:?}"));
            source.unwrap_or_else(|error| error.to_string())
        };
        assert!(source(Some("c.pem"), Some("k.pem"), true).contains("k.pem"));
        assert_eq!(source(None, None, true), "SelfSigned");
        assert!(source(Some("c.pem"), None, true).starts_with("tls.key"));
        assert!(source(None, Some("k.pem"), true).starts_with("tls.cert"));
        assert!(source(None, None, false).contains("self_signed = true"));
        let nothing = TlsConfig {
            self_signed: false,
            ..TlsConfig::default()
        };
        assert!(nothing.check(false).is_ok() && nothing.check(true).is_err());
    }
}
