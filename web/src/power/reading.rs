//! What the machine's files say about power. Pure: their text goes in, plausible values come out. A value that is
//! missing or cannot be true is `None`: drivers report 0 W, 65535 or a capacity of 120 for "unknown".

use schemars::JsonSchema;
use serde::Serialize;

/// More than any laptop's battery delivers or takes.
const BATTERY_W_MAX: f64 = 500.0;
/// Below this no battery of a running laptop is drained: the driver does not know the rate.
const BATTERY_W_MIN: f64 = 0.05;
const BATTERY_WH_MAX: f64 = 2000.0;
const CYCLES_MAX: i64 = 20_000;
/// A worn battery that was calibrated badly shows more than 100 %; beyond this the value is nonsense.
const CAPACITY_PERCENT_MAX: i64 = 125;
const CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=125.0;
/// "Unknown" of smart batteries (16 bits) and of ACPI (32 bits), as such and in thousandths of the unit.
const UNKNOWN: [i64; 4] = [65_535, 65_535_000, 4_294_967_295, 4_294_967_295_000];

/// Everything that was read at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PowerReading {
    pub(crate) batteries: Vec<BatteryReading>,
    /// Whether a power supply is connected; `None`: no file says.
    pub(crate) mains: Option<bool>,
    pub(crate) temperatures: Vec<Temperature>,
    /// How often the processor was slowed down because of heat since the machine started.
    pub(crate) throttles: Option<u64>,
    /// One for each processor package.
    pub(crate) packages: Vec<PackageEnergy>,
}

/// One battery.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct BatteryReading {
    pub(crate) name: String,
    pub(crate) status: Option<BatteryStatus>,
    /// 0 to 1.
    pub(crate) level: Option<f64>,
    pub(crate) full_wh: Option<f64>,
    /// As new.
    pub(crate) design_wh: Option<f64>,
    /// In or out, by the status.
    pub(crate) rate_w: Option<f64>,
    pub(crate) cycles: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatteryStatus {
    Charging,
    Discharging,
    Full,
    NotCharging,
}

impl BatteryStatus {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "Charging" => Some(Self::Charging),
            "Discharging" => Some(Self::Discharging),
            "Full" => Some(Self::Full),
            "Not charging" => Some(Self::NotCharging),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Charging => "charging",
            Self::Discharging => "discharging",
            Self::Full => "full",
            Self::NotCharging => "not charging",
        }
    }
}

/// A sensor and what it shows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Temperature {
    pub(crate) sensor: String,
    pub(crate) celsius: f64,
}

/// A counter of energy that starts again at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackageEnergy {
    pub(crate) microjoules: u64,
    pub(crate) wraps_at: u64,
}

/// A whole number; signs of "unknown" are none.
pub(crate) fn number(text: &str) -> Option<i64> {
    let value: i64 = text.trim().parse().ok()?;
    (!UNKNOWN.contains(&value)).then_some(value)
}

/// A number of millionths of a unit, in that unit, if it is above 0 and at most `most`.
fn millionths(value: Option<i64>, most: f64) -> Option<f64> {
    let units = value? as f64 / 1e6;
    (units > 0.0 && units <= most).then_some(units)
}

/// A battery, by a function that reads one of its files. Capacities are energies (`energy_*`, in uWh) or charges
/// (`charge_*`, in uAh).
pub(crate) fn battery(name: &str, file: impl Fn(&str) -> Option<String>) -> BatteryReading {
    let value = |of: &str| number(&file(of)?);
    let volts = ["voltage_now", "voltage_min_design"]
        .iter()
        .find_map(|of| millionths(value(of), 1000.0));
    let amount = |of: &str| value(of).filter(|amount| *amount >= 0);
    let watt_hours = |of: &str| {
        let energy = millionths(amount(&format!("energy_{of}")), BATTERY_WH_MAX);
        energy.or_else(|| {
            let ampere_hours = millionths(amount(&format!("charge_{of}")), BATTERY_WH_MAX)?;
            Some(ampere_hours * volts?).filter(|wh| *wh <= BATTERY_WH_MAX)
        })
    };
    let by_amount = ["energy", "charge"].iter().find_map(|unit| {
        let now = amount(&format!("{unit}_now"))?;
        let full = amount(&format!("{unit}_full")).filter(|full| *full > 0)?;
        Some((now as f64 / full as f64).min(1.0))
    });
    let by_capacity = value("capacity")
        .filter(|percent| (0..=CAPACITY_PERCENT_MAX).contains(percent))
        .map(|percent| (percent as f64 / 100.0).min(1.0));
    // No battery of a running laptop is quite empty: the driver does not know.
    let level = by_amount.filter(|level| *level > 0.0);
    // Some drivers give the rate a sign.
    let of_power = millionths(value("power_now").map(i64::saturating_abs), BATTERY_W_MAX);
    let of_current = || {
        let amperes = millionths(value("current_now").map(i64::saturating_abs), 1000.0)?;
        Some(amperes * volts?)
    };
    BatteryReading {
        name: name.to_owned(),
        status: file("status").and_then(|name| BatteryStatus::from_name(name.trim())),
        level: level.or(by_capacity).or(by_amount),
        full_wh: watt_hours("full"),
        design_wh: watt_hours("full_design"),
        rate_w: of_power
            .or_else(of_current)
            .filter(|watts| (BATTERY_W_MIN..=BATTERY_W_MAX).contains(watts)),
        cycles: value("cycle_count")
            .filter(|cycles| (1..=CYCLES_MAX).contains(cycles))
            .and_then(|cycles| u32::try_from(cycles).ok()),
    }
}

/// A sensor that shows thousandths of a degree.
pub(crate) fn temperature(sensor: &str, text: &str) -> Option<Temperature> {
    let celsius = number(text)? as f64 / 1000.0;
    let sensor = sensor.trim().to_owned();
    (CELSIUS.contains(&celsius) && !sensor.is_empty()).then_some(Temperature { sensor, celsius })
}

/// A counter of `intel-rapl` and where it starts again.
pub(crate) fn package_energy(counter: &str, range: &str) -> Option<PackageEnergy> {
    let microjoules = counter.trim().parse().ok()?;
    let wraps_at = range.trim().parse().ok()?;
    (microjoules <= wraps_at && wraps_at > 0).then_some(PackageEnergy {
        microjoules,
        wraps_at,
    })
}

/// The state of a lid: `state:      closed`.
pub(crate) fn lid_is_closed(text: &str) -> Option<bool> {
    match text.split_whitespace().last()? {
        "closed" => Some(true),
        "open" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
