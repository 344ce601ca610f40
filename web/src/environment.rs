//! The environment: no other file reads variables. Those of command-line options are named in `cli.rs`
//! (`env = ...`) and read by clap, under the rules below; all others are in this table:
//!
//! | variable | for |
//! |---|---|
//! | `CARRIER_ADMIN_TOKEN`, `CARRIER_VIEWER_TOKEN`, `CARRIER_WHIP_TOKEN`, `CARRIER_METRICS_TOKEN`, `CARRIER_PUBLISH_TOKEN`, `CARRIER_COMFYUI_TOKEN`, `CARRIER_WEBHOOK_SECRET`, `CARRIER_MQTT` (an address with a password) | secrets, which are no options because every user of the machine can read a command line |
//! | `CREDENTIALS_DIRECTORY` | the folder of files that have the same secrets (`environment/credentials.rs`) |
//! | `CARRIER_ANNOUNCE` | `[network] announce`, separated by commas |
//! | `CARRIER_COMFYUI` | `[stylise] comfyui` |
//! | `CARRIER_OTLP` | `[telemetry] otlp` |
//! | `CARRIER_LOG` | the filter of the log |
//! | `CARRIER_MODELS`, `CARRIER_MODELS_URL`, `CARRIER_RUNTIME`, `ORT_DYLIB_PATH` | where models and ONNX Runtime are ([`detector::Places`]) |
//! | `XDG_CONFIG_HOME`, `XDG_DATA_HOME`, `XDG_STATE_HOME`, `XDG_CACHE_HOME`, `HOME` | this user's folders |
//! | `ORT_DISABLE_TELEMETRY` | set by the program itself, for ONNX Runtime (`environment/onnx_runtime.rs`) |
//! | `WAYLAND_DISPLAY`, `DISPLAY` | whether there is a desktop session, for the screen |
//! | `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID` | systemd, read by the crate `sd-notify` |
//! | `CARRIER_SYSTEM_ROOT` | the folder below which `sys` and `proc` tell of power, where it is not `/`: of the host in a container |
//! | `CARRIER_INJECT` | the file of injected faults, in debug builds |
//!
//! A blank variable counts as unset: compose files pass them on (`X: ${X:-}`). So does a URL in a variable
//! that takes none: for a service `carrier-media`, Kubernetes sets `CARRIER_MEDIA_PORT=tcp://...`.

mod credentials;
mod onnx_runtime;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use detector::Places;

pub(crate) use credentials::CredentialError;
use credentials::Credentials;
pub(crate) use onnx_runtime::disable_telemetry;

const TAKE_URLS: [&str; 2] = ["CARRIER_SOURCE", "CARRIER_PUBLIC_URL"];
const ANNOUNCE: &str = "CARRIER_ANNOUNCE";

/// Parts of the configuration that have a variable and no command-line option.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) admin_token: Option<String>,
    pub(crate) viewer_token: Option<String>,
    pub(crate) whip_token: Option<String>,
    pub(crate) metrics_token: Option<String>,
    pub(crate) publish_token: Option<String>,
    pub(crate) comfyui: Option<String>,
    pub(crate) comfyui_token: Option<String>,
    pub(crate) webhook_secret: Option<String>,
    pub(crate) mqtt: Option<String>,
    pub(crate) otlp: Option<String>,
    pub(crate) announce: Option<Vec<String>>,
}

impl Environment {
    /// Fails if a secret is in a file that cannot be used: without its viewer token a station would be open to all.
    pub(crate) fn read() -> Result<Self, CredentialError> {
        let credentials = Credentials::in_folder(os_value("CREDENTIALS_DIRECTORY"));
        let secret = |variable| credentials.or_read(value(variable), variable);
        let announce = value(ANNOUNCE).filter(|list| !is_url(list.as_ref()));
        Ok(Self {
            admin_token: secret("CARRIER_ADMIN_TOKEN")?,
            viewer_token: secret("CARRIER_VIEWER_TOKEN")?,
            whip_token: secret("CARRIER_WHIP_TOKEN")?,
            metrics_token: secret("CARRIER_METRICS_TOKEN")?,
            publish_token: secret("CARRIER_PUBLISH_TOKEN")?,
            comfyui: value("CARRIER_COMFYUI"),
            comfyui_token: secret("CARRIER_COMFYUI_TOKEN")?,
            webhook_secret: secret("CARRIER_WEBHOOK_SECRET")?,
            mqtt: secret("CARRIER_MQTT")?,
            otlp: value("CARRIER_OTLP"),
            announce: announce.map(|list| comma_separated(&list)),
        })
    }
}

fn comma_separated(list: &str) -> Vec<String> {
    let items = list.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Where the detector looks for models and ONNX Runtime.
pub(crate) fn detector_places() -> Places {
    Places::from_lookup(os_value)
}

/// The log's filter, and the name of its variable.
pub(crate) fn log_filter() -> (Option<String>, &'static str) {
    const NAME: &str = "CARRIER_LOG";
    (value(NAME), NAME)
}

/// The desktop session that the program runs in, as its name.
pub(crate) fn desktop() -> Option<&'static str> {
    let sessions = [("WAYLAND_DISPLAY", "Wayland"), ("DISPLAY", "X11")];
    let has = |(variable, name)| os_value(variable).map(|_| name);
    sessions.into_iter().find_map(has)
}

/// The folder below which `sys` and `proc` are.
pub(crate) fn system_root() -> PathBuf {
    os_value("CARRIER_SYSTEM_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

#[cfg(debug_assertions)]
pub(crate) fn fault_injection_file() -> Option<PathBuf> {
    os_value("CARRIER_INJECT").map(PathBuf::from)
}

/// The value of a variable that is set and not blank.
pub(crate) fn value(name: &str) -> Option<String> {
    os_value(name)?.into_string().ok()
}

fn os_value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !is_blank(value))
}

/// This user's folders for carrier, as the XDG base directory specification has them. Containers, and
/// services with a user of their own, may have none: then nothing is kept.
pub(crate) struct UserFolders {
    config: Option<PathBuf>,
    data: Option<PathBuf>,
    state: Option<PathBuf>,
}

impl UserFolders {
    pub(crate) fn read() -> Self {
        Self::from(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// Relative paths count as unset, as the specification says.
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

    /// The configuration that is read if none is named.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("carrier.toml"))
    }

    /// Where the shutter's state and the audit are kept.
    pub(crate) fn state_folder(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where a generated admin token is kept.
    pub(crate) fn admin_token_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("admin-token"))
    }

    /// Where the sessions of the admin's browsers are kept.
    pub(crate) fn admin_sessions_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("admin-sessions.json"))
    }

    /// Where the key of viewers' cookies is kept.
    pub(crate) fn cookie_key_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("cookie-key"))
    }

    /// Where the self-signed certificate is kept.
    pub(crate) fn self_signed_file(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("self-signed.pem"))
    }

    /// Where the photo booth keeps pictures, unless a folder is configured.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.data.clone()
    }
}

/// Variables that are ignored because they hold a URL and take none: the owner is warned.
pub(crate) fn ignored(command: &Command) -> Vec<String> {
    let mut names: Vec<String> = command
        .get_arguments()
        .chain(command.get_subcommands().flat_map(Command::get_arguments))
        .filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned))
        .chain([ANNOUNCE.to_owned()])
        .filter(|name| value(name).is_some_and(|value| is_misplaced_url(name, value.as_ref())))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The command line without the variables that are ignored. If `has_subcommand`, the station's own options
/// take no variables at all: another command must not fail over their values.
pub(crate) fn without_ignored(command: Command, has_subcommand: bool) -> Command {
    let own = command.mut_args(|arg| {
        if has_subcommand {
            no_variable(arg)
        } else {
            accepted(arg)
        }
    });
    own.mut_subcommands(|sub| sub.mut_args(accepted))
}

/// The command line without any variable.
pub(crate) fn without_variables(command: Command) -> Command {
    let own = command.mut_args(no_variable);
    own.mut_subcommands(|sub| sub.mut_args(no_variable))
}

fn accepted(arg: Arg) -> Arg {
    let is_ignored = arg.get_env().is_some_and(|name| {
        let value = std::env::var_os(name);
        let name = name.to_string_lossy();
        value.is_some_and(|value| is_blank(&value) || is_misplaced_url(&name, &value))
    });
    if is_ignored { no_variable(arg) } else { arg }
}

fn no_variable(arg: Arg) -> Arg {
    if arg.get_env().is_none() {
        return arg;
    }
    arg.env(None::<&'static str>)
}

fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.trim().is_empty())
}

fn is_url(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.contains("://"))
}

fn is_misplaced_url(name: &str, value: &OsStr) -> bool {
    is_url(value) && !TAKE_URLS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_ignored_in_variables_that_take_none() {
        let misplaced = |name: &str, value: &str| is_misplaced_url(name, value.as_ref());
        assert!(misplaced("CARRIER_MEDIA_PORT", "tcp://10.96.0.5:8189"));
        assert!(misplaced("CARRIER_LISTEN", "udp://10.96.0.5:8189"));
        assert!(!misplaced("CARRIER_MEDIA_PORT", "8189"));
        assert!(!misplaced("CARRIER_SOURCE", "rtsp://camera/1"));
        assert!(!misplaced("CARRIER_PUBLIC_URL", "https://booth.example"));
        assert!(is_blank(" ".as_ref()) && is_blank("".as_ref()) && !is_blank("0".as_ref()));
    }

    #[test]
    fn a_comma_separated_list_may_have_blanks_and_empty_items() {
        assert_eq!(
            comma_separated(" 203.0.113.5:30189, ,host.example,"),
            ["203.0.113.5:30189", "host.example"]
        );
        assert!(comma_separated("").is_empty());
    }

    #[test]
    fn without_a_home_only_absolute_xdg_folders_are_used() {
        let unset = |_: &str| None;
        let home = UserFolders::from(unset, Some(PathBuf::from("/home/me")));
        let token = PathBuf::from("/home/me/.local/state/carrier/admin-token");
        assert_eq!(home.admin_token_file(), Some(token));
        let state_only = |name: &str| match name {
            "XDG_STATE_HOME" => Some(OsString::from("/state")),
            _ => Some(OsString::from("not/absolute")),
        };
        for no_home in [None, Some(PathBuf::new()), Some(PathBuf::from("."))] {
            let folders = UserFolders::from(unset, no_home.clone());
            assert!(folders.admin_token_file().is_none() && folders.data_folder().is_none());
            let folders = UserFolders::from(state_only, no_home);
            let token = PathBuf::from("/state/carrier/admin-token");
            assert_eq!(folders.admin_token_file(), Some(token));
            assert!(folders.config_file().is_none() && folders.data_folder().is_none());
        }
    }
}
