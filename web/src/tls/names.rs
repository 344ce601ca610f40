//! What the shown certificate vouches for.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::ParsedCertificate;

use super::shown::Shown;

/// The names in the certificate that is shown at the moment.
#[derive(Clone)]
pub(crate) struct CertificateNames(Arc<Shown>);

impl CertificateNames {
    pub(super) fn of(shown: Arc<Shown>) -> Self {
        Self(shown)
    }

    /// Wildcards count.
    pub(crate) fn contain(&self, host: &str) -> bool {
        let certified = self.0.current();
        let parsed = certified.cert.first().map(ParsedCertificate::try_from);
        let (Some(Ok(parsed)), Ok(name)) = (parsed, ServerName::try_from(host)) else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tls::certificate::from_pem;

    #[test]
    fn its_names_and_wildcards_are_known() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = ["booth.example", "*.hall.example"].map(str::to_owned);
        let params = rcgen::CertificateParams::new(names.to_vec()).expect("names");
        let pem = params.self_signed(&key).expect("signed").pem();
        let nowhere = Path::new("");
        let key = key.serialize_pem();
        let certified = from_pem(pem.as_bytes(), key.as_bytes(), nowhere, nowhere);
        let shown = Arc::new(Shown::new(certified.expect("a pair")));
        let names = CertificateNames::of(shown);
        for host in ["booth.example", "a.hall.example"] {
            assert!(names.contain(host), "{host}");
        }
        for host in [
            "example",
            "hall.example",
            "a.b.hall.example",
            "evil.test",
            "",
            "a b",
        ] {
            assert!(!names.contain(host), "{host}");
        }
    }
}
