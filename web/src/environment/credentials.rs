//! Secrets in files of one folder, as systemd's `LoadCredential=` and the secrets of containers provide them. Unlike
//! variables, they are not passed on to child processes and not shown by `systemctl show` or `docker inspect`.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a secret in a file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CredentialError {
    #[error("the credential {path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the credential {path} is empty: write the secret into it, or remove it", path = path.display())]
    Empty { path: PathBuf },
}

/// The folder of the files, if there is one.
pub(super) struct Credentials(Option<PathBuf>);

impl Credentials {
    pub(super) fn in_folder(folder: Option<OsString>) -> Self {
        Self(folder.map(PathBuf::from))
    }

    /// The value of the variable, else the content of the file that is named like it: `admin-token` for
    /// `CARRIER_ADMIN_TOKEN`. Blanks around it are not part of it: editors end files with a newline.
    pub(super) fn or_read(
        &self,
        value: Option<String>,
        variable: &str,
    ) -> Result<Option<String>, CredentialError> {
        let (None, Some(folder)) = (&value, &self.0) else {
            return Ok(value);
        };
        let name = variable.strip_prefix("CARRIER_").unwrap_or(variable);
        let path = folder.join(name.to_ascii_lowercase().replace('_', "-"));
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => Err(CredentialError::Empty { path }),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CredentialError::Unreadable { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn a_secret_is_the_variable_else_the_file_and_a_file_without_one_is_refused() {
        let folder = TestFolder::new();
        let credentials = Credentials::in_folder(Some(folder.as_os_str().to_owned()));
        let read = |variable: &str| credentials.or_read(None, variable);
        std::fs::write(folder.join("admin-token"), "of the file\n").expect("writable");
        std::fs::write(folder.join("viewer-token"), " \n").expect("writable");
        std::fs::create_dir(folder.join("mqtt")).expect("writable");
        let admin = read("CARRIER_ADMIN_TOKEN").expect("readable");
        assert_eq!(admin.as_deref(), Some("of the file"));
        let given = credentials.or_read(Some("given".into()), "CARRIER_ADMIN_TOKEN");
        assert_eq!(given.expect("not read").as_deref(), Some("given"));
        assert_eq!(read("CARRIER_WHIP_TOKEN").expect("not there"), None);
        let empty = read("CARRIER_VIEWER_TOKEN").expect_err("empty").to_string();
        assert!(empty.contains("viewer-token is empty"), "{empty}");
        let unreadable = read("CARRIER_MQTT").expect_err("a folder").to_string();
        assert!(unreadable.contains("mqtt cannot be read"), "{unreadable}");
        let without = Credentials::in_folder(None).or_read(None, "CARRIER_ADMIN_TOKEN");
        assert_eq!(without.expect("none"), None);
    }
}
