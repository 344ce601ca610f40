//! The limit of open file descriptors (`RLIMIT_NOFILE`).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for every connection that is accepted; more would only make room for leaks.
const DESCRIPTORS_WANTED: u64 = 8192;

/// Raises the soft limit towards what is wanted, as far as the hard limit allows, and returns the
/// soft limit that holds now. A system that refuses keeps its limit: connections are bounded by it.
pub(crate) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = DESCRIPTORS_WANTED.min(maximum.unwrap_or(u64::MAX));
    let before = current.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    let now = if before < wanted && setrlimit(Resource::Nofile, raised).is_ok() {
        wanted
    } else {
        before
    };
    usize::try_from(now).unwrap_or(usize::MAX)
}
