//! Makes carrier's own certificate, and keeps it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::sign::CertifiedKey;

use super::certificate::{CertificateError, from_pem};
use super::self_signed::{Machine, Terms};

/// What the system calls this machine.
pub(super) fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

/// The certificate kept in `file` if it still serves, else a new one, kept there if that is possible.
pub(super) fn kept_or_made(
    file: Option<&Path>,
    machine: &Machine,
    now_s: u64,
) -> Result<(CertifiedKey, Terms), CertificateError> {
    let unkept = Path::new("the certificate for this run");
    let kept = file.and_then(|file| std::fs::read_to_string(file).ok());
    let before = kept.as_deref().and_then(Terms::parse);
    if let (Some(text), Some(terms)) = (&kept, &before)
        && terms.serve(machine, now_s)
        && let Ok(certified) = from_pem(text.as_bytes(), text.as_bytes(), unkept, unkept)
    {
        return Ok((certified, terms.clone()));
    }
    let terms = Terms::anew(machine, before.as_ref(), now_s);
    let pem = make(&terms)?;
    let advice = "the HTTPS certificate is for this run only, and browsers warn of a new one after the \
                  next start; set HOME or XDG_STATE_HOME to a folder that can be written";
    match file.map(|file| (file, keep(file, &pem))) {
        None => tracing::warn!("there is no home folder: {advice}"),
        Some((file, Err(error))) => {
            tracing::warn!(%error, file = %file.display(), "{advice}");
        }
        Some((_, Ok(()))) => {}
    }
    let certified = from_pem(pem.as_bytes(), pem.as_bytes(), unkept, unkept)?;
    Ok((certified, terms))
}

/// Words, certificate and key in one text: they cannot come apart.
fn make(terms: &Terms) -> Result<String, CertificateError> {
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

/// Readable by this user alone, and never half written.
fn keep(file: &Path, pem: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("pem.new");
    // What a start that was cut off left behind could have any mode.
    let _ = std::fs::remove_file(&new);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    out.write_all(pem.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::certificate::fingerprint;
    use super::*;

    #[test]
    fn it_is_kept_private_found_again_and_replaced_when_it_does_not_serve() {
        let folder =
            std::env::temp_dir().join(format!("carrier-tls-{:016x}", rand::random::<u64>()));
        let file = folder.join("carrier/self-signed.pem");
        let here = Machine::with(
            Some("backpack".to_owned()),
            vec!["192.168.1.20".parse().expect("an address")],
        );
        let print = |machine: &Machine| {
            let now_s = 1_800_000_000;
            let (certified, _) = kept_or_made(Some(&file), machine, now_s).expect("made or kept");
            fingerprint(&certified)
        };
        let first = print(&here);
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(print(&here), first);
        let elsewhere = Machine::with(None, vec!["10.0.0.7".parse().expect("an address")]);
        let second = print(&elsewhere);
        assert_ne!(second, first);
        assert_eq!(print(&here), second, "it knows both places");
        std::fs::write(&file, "rubbish").expect("writable");
        assert_ne!(print(&here), second);
        for nowhere in [None, Some(Path::new("/proc/carrier/self-signed.pem"))] {
            assert!(kept_or_made(nowhere, &here, 1_800_000_000).is_ok());
        }
        std::fs::remove_dir_all(folder).expect("cleaned");
    }
}
