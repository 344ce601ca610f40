//! The certificate for HTTPS: read from files or made here, and renewed.

mod certificate;
mod issue;
mod names;
mod own;
mod renewal;
mod self_signed;
mod shown;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;

pub(crate) use self::certificate::CertificateError;
pub(crate) use self::names::CertificateNames;
use self::own::Own;
use self::renewal::Watch;
use self::self_signed::Machine;
use self::shown::Shown;
use crate::config::CertificateSource;

/// A certificate that is ready to be shown.
pub(crate) struct Tls {
    shown: Arc<Shown>,
    origin: Origin,
}

/// Where the next certificate comes from.
enum Origin {
    /// Files that somebody else changes.
    Files(Watch),
    Own(Own),
}

impl Tls {
    /// Takes the certificate from the files, or the kept one of carrier's own, which is made if
    /// need be.
    pub(crate) fn open(
        source: CertificateSource<'_>,
        keep_in: Option<&Path>,
        addresses: Vec<IpAddr>,
    ) -> Result<Self, CertificateError> {
        let (certified, origin) = match source {
            CertificateSource::Files { cert, key } => {
                let watch = Watch::new(cert.to_owned(), key.to_owned());
                (certificate::from_files(cert, key)?, Origin::Files(watch))
            }
            CertificateSource::SelfSigned => {
                let machine = Machine::with(issue::host_name(), addresses);
                let (own, certified) = Own::open(keep_in.map(Path::to_owned), machine)?;
                (certified, Origin::Own(own))
            }
        };
        let shown = Arc::new(Shown::new(certified));
        Ok(Self { shown, origin })
    }

    /// Whether browsers warn of it.
    pub(crate) fn is_self_signed(&self) -> bool {
        matches!(self.origin, Origin::Own(_))
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

    /// Shows each new certificate, for as long as carrier runs.
    pub(crate) async fn follow(&self) {
        match &self.origin {
            Origin::Files(watch) => renewal::follow(watch.clone(), &self.shown).await,
            Origin::Own(own) => own::follow(own.clone(), &self.shown).await,
        }
    }
}
