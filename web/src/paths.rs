//! Where files live: the XDG folders. Containers, and services with a user made for them, may have
//! none: then nothing is kept, rather than in whatever folder the program was started in.

use std::ffi::OsString;
use std::path::PathBuf;

/// Folders of this user.
pub(crate) struct Paths {
    config: Option<PathBuf>,
    data: Option<PathBuf>,
    state: Option<PathBuf>,
}

impl Paths {
    pub(crate) fn of_user() -> Self {
        Self::from(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// Relative paths count as unset, as the XDG base directory specification has it.
    fn from(variable: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Self {
        let absolute = |path: &PathBuf| path.is_absolute();
        let home = home.filter(absolute);
        let folder = |name: &str, below_home: &str| {
            let named = variable(name).map(PathBuf::from).filter(absolute);
            let base = named.or_else(|| Some(home.as_ref()?.join(below_home)))?;
            Some(base.join("carrier"))
        };
        Self {
            config: folder("XDG_CONFIG_HOME", ".config"),
            data: folder("XDG_DATA_HOME", ".local/share"),
            state: folder("XDG_STATE_HOME", ".local/state"),
        }
    }

    /// The configuration read when none is named.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("carrier.toml"))
    }

    /// Where a generated admin token is kept.
    pub(crate) fn admin_token_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("admin-token"))
    }

    /// Where the key of viewers' cookies is kept.
    pub(crate) fn cookie_key_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("cookie-key"))
    }

    /// Where carrier's own certificate for HTTPS is kept.
    pub(crate) fn self_signed_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("self-signed.pem"))
    }

    /// Where the photo booth keeps pictures, unless a folder is named.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.data.clone()
    }
}

#[test]
fn without_a_home_there_are_only_the_folders_that_are_named() {
    let unset = |_: &str| None;
    let home = Paths::from(unset, Some(PathBuf::from("/home/me")));
    let token = PathBuf::from("/home/me/.local/state/carrier/admin-token");
    assert_eq!(home.admin_token_file(), Some(token));
    let named = |name: &str| match name {
        "XDG_STATE_HOME" => Some(OsString::from("/state")),
        _ => Some(OsString::from("not/absolute")),
    };
    for nowhere in [None, Some(PathBuf::new()), Some(PathBuf::from("."))] {
        let paths = Paths::from(unset, nowhere.clone());
        assert!(paths.admin_token_file().is_none() && paths.data_folder().is_none());
        let paths = Paths::from(named, nowhere);
        let token = PathBuf::from("/state/carrier/admin-token");
        assert_eq!(paths.admin_token_file(), Some(token));
        assert!(paths.config_file().is_none() && paths.data_folder().is_none());
    }
}
