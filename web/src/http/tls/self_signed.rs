//! The self-signed certificate: made, kept in a file, and replaced when the clock leaves its validity.
//! That happens when it expires, or when a time server sets a wrong clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::sign::CertifiedKey;

use crate::http::tls::files::{CertificateError, from_pem};
use crate::http::tls::terms::{CertificateSubject, CertificateTerms};
use crate::private_file;

/// The current certificate's terms, and what a new one is made from.
#[derive(Debug, Clone)]
pub(crate) struct SelfSigned {
    /// `None`: it is not kept.
    keep_in: Option<PathBuf>,
    machine: CertificateSubject,
    terms: CertificateTerms,
}

impl SelfSigned {
    pub(crate) fn open(
        keep_in: Option<PathBuf>,
        machine: CertificateSubject,
    ) -> Result<(Self, CertifiedKey), CertificateError> {
        let (certified, terms) = kept_or_made(keep_in.as_deref(), &machine, now_s())?;
        let own = Self {
            keep_in,
            machine,
            terms,
        };
        Ok((own, certified))
    }

    /// A new certificate, if the current one is no longer valid here.
    pub(crate) fn renewed(&mut self) -> Option<Result<CertifiedKey, CertificateError>> {
        self.renewed_at(now_s())
    }

    fn renewed_at(&mut self, now_s: u64) -> Option<Result<CertifiedKey, CertificateError>> {
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

pub(crate) fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

/// The certificate kept in `file` if it is valid here, else a new one, which is kept there if possible.
pub(crate) fn kept_or_made(
    file: Option<&Path>,
    machine: &CertificateSubject,
    now_s: u64,
) -> Result<(CertifiedKey, CertificateTerms), CertificateError> {
    let unkept = Path::new("the certificate for this run");
    let kept = file.and_then(|file| std::fs::read_to_string(file).ok());
    let before = kept.as_deref().and_then(CertificateTerms::parse);
    if let (Some(text), Some(terms)) = (&kept, &before)
        && terms.serve(machine, now_s)
        && let Ok(certified) = from_pem(text.as_bytes(), text.as_bytes(), unkept, unkept)
    {
        return Ok((certified, terms.clone()));
    }
    let terms = CertificateTerms::anew(machine, before.as_ref(), now_s);
    let pem = make(&terms)?;
    let advice = "the HTTPS certificate is for this run only, and browsers warn of a new one after the \
                  next start; set HOME or XDG_STATE_HOME to a folder that can be written";
    match file.map(|file| (file, private_file::write(file, pem.as_bytes()))) {
        None => tracing::warn!("there is no home folder: {advice}"),
        Some((file, Err(error))) => {
            tracing::warn!(%error, file = %file.display(), "{advice}");
        }
        Some((_, Ok(()))) => {}
    }
    let certified = from_pem(pem.as_bytes(), pem.as_bytes(), unkept, unkept)?;
    Ok((certified, terms))
}

/// Terms, certificate and key in one PEM text, so that they stay together.
fn make(terms: &CertificateTerms) -> Result<String, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(terms.names.clone())?;
    let at = |unix_s: u64| UNIX_EPOCH + Duration::from_secs(unix_s);
    params.not_before = at(terms.from_s).into();
    params.not_after = at(terms.until_s).into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, "carrier (self-signed)");
    let certificate = params.self_signed(&key)?;
    Ok(format!(
        "{}{}{}",
        terms.preamble(),
        certificate.pem(),
        key.serialize_pem()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::http::tls::files::fingerprint;

    use super::*;

    const DAY_S: u64 = 86_400;

    #[test]
    fn a_certificate_of_a_wrong_clock_is_replaced_once_the_clock_is_set() {
        let folder = crate::test_folder::TestFolder::new();
        let file = folder.join("self-signed.pem");
        let machine = CertificateSubject::with(Some("backpack".to_owned()), Vec::new());
        let right_s = now_s();
        let wrong_s = right_s + 400 * DAY_S;
        let (first, terms) = kept_or_made(Some(&file), &machine, wrong_s).expect("made");
        let mut own = SelfSigned {
            keep_in: Some(file.clone()),
            machine,
            terms,
        };
        assert!(own.renewed_at(wrong_s + DAY_S).is_none(), "it serves");
        let second = own
            .renewed_at(right_s)
            .expect("not valid yet")
            .expect("made");
        assert_ne!(fingerprint(&second), fingerprint(&first));
        assert!(own.renewed_at(right_s + 10).is_none(), "once");
        let (kept, _) = kept_or_made(Some(&file), &own.machine, right_s).expect("kept");
        assert_eq!(fingerprint(&kept), fingerprint(&second));
        // It also expires.
        assert!(own.renewed_at(right_s + 801 * DAY_S).is_some());
    }

    #[test]
    fn the_certificate_is_private_kept_and_replaced_when_invalid() {
        let folder = crate::test_folder::TestFolder::new();
        let file = folder.join("carrier/self-signed.pem");
        let here = CertificateSubject::with(
            Some("backpack".to_owned()),
            vec!["192.168.1.20".parse().expect("an address")],
        );
        let print = |machine: &CertificateSubject| {
            let now_s = 1_800_000_000;
            let (certified, _) = kept_or_made(Some(&file), machine, now_s).expect("made or kept");
            fingerprint(&certified)
        };
        let first = print(&here);
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(print(&here), first);
        let elsewhere =
            CertificateSubject::with(None, vec!["10.0.0.7".parse().expect("an address")]);
        let second = print(&elsewhere);
        assert_ne!(second, first);
        assert_eq!(print(&here), second, "it knows both places");
        std::fs::write(&file, "rubbish").expect("writable");
        assert_ne!(print(&here), second);
        for nowhere in [None, Some(Path::new("/proc/carrier/self-signed.pem"))] {
            assert!(kept_or_made(nowhere, &here, 1_800_000_000).is_ok());
        }
    }
}
