//! Certificates are renewed while carrier runs: their files are read again when they change.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::sign::CertifiedKey;

use super::certificate::{CertificateError, fingerprint, from_files};
use super::shown::Shown;

/// Two looks at file times cost nothing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Two files and how they looked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watch {
    cert: PathBuf,
    key: PathBuf,
    seen: [Option<Look>; 2],
}

/// Device, inode, seconds and nanoseconds of the last change, size: links that are bent to a new
/// file (certbot, Kubernetes) show by the inode.
type Look = (u64, u64, i64, i64, u64);

impl Watch {
    pub(super) fn new(cert: PathBuf, key: PathBuf) -> Self {
        let seen = [look(&cert), look(&key)];
        Self { cert, key, seen }
    }

    /// The files' certificate, if one of them changed since the last look. A pair of which one half
    /// is new is an error, and the other half's change is another change.
    fn changed(&mut self) -> Option<Result<CertifiedKey, CertificateError>> {
        let now = [look(&self.cert), look(&self.key)];
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(from_files(&self.cert, &self.key))
    }
}

fn look(file: &Path) -> Option<Look> {
    let found = std::fs::metadata(file).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.mtime(),
        found.mtime_nsec(),
        found.size(),
    ))
}

/// Shows each new certificate; goes on with the old one while the files are wrong.
pub(super) async fn follow(mut watch: Watch, shown: &Shown) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // A disk that hangs must not hold up a thread of HTTP.
        let mut ahead = watch.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let changed = ahead.changed();
            (ahead, changed)
        });
        // After a panic the next look begins where this one did.
        let Ok((ahead, changed)) = looked.await else {
            continue;
        };
        watch = ahead;
        match changed {
            None => {}
            Some(Ok(new)) => {
                tracing::info!(sha256 = fingerprint(&new), "HTTPS has a new certificate");
                shown.replace(new);
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "HTTPS keeps its old certificate; the new one is of no use");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_and_half_a_pair_is_refused() {
        let folder =
            std::env::temp_dir().join(format!("carrier-pem-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("temporary folder");
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
        let mut watch = Watch::new(cert.clone(), key.clone());
        assert!(watch.changed().is_none());
        put(&cert, &new.0);
        let half = watch.changed().expect("a change");
        assert!(matches!(half, Err(CertificateError::NotAPair { .. })));
        assert!(watch.changed().is_none(), "said once");
        put(&key, &new.1);
        assert!(watch.changed().expect("a change").is_ok());
        std::fs::remove_file(&key).expect("there");
        assert!(watch.changed().expect("a change").is_err());
        std::fs::remove_dir_all(folder).expect("cleaned");
    }
}
