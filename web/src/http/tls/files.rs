//! A certificate from PEM files, which is read again when the files change.

use std::fmt::Write;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest, Sha256};
use thiserror::Error as ThisError;

/// Why a certificate cannot be used, naming the file.
#[derive(Debug, ThisError)]
pub(crate) enum CertificateError {
    #[error(
        "{key} = {path} cannot be read: {source}; name a PEM file that this user may read",
        path = path.display()
    )]
    Read {
        key: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{key} = {path} holds no {wanted}", path = path.display())]
    NotThere {
        key: &'static str,
        path: PathBuf,
        wanted: &'static str,
    },
    #[error(
        "tls.key = {key} is not the key of the certificate in tls.cert = {cert}: name the pair that \
         was issued together; where a file holds several certificates, this machine's stands first",
        key = key.display(), cert = cert.display()
    )]
    NotAPair { cert: PathBuf, key: PathBuf },
    #[error(
        "tls.cert = {cert} with tls.key = {key} cannot be used: {source}",
        key = key.display(), cert = cert.display()
    )]
    Unusable {
        cert: PathBuf,
        key: PathBuf,
        source: Error,
    },
    #[error("cannot make a certificate for HTTPS: {0}")]
    Make(#[from] rcgen::Error),
}

/// The certificate and key of two PEM files, which may be the same file.
pub(crate) fn from_files(cert: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let cert_pem = read("tls.cert", cert)?;
    let key_pem = read("tls.key", key)?;
    from_pem(&cert_pem, &key_pem, cert, key)
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::Read {
        key,
        path: path.to_owned(),
        source,
    })
}

/// `cert` and `key` are paths for error messages.
pub(crate) fn from_pem(
    cert_pem: &[u8],
    key_pem: &[u8],
    cert: &Path,
    key: &Path,
) -> Result<CertifiedKey, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert_pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| CertificateError::NotThere {
        key: "tls.cert",
        path: cert.to_owned(),
        wanted: "certificate in PEM format (-----BEGIN CERTIFICATE-----)",
    })?;
    let private = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| {
        let wanted = "private key in PEM format, without a passphrase";
        CertificateError::NotThere {
            key: "tls.key",
            path: key.to_owned(),
            wanted,
        }
    })?;
    let (cert, key) = (cert.to_owned(), key.to_owned());
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            CertificateError::NotAPair { cert, key }
        }
        source => CertificateError::Unusable { cert, key, source },
    })
}

/// SHA-256 of the certificate itself, as `AA:BB:...`.
pub(crate) fn fingerprint(certified: &CertifiedKey) -> String {
    let der = certified.cert.first().map_or(&[][..], |cert| cert.as_ref());
    let mut text = String::new();
    for byte in Sha256::digest(der) {
        let colon = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

/// Two files and their last known metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFiles {
    cert: PathBuf,
    key: PathBuf,
    seen: [Option<FileStamp>; 2],
}

/// Device, inode, modification time (s, ns), size. The inode shows when a symbolic link changed
/// (certbot, Kubernetes).
type FileStamp = (u64, u64, i64, i64, u64);

impl CertificateFiles {
    pub(crate) fn new(cert: PathBuf, key: PathBuf) -> Self {
        let seen = [stamp(&cert), stamp(&key)];
        Self { cert, key, seen }
    }

    /// The new certificate, if a file has changed since the last call. While only one of the two is new,
    /// this is an error; the change of the other one is reported again.
    pub(crate) fn changed(&mut self) -> Option<Result<CertifiedKey, CertificateError>> {
        let now = [stamp(&self.cert), stamp(&self.key)];
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(from_files(&self.cert, &self.key))
    }
}

fn stamp(file: &Path) -> Option<FileStamp> {
    let found = std::fs::metadata(file).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.mtime(),
        found.mtime_nsec(),
        found.size(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let cert = params.self_signed(&key).expect("signed");
        (cert.pem(), key.serialize_pem())
    }

    fn error_message(cert: &str, key: &str) -> String {
        let (cert_path, key_path) = (Path::new("c.pem"), Path::new("k.pem"));
        from_pem(cert.as_bytes(), key.as_bytes(), cert_path, key_path)
            .map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn a_pair_is_taken_from_two_files_or_from_one() {
        let (cert, key) = pair();
        assert_eq!(error_message(&cert, &key), "");
        let both = format!("words before\n{cert}{key}");
        assert_eq!(error_message(&both, &both), "");
    }

    #[test]
    fn certificate_errors_name_the_file() {
        let ((cert, key), (_, other)) = (pair(), pair());
        let mixed = error_message(&cert, &other);
        assert!(
            mixed.contains("c.pem") && mixed.contains("k.pem"),
            "{mixed}"
        );
        assert!(mixed.contains("is not the key of"), "{mixed}");
        assert!(error_message("", &key).contains("c.pem holds no certificate"));
        assert!(error_message(&key, &key).contains("c.pem holds no certificate"));
        assert!(error_message(&cert, &cert).contains("k.pem holds no private key"));
        let damaged = cert.replace("MII", "\u{fffd}");
        assert!(!error_message(&damaged, &key).is_empty());
        let gone = from_files(Path::new("/nowhere/c.pem"), Path::new("/nowhere/k.pem"));
        let gone = gone.expect_err("no such file").to_string();
        assert!(gone.starts_with("tls.cert = /nowhere/c.pem"), "{gone}");
    }

    #[test]
    fn the_fingerprint_is_32_bytes_of_hexadecimal() {
        let (cert, key) = pair();
        let path = Path::new("x");
        let certified = from_pem(cert.as_bytes(), key.as_bytes(), path, path).expect("a pair");
        let print = fingerprint(&certified);
        assert_eq!((print.len(), print.split(':').count()), (95, 32));
        assert_eq!(print, print.to_ascii_uppercase());
    }

    #[test]
    fn a_change_is_seen_once_and_half_a_pair_is_refused() {
        let folder = crate::test_folder::TestFolder::new();
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let pair = || {
            let key = rcgen::KeyPair::generate().expect("a key");
            let params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
            let cert = params.self_signed(&key).expect("signed");
            (cert.pem(), key.serialize_pem())
        };
        let put = |file: &Path, text: &str| {
            let new = file.with_extension("new");
            std::fs::write(&new, text).expect("written");
            std::fs::rename(new, file).expect("in place");
        };
        let (old, new) = (pair(), pair());
        put(&cert, &old.0);
        put(&key, &old.1);
        let mut watch = CertificateFiles::new(cert.clone(), key.clone());
        assert!(watch.changed().is_none());
        put(&cert, &new.0);
        let half = watch.changed().expect("a change");
        assert!(matches!(half, Err(CertificateError::NotAPair { .. })));
        assert!(watch.changed().is_none(), "said once");
        put(&key, &new.1);
        assert!(watch.changed().expect("a change").is_ok());
        std::fs::remove_file(&key).expect("there");
        assert!(watch.changed().expect("a change").is_err());
    }
}
