//! The machine's power: what its files say of batteries, mains and heat, the profile that follows from it, and
//! suspensions.
//!
//! In: files below `/sys` and `/proc` ([`system_files`]), `[power]`. Out: [`PowerView`] for pages, metrics and events;
//! [`ProfileSettings`] for the stages. [`following`] puts a change into effect.

mod auto;
mod effects;
mod following;
mod metrics;
mod profile;
mod reading;
mod state;
mod suspend;
mod system_files;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use capture::CaptureLimit;

use self::auto::ProfileSelection;
pub(crate) use self::auto::{PowerRules, ProfileReason};
pub(crate) use self::effects::PowerEffects;
pub(crate) use self::following::follow_power;
#[cfg(debug_assertions)]
pub(crate) use self::following::inject_suspension;
pub(crate) use self::metrics::PowerCollector;
pub(crate) use self::profile::{PowerProfile, ProfileChoice, ProfileSettings};
pub(crate) use self::reading::{BatteryStatus, Temperature};
pub(crate) use self::state::{BatteryGoal, BatteryState, PowerState};
use self::state::{PackageMeter, TimeLeft};
pub(crate) use self::system_files::SystemFiles;

/// Batteries and temperatures change in minutes.
const READ_EVERY: Duration = Duration::from_secs(5);
/// A low battery counts as such until its level is so far above the limit.
const LOW_HYSTERESIS: f64 = 0.03;

/// What is known of the machine's power, and the profile. Clones are cheap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PowerView {
    pub(crate) state: Arc<PowerState>,
    /// Until the battery is empty or full.
    pub(crate) left: Option<(BatteryGoal, Duration)>,
    /// Of the processor packages, without screen and USB.
    pub(crate) packages_w: Option<f64>,
    pub(crate) choice: ProfileChoice,
    pub(crate) profile: PowerProfile,
    pub(crate) reason: ProfileReason,
    /// The battery is being drained and will be empty soon.
    pub(crate) is_low: bool,
    /// How often the machine was suspended since the program started.
    pub(crate) suspensions: u64,
}

/// Reads the machine's files and keeps what they said last.
#[derive(Debug)]
pub(crate) struct Power {
    files: SystemFiles,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    read_at: Option<Instant>,
    packages: PackageMeter,
    time_left: TimeLeft,
    selection: ProfileSelection,
    /// The last reading had a level below the limit.
    was_below: bool,
    view: PowerView,
}

impl Power {
    /// Reads the files once, so that the profile is known before anything is opened.
    pub(crate) fn new(files: SystemFiles, now: Instant, rules: &PowerRules) -> Self {
        let view = PowerView {
            state: Arc::default(),
            left: None,
            packages_w: None,
            choice: rules.choice,
            profile: PowerProfile::Full,
            reason: ProfileReason::NoBattery,
            is_low: false,
            suspensions: 0,
        };
        let power = Self {
            files,
            inner: Mutex::new(Inner {
                read_at: None,
                packages: PackageMeter::default(),
                time_left: TimeLeft::default(),
                selection: ProfileSelection::default(),
                was_below: false,
                view,
            }),
        };
        power.read(now, rules);
        power.select(now, rules);
        power
    }

    pub(crate) fn view(&self) -> PowerView {
        self.lock().view.clone()
    }

    /// What the present profile allows. Cheap enough to be asked for each picture.
    pub(crate) fn profile_settings(&self) -> ProfileSettings {
        self.lock().view.profile.settings()
    }

    pub(crate) fn capture_limit(&self) -> CaptureLimit {
        self.profile_settings().capture
    }

    /// `None`: there is no lid, or it is unknown.
    pub(crate) fn lid_is_closed(&self) -> Option<bool> {
        self.files.lid_is_closed()
    }

    fn is_due(&self, now: Instant) -> bool {
        let read_at = self.lock().read_at;
        read_at.is_none_or(|at| now.saturating_duration_since(at) >= READ_EVERY)
    }

    /// Blocks while the machine's firmware answers.
    fn read(&self, now: Instant, rules: &PowerRules) {
        // Not under the lock, which threads of the pipeline take.
        let reading = self.files.read();
        let mut inner = self.lock();
        let inner = &mut *inner;
        let is_first = inner.read_at.replace(now).is_none();
        let state = PowerState::of(&reading);
        inner.selection.note_heat(now, &state, rules);
        inner.view.packages_w = inner.packages.watts(now, &reading.packages);
        inner.view.left = inner.time_left.update(now, state.battery.as_ref());
        let margin = if inner.view.is_low {
            LOW_HYSTERESIS
        } else {
            0.0
        };
        let least = rules.low_below + margin;
        let is_below = state.is_on_battery() && state.level().is_some_and(|level| level < least);
        // A battery may say 0 % once.
        inner.view.is_low = is_below && (inner.was_below || is_first);
        inner.was_below = is_below;
        inner.view.state = Arc::new(state);
    }

    /// Chooses the profile; returns the view if the profile is another one than before.
    fn select(&self, now: Instant, rules: &PowerRules) -> Option<PowerView> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let view = &mut inner.view;
        let before = view.profile;
        view.choice = rules.choice;
        (view.profile, view.reason) = inner.selection.select(now, &view.state, rules);
        (view.profile != before).then(|| view.clone())
    }

    fn note_suspension(&self) {
        let mut inner = self.lock();
        inner.view.suspensions += 1;
        // What was known is outdated.
        inner.read_at = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
