//! The `CARRIER_*` variables. Many are set by others than the owner: a compose file passes empty ones
//! on (`X: ${X:-}`), and Kubernetes sets `CARRIER_MEDIA_PORT=tcp://...` for a service `carrier-media`.

use std::ffi::OsStr;

use clap::{Arg, Command};

/// Variables whose values are addresses with a scheme.
const TAKE_URLS: [&str; 2] = ["CARRIER_SOURCE", "CARRIER_PUBLIC_URL"];

/// What a variable that the owner set says; an empty one counts as not set.
pub(crate) fn value(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    (!value.trim().is_empty()).then_some(value)
}

/// As [`value`], for a variable that takes no address with a scheme: such a one is left out.
pub(crate) fn value_without_scheme(name: &str) -> Option<String> {
    value(name).filter(|value| !value.contains("://"))
}

/// Variables that are not empty and are left out all the same: one with an address that takes none.
pub(crate) fn left_out(command: &Command) -> Vec<String> {
    let mut names: Vec<String> = command
        .get_arguments()
        .chain(command.get_subcommands().flat_map(Command::get_arguments))
        .filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned))
        .chain(["CARRIER_ANNOUNCE".to_owned()])
        .filter(|name| {
            let set = value(name);
            set.is_some_and(|value| is_foreign(name.as_ref(), value.as_ref()))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The command line without the variables that do not count. With `subcommand`, the station's own
/// options take none at all: a command that does not use them must not fail over them.
pub(crate) fn without_foreign(command: Command, subcommand: bool) -> Command {
    let own = command.mut_args(|arg| {
        if subcommand {
            no_variable(arg)
        } else {
            counted(arg)
        }
    });
    own.mut_subcommands(|sub| sub.mut_args(counted))
}

/// The command line alone.
pub(crate) fn without_any(command: Command) -> Command {
    let own = command.mut_args(no_variable);
    own.mut_subcommands(|sub| sub.mut_args(no_variable))
}

fn counted(arg: Arg) -> Arg {
    let counts = arg.get_env().is_none_or(|name| {
        let value = std::env::var_os(name);
        value.is_none_or(|value| !is_blank(&value) && !is_foreign(name, &value))
    });
    if counts { arg } else { no_variable(arg) }
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

fn is_foreign(name: &OsStr, value: &OsStr) -> bool {
    let has_scheme = value.to_str().is_some_and(|value| value.contains("://"));
    has_scheme && !TAKE_URLS.iter().any(|takes| name == *takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_in_variables_that_take_none_are_foreign() {
        let foreign = |name: &str, value: &str| is_foreign(name.as_ref(), value.as_ref());
        assert!(foreign("CARRIER_MEDIA_PORT", "tcp://10.96.0.5:8189"));
        assert!(foreign("CARRIER_LISTEN", "udp://10.96.0.5:8189"));
        assert!(!foreign("CARRIER_MEDIA_PORT", "8189"));
        assert!(!foreign("CARRIER_SOURCE", "rtsp://camera/1"));
        assert!(!foreign("CARRIER_PUBLIC_URL", "https://booth.example"));
        assert!(is_blank(" ".as_ref()) && is_blank("".as_ref()) && !is_blank("0".as_ref()));
    }
}
