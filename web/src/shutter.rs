//! The shutter: while it is closed, the camera is released and no output has a picture of it.
//!
//! In: decisions of a person ([`Shutter::decide`]), of SIGUSR1, and demands of the configured rules. Out: one
//! call of the effect for each change, which closes or opens the pipeline; the state file and the audit.

mod audit;
mod network;
mod rules;
mod state_file;
pub(crate) mod terminal;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::DateTime;

use self::audit::Audit;
pub(crate) use self::audit::AuditEntry;
use self::network::Networks;
pub(crate) use self::network::connected_networks;
pub(crate) use self::rules::{Cause, ShutterState};
use self::rules::{Demand, Shutter};
use self::state_file::StateFile;
use crate::config::PrivacyConfig;
use crate::config::schedule::{self, Wanted};

/// Closes (`true`) or opens the pipeline.
pub(crate) type Effect = Box<dyn Fn(&ShutterState) + Send + Sync>;

/// What the rules look at.
pub(crate) struct Surroundings {
    pub(crate) local_time: DateTime,
    pub(crate) networks: Networks,
    pub(crate) unwatched_for: Duration,
    /// The lid is closed, and the owner wants the shutter to follow it.
    pub(crate) lid_closes: bool,
}

/// The one place that changes the shutter.
pub(crate) struct ShutterKeeper {
    inner: Mutex<Inner>,
    effect: Effect,
}

struct Inner {
    shutter: Shutter,
    demands: Vec<Demand>,
    file: StateFile,
    is_kept: bool,
    audit: Audit,
}

/// The state, and whether a restart will know it.
#[derive(Debug, Clone)]
pub(crate) struct ShutterView {
    pub(crate) state: ShutterState,
    pub(crate) is_kept: bool,
}

/// Reads the state of the last run, before anything opens the camera.
pub(crate) fn state_at_start(
    config: &PrivacyConfig,
    folder: Option<&Path>,
    now_unix_ms: u64,
) -> ShutterState {
    let state = StateFile::new(folder).load(now_unix_ms);
    if config.start_closed && !state.closed {
        return ShutterState {
            reason: Some("The station starts with a closed camera.".to_owned()),
            ..ShutterState::new(true, Cause::Start, now_unix_ms)
        };
    }
    state
}

/// The state that is kept in `folder`, while no station runs or beside one. A damaged one means closed.
pub(crate) fn kept_state(folder: Option<&Path>, now_unix_ms: u64) -> ShutterState {
    StateFile::new(folder).load(now_unix_ms)
}

/// Writes the state after a restore from the folder `backup`, over `present`, to `backup`: open only if both are, and
/// adds to the audit there that `what` happened. Returns whether it is closed; `None`: it cannot be written.
pub(crate) fn restored(
    backup: &Path,
    present: &Path,
    what: &str,
    now_unix_ms: u64,
) -> Option<bool> {
    let has_state = backup.join("shutter.json").exists();
    let mut state = kept_state(Some(backup), now_unix_ms);
    let was_closed = kept_state(Some(present), now_unix_ms).closed;
    if !state.closed && (was_closed || !has_state) {
        let reason = if was_closed {
            "A backup was restored while the camera was closed."
        } else {
            "A backup without the state of the shutter was restored."
        };
        state = ShutterState {
            reason: Some(reason.to_owned()),
            ..ShutterState::new(true, Cause::StateFile, now_unix_ms)
        };
    }
    Audit::open(Some(backup)).record(AuditEntry {
        at_unix_ms: now_unix_ms,
        what: what.to_owned(),
        by: Cause::Person,
        who: Some("terminal".to_owned()),
        reason: None,
    });
    let is_written = StateFile::new(Some(backup)).save(&state);
    is_written.then_some(state.closed)
}

impl ShutterKeeper {
    /// `state` is in effect already.
    pub(crate) fn new(state: ShutterState, folder: Option<&Path>, effect: Effect) -> Self {
        let inner = Inner {
            shutter: Shutter::new(state),
            demands: Vec::new(),
            file: StateFile::new(folder),
            is_kept: folder.is_some(),
            audit: Audit::open(folder),
        };
        Self {
            inner: Mutex::new(inner),
            effect,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().shutter.state().closed
    }

    pub(crate) fn view(&self) -> ShutterView {
        self.lock().view()
    }

    /// A person or a signal closes or opens the shutter. It is in effect on return.
    pub(crate) fn decide(&self, wanted: ShutterState) -> ShutterView {
        let mut inner = self.lock();
        let demands = inner.demands.clone();
        if inner.shutter.decide(wanted, &demands) {
            self.put_into_effect(&mut inner);
        }
        inner.view()
    }

    /// Applies the configured rules.
    pub(crate) fn follow(&self, demands: Vec<Demand>, now_unix_ms: u64) {
        let mut inner = self.lock();
        inner.demands = demands;
        let demands = inner.demands.clone();
        if inner.shutter.follow(&demands, now_unix_ms) {
            self.put_into_effect(&mut inner);
        }
    }

    /// Adds another decision of the owner to the audit.
    pub(crate) fn record(&self, what: String, by: Cause, who: Option<String>) {
        self.lock().audit.record(AuditEntry {
            at_unix_ms: now_unix_ms(),
            what,
            by,
            who,
            reason: None,
        });
    }

    /// Newest first.
    pub(crate) fn audit(&self) -> Vec<AuditEntry> {
        self.lock().audit.newest().cloned().collect()
    }

    /// Closing comes before it is written, so that a slow disk delays nothing; opening after it, so that a crash
    /// in between leaves it closed.
    fn put_into_effect(&self, inner: &mut Inner) {
        let state = inner.shutter.state().clone();
        if state.closed {
            (self.effect)(&state);
        }
        inner.is_kept = inner.file.save(&state);
        let what = if state.closed {
            "shutter closed"
        } else {
            "shutter opened"
        };
        inner.audit.record(AuditEntry {
            at_unix_ms: state.since_unix_ms,
            what: what.to_owned(),
            by: state.by,
            who: state.who.clone(),
            reason: state.reason.clone(),
        });
        if !state.closed {
            (self.effect)(&state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn view(&self) -> ShutterView {
        ShutterView {
            state: self.shutter.state().clone(),
            is_kept: self.is_kept,
        }
    }
}

/// The system's time, for files and answers.
pub(crate) fn now_unix_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// For answers and events.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| at.to_string())
}

/// The rules that demand a closed shutter now.
pub(crate) fn demands(config: &PrivacyConfig, around: &Surroundings) -> Vec<Demand> {
    let demand = |rule, reason: String| Demand { rule, reason };
    let by_schedule = schedule::wanted(&config.schedule, around.local_time) == Some(Wanted::Closed);
    let by_network = config
        .needs_network()
        .then(|| network_reason(config, &around.networks));
    let idle_min = config.close_after_idle_min;
    let idle_limit = Duration::from_secs(u64::from(idle_min) * 60);
    [
        by_schedule.then(|| demand(Cause::Schedule, "The schedule says so.".to_owned())),
        by_network
            .flatten()
            .map(|reason| demand(Cause::Network, reason)),
        (idle_min > 0 && around.unwatched_for >= idle_limit).then(|| {
            let reason = format!("Nobody watched for {idle_min} minutes.");
            demand(Cause::Idle, reason)
        }),
        around
            .lid_closes
            .then(|| demand(Cause::Lid, "The lid of the machine is closed.".to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why the shutter has to be closed on these networks; an unknown network is on no list.
fn network_reason(config: &PrivacyConfig, networks: &Networks) -> Option<String> {
    let listed = |list: &[String]| networks.iter().find(|name| list.contains(name)).cloned();
    if let Some(name) = listed(&config.close_on_networks) {
        return Some(format!("The network is {name}."));
    }
    let elsewhere =
        !config.open_on_networks.is_empty() && listed(&config.open_on_networks).is_none();
    elsewhere.then(|| "The network is none of open_on_networks.".to_owned())
}

#[cfg(test)]
mod tests;
