//! The state of the machine's power: all batteries together, mains, heat, the processor's watts. Pure.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::reading::{BatteryReading, BatteryStatus, PackageEnergy, PowerReading, Temperature};

/// What [`PowerReading`] means. `None` is "unknown".
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PowerState {
    /// `None`: the machine has no battery, or does not tell of it.
    pub(crate) battery: Option<BatteryState>,
    pub(crate) mains: Option<bool>,
    pub(crate) hottest: Option<Temperature>,
    pub(crate) throttles: Option<u64>,
}

/// All batteries as one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct BatteryState {
    /// As the system calls them.
    pub(crate) names: Vec<String>,
    pub(crate) status: Option<BatteryStatus>,
    /// 0 to 1.
    pub(crate) level: Option<f64>,
    pub(crate) full_wh: Option<f64>,
    pub(crate) rate_w: Option<f64>,
    /// What is left of the capacity that it had when it was new: 0 to 1.
    pub(crate) health: Option<f64>,
    /// Of the battery with most.
    pub(crate) cycles: Option<u32>,
}

impl PowerState {
    pub(crate) fn of(reading: &PowerReading) -> Self {
        let battery = (!reading.batteries.is_empty()).then(|| together(&reading.batteries));
        let status = battery.as_ref().and_then(|battery| battery.status);
        let by_status = match status {
            Some(BatteryStatus::Discharging) => Some(false),
            Some(BatteryStatus::Charging | BatteryStatus::Full) => Some(true),
            Some(BatteryStatus::NotCharging) | None => None,
        };
        let hottest = reading
            .temperatures
            .iter()
            .max_by(|one, other| one.celsius.total_cmp(&other.celsius));
        Self {
            battery,
            mains: reading.mains.or(by_status),
            hottest: hottest.cloned(),
            throttles: reading.throttles,
        }
    }

    /// Whether the battery is being drained: without mains, or with a supply that is too weak.
    pub(crate) fn is_on_battery(&self) -> bool {
        self.battery.as_ref().is_some_and(|battery| {
            battery.status == Some(BatteryStatus::Discharging) || self.mains == Some(false)
        })
    }

    pub(crate) fn level(&self) -> Option<f64> {
        self.battery.as_ref()?.level
    }
}

impl BatteryState {
    /// As `BAT1: 80 %, discharging, 12.3 W`.
    pub(crate) fn in_words(&self) -> String {
        let level = match self.level {
            Some(level) => format!("{:.0} %", level * 100.0),
            None => "level unknown".to_owned(),
        };
        let status = self.status.map(|status| status.name().to_owned());
        let rate = self.rate_w.map(|watts| format!("{watts:.1} W"));
        let known: Vec<String> = [Some(level), status, rate].into_iter().flatten().collect();
        format!("{}: {}", self.names.join(" and "), known.join(", "))
    }
}

fn together(batteries: &[BatteryReading]) -> BatteryState {
    let has = |status| batteries.iter().any(|one| one.status == Some(status));
    let all_full = batteries
        .iter()
        .all(|one| one.status == Some(BatteryStatus::Full));
    // A laptop with two batteries drains one after the other; the other one does nothing meanwhile.
    let status = [BatteryStatus::Discharging, BatteryStatus::Charging]
        .into_iter()
        .find(|status| has(*status))
        .or_else(|| all_full.then_some(BatteryStatus::Full))
        .or_else(|| {
            let idle = has(BatteryStatus::NotCharging) || has(BatteryStatus::Full);
            idle.then_some(BatteryStatus::NotCharging)
        });
    let sum = |of: fn(&BatteryReading) -> Option<f64>| -> Option<f64> {
        batteries.iter().map(of).sum::<Option<f64>>()
    };
    let full_wh = sum(|one| one.full_wh);
    let now_wh = sum(|one| Some(one.level? * one.full_wh?));
    let levels: Vec<f64> = batteries.iter().filter_map(|one| one.level).collect();
    let mean = levels.iter().sum::<f64>() / levels.len() as f64;
    let level = now_wh
        .zip(full_wh)
        .map(|(now, full)| now / full)
        .or_else(|| (!levels.is_empty()).then_some(mean));
    let rates: Vec<f64> = batteries
        .iter()
        .filter(|one| one.status == status)
        .filter_map(|one| one.rate_w)
        .collect();
    let health = full_wh.zip(sum(|one| one.design_wh));
    BatteryState {
        names: batteries.iter().map(|one| one.name.clone()).collect(),
        status,
        level: level.map(|level| level.clamp(0.0, 1.0)),
        full_wh,
        rate_w: (!rates.is_empty()).then(|| rates.iter().sum()),
        health: health.map(|(full, design)| (full / design).min(1.0)),
        cycles: batteries.iter().filter_map(|one| one.cycles).max(),
    }
}

/// The mean watts of all processor packages between two readings of their counters.
#[derive(Debug, Default)]
pub(crate) struct PackageMeter {
    last: Option<(Instant, Vec<PackageEnergy>)>,
}

/// More than any machine's processors take.
const PACKAGES_W_MAX: f64 = 2000.0;

impl PackageMeter {
    pub(crate) fn watts(&mut self, now: Instant, counters: &[PackageEnergy]) -> Option<f64> {
        let (at, before) = self.last.replace((now, counters.to_vec()))?;
        let seconds = now.saturating_duration_since(at).as_secs_f64();
        if seconds <= 0.0 || before.len() != counters.len() || counters.is_empty() {
            return None;
        }
        let used = |(before, after): (&PackageEnergy, &PackageEnergy)| {
            // A counter that is lower than before has started again, once.
            match after.microjoules.checked_sub(before.microjoules) {
                Some(used) => used,
                None => (after.wraps_at - before.microjoules.min(after.wraps_at))
                    .saturating_add(after.microjoules),
            }
        };
        let microjoules: u64 = before.iter().zip(counters).map(used).sum();
        Some(microjoules as f64 / 1e6 / seconds).filter(|watts| *watts <= PACKAGES_W_MAX)
    }
}

/// Whether the battery lasts, or is full, in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatteryGoal {
    Empty,
    Full,
}

/// Estimates how long the battery lasts, or takes until it is full, from a rate that is smoothed.
#[derive(Debug, Default)]
pub(crate) struct TimeLeft {
    goal: Option<BatteryGoal>,
    updated_at: Option<Instant>,
    /// Levels per second, as the driver says the rate: smoothed.
    smoothed: Option<f64>,
    /// When the level was which since the goal is this one, for drivers that do not know the rate.
    began: Option<(Instant, f64)>,
}

/// The rate of the last two minutes counts about two thirds: a detector's load changes with what is seen.
const SMOOTHING: Duration = Duration::from_secs(120);
/// A rate is derived from levels after this time and change at least.
const MEASURED_FOR: Duration = Duration::from_secs(120);
const MEASURED_CHANGE: f64 = 0.01;
/// A longer time is nonsense.
const LONGEST: Duration = Duration::from_secs(72 * 3600);

impl TimeLeft {
    pub(crate) fn update(
        &mut self,
        now: Instant,
        battery: Option<&BatteryState>,
    ) -> Option<(BatteryGoal, Duration)> {
        let goal = match battery.and_then(|battery| battery.status) {
            Some(BatteryStatus::Discharging) => BatteryGoal::Empty,
            Some(BatteryStatus::Charging) => BatteryGoal::Full,
            _ => {
                *self = Self::default();
                return None;
            }
        };
        if self.goal != Some(goal) {
            *self = Self {
                goal: Some(goal),
                ..Self::default()
            };
        }
        let battery = battery?;
        let level = battery.level?;
        let (began, level_then) = *self.began.get_or_insert((now, level));
        let told = battery
            .rate_w
            .zip(battery.full_wh)
            .map(|(watts, full_wh)| watts / (full_wh * 3600.0));
        if let Some(told) = told {
            let since = self.updated_at.map(|at| now.saturating_duration_since(at));
            self.smoothed = Some(match (self.smoothed, since) {
                (Some(smoothed), Some(since)) => {
                    let weight = 1.0 - (-since.as_secs_f64() / SMOOTHING.as_secs_f64()).exp();
                    smoothed + (told - smoothed) * weight
                }
                _ => told,
            });
            self.updated_at = Some(now);
        }
        let measured = || {
            let (since, change) = (now - began, (level - level_then).abs());
            (since >= MEASURED_FOR && change >= MEASURED_CHANGE)
                .then(|| change / since.as_secs_f64())
        };
        let rate = self.smoothed.or_else(measured)?;
        let way = match goal {
            BatteryGoal::Empty => level,
            BatteryGoal::Full => 1.0 - level,
        };
        let left = Duration::try_from_secs_f64(way / rate).ok()?;
        (left <= LONGEST).then_some((goal, left))
    }
}

#[cfg(test)]
mod tests;
