//! Chooses the profile: by the owner, or by mains, level and heat, with hysteresis. Pure.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::profile::{PowerProfile, ProfileChoice};
use super::state::PowerState;

/// What demands a lower profile has to stand for so long: a battery may say 0 % once.
const LOWER_AFTER: Duration = Duration::from_secs(10);
/// The same for a higher one: a plug that is loose must not change the picture each time.
const RAISE_AFTER: Duration = Duration::from_secs(60);
/// The saving profile is left only so far above the level at which it began.
const LEVEL_HYSTERESIS: f64 = 0.05;
/// Heat is over when the hottest sensor is so far below the limit, and has been for so long.
const HEAT_HYSTERESIS_C: f64 = 10.0;
const HEAT_HOLD: Duration = Duration::from_secs(120);
/// A processor slows down for moments without harm; in so many readings in a row it is heat.
const THROTTLED_READINGS: u32 = 3;

/// What the owner wants, and where the automatic choice changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PowerRules {
    pub(crate) choice: ProfileChoice,
    /// 0 to 1: on battery, the saving profile begins below.
    pub(crate) saver_below: f64,
    /// A sensor at this temperature means heat.
    pub(crate) hot_celsius: f64,
    /// 0 to 1: on battery, the owner is told below.
    pub(crate) low_below: f64,
}

/// Why the profile is the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProfileReason {
    /// The owner chose it.
    Chosen,
    NoBattery,
    Mains,
    Battery,
    LowLevel,
    Heat,
}

impl ProfileReason {
    /// For the log.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Chosen => "the owner chose it",
            Self::NoBattery => "the machine has no battery",
            Self::Mains => "the machine is on mains",
            Self::Battery => "the machine is on battery",
            Self::LowLevel => "the battery's level is low",
            Self::Heat => "the processor is hot",
        }
    }
}

/// The present profile, and what is about to change it.
#[derive(Debug, Default)]
pub(crate) struct ProfileSelection {
    present: Option<(PowerProfile, ProfileReason)>,
    was_chosen: bool,
    /// Another profile that is demanded, and since when it, or one further in its direction, is.
    pending: Option<(PowerProfile, Instant)>,
    heat: Heat,
}

#[derive(Debug, Default)]
struct Heat {
    until: Option<Instant>,
    throttles: Option<u64>,
    throttled_readings: u32,
}

impl ProfileSelection {
    /// To be called once for each reading.
    pub(crate) fn note_heat(&mut self, now: Instant, state: &PowerState, rules: &PowerRules) {
        self.heat.update(now, state, rules);
    }

    pub(crate) fn select(
        &mut self,
        now: Instant,
        state: &PowerState,
        rules: &PowerRules,
    ) -> (PowerProfile, ProfileReason) {
        if let Some(profile) = rules.choice.fixed() {
            self.was_chosen = true;
            return self.become_now((profile, ProfileReason::Chosen));
        }
        let is_saving = self
            .present
            .is_some_and(|(profile, _)| profile == PowerProfile::Saver);
        let wanted = wanted(state, rules, self.heat.until.is_some(), is_saving);
        let Some((present, reason)) = self.present.filter(|_| !self.was_chosen) else {
            self.was_chosen = false;
            return self.become_now(wanted);
        };
        if wanted.0 == present {
            return self.become_now(wanted);
        }
        let is_same_direction = |pending: PowerProfile| (pending < present) == (wanted.0 < present);
        let since = match self.pending {
            Some((pending, since)) if is_same_direction(pending) => since,
            _ => now,
        };
        self.pending = Some((wanted.0, since));
        let hold = if wanted.0 < present {
            LOWER_AFTER
        } else {
            RAISE_AFTER
        };
        if now.saturating_duration_since(since) >= hold {
            return self.become_now(wanted);
        }
        (present, reason)
    }

    fn become_now(&mut self, next: (PowerProfile, ProfileReason)) -> (PowerProfile, ProfileReason) {
        self.pending = None;
        self.present = Some(next);
        next
    }
}

fn wanted(
    state: &PowerState,
    rules: &PowerRules,
    is_hot: bool,
    is_saving: bool,
) -> (PowerProfile, ProfileReason) {
    if state.battery.is_none() {
        return (PowerProfile::Full, ProfileReason::NoBattery);
    }
    if state.is_on_battery() {
        let margin = if is_saving { LEVEL_HYSTERESIS } else { 0.0 };
        let least = rules.saver_below + margin;
        if state.level().is_some_and(|level| level < least) {
            return (PowerProfile::Saver, ProfileReason::LowLevel);
        }
        return (PowerProfile::Balanced, ProfileReason::Battery);
    }
    if is_hot {
        return (PowerProfile::Balanced, ProfileReason::Heat);
    }
    (PowerProfile::Full, ProfileReason::Mains)
}

impl Heat {
    fn update(&mut self, now: Instant, state: &PowerState, rules: &PowerRules) {
        let before = std::mem::replace(&mut self.throttles, state.throttles);
        let is_throttled = before
            .zip(state.throttles)
            .is_some_and(|(before, after)| after > before);
        self.throttled_readings = if is_throttled {
            self.throttled_readings.saturating_add(1)
        } else {
            0
        };
        let limit = match self.until {
            Some(_) => rules.hot_celsius - HEAT_HYSTERESIS_C,
            None => rules.hot_celsius,
        };
        let is_hot = state
            .hottest
            .as_ref()
            .is_some_and(|hottest| hottest.celsius >= limit);
        if is_hot || self.throttled_readings >= THROTTLED_READINGS {
            self.until = Some(now + HEAT_HOLD);
        } else if self.until.is_some_and(|until| until <= now) {
            self.until = None;
        }
    }
}

#[cfg(test)]
mod tests;
