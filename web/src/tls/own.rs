//! Carrier's own certificate while the program runs: it may run out, and the clock may be set, such as by a time
//! server after a start without a network.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::sign::CertifiedKey;

use super::certificate::{CertificateError, fingerprint};
use super::issue::kept_or_made;
use super::self_signed::{Machine, Terms};
use super::shown::Shown;

/// A look at the clock costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificate that is shown, and what the next one is made of.
#[derive(Debug, Clone)]
pub(super) struct Own {
    /// None: for this run only.
    keep_in: Option<PathBuf>,
    machine: Machine,
    terms: Terms,
}

impl Own {
    /// The kept certificate, or a new one.
    pub(super) fn open(
        keep_in: Option<PathBuf>,
        machine: Machine,
    ) -> Result<(Self, CertifiedKey), CertificateError> {
        let (certified, terms) = kept_or_made(keep_in.as_deref(), &machine, now_s())?;
        let own = Self {
            keep_in,
            machine,
            terms,
        };
        Ok((own, certified))
    }

    /// Another certificate, if this one does not serve any more.
    fn renewed(&mut self, now_s: u64) -> Option<Result<CertifiedKey, CertificateError>> {
        if self.terms.serve(&self.machine, now_s) {
            return None;
        }
        let made = kept_or_made(self.keep_in.as_deref(), &self.machine, now_s);
        Some(made.map(|(certified, terms)| {
            self.terms = terms;
            certified
        }))
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Shows each new certificate.
pub(super) async fn follow(mut own: Own, shown: &Shown) {
    let mut said = String::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // A disk that hangs must not hold up a thread of HTTP.
        let looked = tokio::task::spawn_blocking(move || {
            let renewed = own.renewed(now_s());
            (own, renewed)
        });
        let Ok((same, renewed)) = looked.await else {
            return;
        };
        own = same;
        match renewed {
            None => {}
            Some(Ok(new)) => {
                tracing::warn!(
                    sha256 = fingerprint(&new),
                    "HTTPS has a new certificate, since the clock is outside of the old one's time"
                );
                shown.replace(new);
            }
            Some(Err(error)) => {
                let words = error.to_string();
                if words != said {
                    tracing::warn!(%error, "the certificate for HTTPS cannot be renewed");
                    said = words;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;

    #[test]
    fn a_certificate_of_a_wrong_clock_is_replaced_once_the_clock_is_set() {
        let folder =
            std::env::temp_dir().join(format!("carrier-own-{:016x}", rand::random::<u64>()));
        let file = folder.join("self-signed.pem");
        let machine = Machine::with(Some("backpack".to_owned()), Vec::new());
        let right_s = now_s();
        let wrong_s = right_s + 400 * DAY_S;
        let (first, terms) = kept_or_made(Some(&file), &machine, wrong_s).expect("made");
        let mut own = Own {
            keep_in: Some(file.clone()),
            machine,
            terms,
        };
        assert!(own.renewed(wrong_s + DAY_S).is_none(), "it serves");
        let second = own.renewed(right_s).expect("not valid yet").expect("made");
        assert_ne!(fingerprint(&second), fingerprint(&first));
        assert!(own.renewed(right_s + 10).is_none(), "once");
        let (kept, _) = kept_or_made(Some(&file), &own.machine, right_s).expect("kept");
        assert_eq!(fingerprint(&kept), fingerprint(&second));
        // It also runs out.
        assert!(own.renewed(right_s + 801 * DAY_S).is_some());
        std::fs::remove_dir_all(folder).expect("cleaned");
    }
}
