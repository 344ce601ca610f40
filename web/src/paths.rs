//! Where files live: the XDG folders.

use std::path::PathBuf;

use etcetera::{BaseStrategy, base_strategy};

/// Folders of this user. Absent when the system does not even tell a home folder.
pub(crate) struct Paths {
    base: Option<base_strategy::Xdg>,
}

impl Paths {
    pub(crate) fn of_user() -> Self {
        Self {
            base: base_strategy::Xdg::new().ok(),
        }
    }

    /// The configuration read when none is named.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        Some(
            self.base
                .as_ref()?
                .config_dir()
                .join("carrier/carrier.toml"),
        )
    }

    /// Where a generated admin token is kept.
    pub(crate) fn admin_token_file(&self) -> PathBuf {
        self.state_folder().join("admin-token")
    }

    /// Where carrier's own certificate for HTTPS is kept.
    pub(crate) fn self_signed_file(&self) -> PathBuf {
        self.state_folder().join("self-signed.pem")
    }

    /// Where the photo booth keeps pictures, unless a folder is named.
    pub(crate) fn data_folder(&self) -> PathBuf {
        let data = self.base.as_ref().map(BaseStrategy::data_dir);
        data.unwrap_or_else(|| PathBuf::from(".")).join("carrier")
    }

    fn state_folder(&self) -> PathBuf {
        let state = self.base.as_ref().and_then(BaseStrategy::state_dir);
        state.unwrap_or_else(|| PathBuf::from(".")).join("carrier")
    }
}
