//! The certificate for HTTPS: from files or self-signed, and renewed while the program runs.
//!
//! rustls directly: `axum-server` reloads certificates too, but has its own accept loop without
//! connection limits per address.

mod files;
mod self_signed;
mod terms;

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use self::files::CertificateFiles;
use self::self_signed::SelfSigned;
use self::terms::CertificateSubject;
use crate::config::CertificateSource;

pub(crate) use self::files::CertificateError;

const CHECK_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct Tls {
    shown: Arc<CurrentCertificate>,
    origin: CertificateOrigin,
}

/// Where renewed certificates come from.
#[derive(Debug, Clone)]
enum CertificateOrigin {
    /// Files of the owner, re-read when they change.
    Files(CertificateFiles),
    SelfSigned(SelfSigned),
}

impl Tls {
    /// Reads the certificate files, or the kept self-signed certificate, which is made if necessary.
    pub(crate) fn open(
        source: CertificateSource<'_>,
        keep_in: Option<&Path>,
        addresses: Vec<IpAddr>,
    ) -> Result<Self, CertificateError> {
        let (certified, origin) = match source {
            CertificateSource::Files { cert, key } => {
                let watch = CertificateFiles::new(cert.to_owned(), key.to_owned());
                (
                    files::from_files(cert, key)?,
                    CertificateOrigin::Files(watch),
                )
            }
            CertificateSource::SelfSigned => {
                let machine = CertificateSubject::with(self_signed::host_name(), addresses);
                let (own, certified) = SelfSigned::open(keep_in.map(Path::to_owned), machine)?;
                (certified, CertificateOrigin::SelfSigned(own))
            }
        };
        let shown = Arc::new(CurrentCertificate::new(certified));
        Ok(Self { shown, origin })
    }

    pub(crate) fn is_self_signed(&self) -> bool {
        matches!(self.origin, CertificateOrigin::SelfSigned(_))
    }

    pub(crate) fn certificate(&self) -> Arc<CurrentCertificate> {
        Arc::clone(&self.shown)
    }

    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fn fingerprint(&self) -> String {
        files::fingerprint(&self.shown.current())
    }

    pub(crate) fn server_config(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shown) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Uses each renewed certificate from the next handshake on, as long as the program runs.
    pub(crate) async fn follow_renewals(&self) {
        let mut origin = self.origin.clone();
        let mut last_error = String::new();
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            // A hanging disk must not block an HTTP thread.
            let mut next = origin.clone();
            let checked = tokio::task::spawn_blocking(move || {
                let renewed = next.renewed();
                (next, renewed)
            });
            // After a panic, try again from the same state.
            let Ok((next, renewed)) = checked.await else {
                continue;
            };
            origin = next;
            match renewed {
                None => {}
                Some(Ok(new)) => {
                    let sha256 = files::fingerprint(&new);
                    tracing::info!(sha256, "HTTPS has a new certificate");
                    self.shown.replace(new);
                    last_error.clear();
                }
                Some(Err(error)) => {
                    let message = error.to_string();
                    if message != last_error {
                        tracing::warn!(%error, "HTTPS keeps its old certificate: the new one cannot be used");
                        last_error = message;
                    }
                }
            }
        }
    }
}

impl CertificateOrigin {
    /// A renewed certificate, if there is one since the last call.
    fn renewed(&mut self) -> Option<Result<CertifiedKey, CertificateError>> {
        match self {
            Self::Files(files) => files.changed(),
            Self::SelfSigned(own) => own.renewed(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl CurrentCertificate {
    pub(crate) fn new(first: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(first)))
    }

    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it is for this host; wildcards match.
    pub(crate) fn names(&self, host: &str) -> bool {
        let certified = self.current();
        let parsed = certified.cert.first().map(ParsedCertificate::try_from);
        let (Some(Ok(parsed)), Ok(name)) = (parsed, ServerName::try_from(host)) else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }

    /// Used from the next handshake on.
    pub(crate) fn replace(&self, new: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::http::tls::files::from_pem;

    use super::*;

    #[test]
    fn certificate_names_match_wildcards() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = ["booth.example", "*.hall.example"].map(str::to_owned);
        let params = rcgen::CertificateParams::new(names.to_vec()).expect("names");
        let pem = params.self_signed(&key).expect("signed").pem();
        let nowhere = Path::new("");
        let key = key.serialize_pem();
        let certified = from_pem(pem.as_bytes(), key.as_bytes(), nowhere, nowhere);
        let certificate = CurrentCertificate::new(certified.expect("a pair"));
        for host in ["booth.example", "a.hall.example"] {
            assert!(certificate.names(host), "{host}");
        }
        for host in [
            "example",
            "hall.example",
            "a.b.hall.example",
            "evil.test",
            "",
            "a b",
        ] {
            assert!(!certificate.names(host), "{host}");
        }
    }
}
