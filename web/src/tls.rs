//! HTTPS beside plain HTTP: the certificate, and the handshakes.

mod certificate;
mod issue;
mod listener;
mod metrics;
mod names;
mod renewal;
mod self_signed;
mod shown;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;

pub(crate) use self::certificate::CertificateError;
pub(crate) use self::listener::TlsListener;
pub(crate) use self::metrics::TlsMetrics;
pub(crate) use self::names::CertificateNames;
use self::renewal::Watch;
use self::self_signed::Machine;
use self::shown::Shown;
use crate::config::CertificateSource;

/// A certificate that is ready to be shown.
pub(crate) struct Tls {
    shown: Arc<Shown>,
    /// The files that may change under it; none for a self-signed one.
    watch: Option<Watch>,
}

impl Tls {
    /// Takes the certificate from the files, or the kept one of carrier's own, which is made if
    /// need be.
    pub(crate) fn open(
        source: CertificateSource<'_>,
        keep_in: Option<&Path>,
        addresses: Vec<IpAddr>,
    ) -> Result<Self, CertificateError> {
        let (certified, watch) = match source {
            CertificateSource::Files { cert, key } => {
                let watch = Watch::new(cert.to_owned(), key.to_owned());
                (certificate::from_files(cert, key)?, Some(watch))
            }
            CertificateSource::SelfSigned => {
                let machine = Machine::with(issue::host_name(), addresses);
                (issue::kept_or_made(keep_in, &machine)?, None)
            }
        };
        let shown = Arc::new(Shown::new(certified));
        Ok(Self { shown, watch })
    }

    /// Whether browsers warn of it.
    pub(crate) fn is_self_signed(&self) -> bool {
        self.watch.is_none()
    }

    /// The names that it vouches for.
    pub(crate) fn names(&self) -> CertificateNames {
        CertificateNames::of(Arc::clone(&self.shown))
    }

    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fn fingerprint(&self) -> String {
        certificate::fingerprint(&self.shown.current())
    }

    /// What handshakes are made with.
    pub(crate) fn server_config(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shown) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Follows the files of the certificate, for as long as carrier runs.
    pub(crate) async fn follow_files(&self) {
        if let Some(watch) = &self.watch {
            renewal::follow(watch.clone(), &self.shown).await;
        }
    }
}
