//! The key that cookies are made with: a cookie cannot be made by trying tokens, only by this station.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

const DIGITS: usize = 64;

/// 256 random bits, kept so that cookies outlive a restart.
pub(crate) struct CookieKey(String);

impl CookieKey {
    /// The key kept in `file`, else a new one, kept there with mode 0600. Where nothing can be kept it is
    /// for this run.
    pub(crate) fn obtain(file: Option<&Path>) -> Self {
        let Some(file) = file else {
            return Self::fresh();
        };
        if let Ok(kept) = std::fs::read_to_string(file)
            && is_key(kept.trim())
        {
            return Self(kept.trim().to_owned());
        }
        let fresh = Self::fresh();
        if let Err(error) = keep(file, &fresh.0) {
            let file = file.display();
            tracing::warn!(%error, "cannot keep {file}: after a restart, viewers need the link again");
        }
        fresh
    }

    fn fresh() -> Self {
        let (high, low) = (rand::random::<u128>(), rand::random::<u128>());
        Self(format!("{high:032x}{low:032x}"))
    }

    /// A value that only the holder of this key can make for `text`.
    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        // The key has a fixed length and stands at both ends: nothing can be appended.
        let signed = format!("{key}\n{purpose}\n{text}\n{key}", key = self.0);
        let digest = Sha256::digest(signed);
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn is_key(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn keep(file: &Path, key: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A leftover that is no key would keep its old mode: start from nothing.
    let _ = std::fs::remove_file(file);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(out, "{key}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_found_again_and_made_anew_when_damaged() {
        let folder =
            std::env::temp_dir().join(format!("carrier-key-{:016x}", rand::random::<u64>()));
        let file = folder.join("cookie-key");
        let signed = CookieKey::obtain(Some(&file)).sign("viewer", "token");
        let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = CookieKey::obtain(Some(&file));
        assert_eq!(again.sign("viewer", "token"), signed);
        assert_ne!(again.sign("viewer", "token2"), signed);
        assert_ne!(again.sign("visitor", "token"), signed);
        std::fs::write(&file, "short").expect("written");
        assert_ne!(
            CookieKey::obtain(Some(&file)).sign("viewer", "token"),
            signed
        );
        std::fs::remove_dir_all(folder).expect("cleaned");
    }

    #[test]
    fn without_a_place_to_keep_it_there_is_one_for_this_run() {
        let key = CookieKey::obtain(Some(Path::new("/proc/nowhere/cookie-key")));
        assert_eq!(key.sign("viewer", "token").len(), 64);
        let other = CookieKey::obtain(None);
        assert_ne!(key.sign("viewer", "token"), other.sign("viewer", "token"));
    }
}
