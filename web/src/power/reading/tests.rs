use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn of_files(files: &[(&str, &str)]) -> BatteryReading {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    battery("BAT0", |of| files.get(of).map(|text| format!("{text}\n")))
}

fn is_about(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|value| (value - wanted).abs() < 0.01)
}

#[test]
fn capacities_are_energies_or_charges() {
    let energies = of_files(&[
        ("status", "Discharging"),
        ("energy_now", "20000000"),
        ("energy_full", "40000000"),
        ("energy_full_design", "50000000"),
        ("power_now", "8500000"),
        ("cycle_count", "312"),
    ]);
    assert_eq!(energies.status, Some(BatteryStatus::Discharging));
    assert!(is_about(energies.level, 0.5) && is_about(energies.full_wh, 40.0));
    assert!(is_about(energies.rate_w, 8.5) && energies.cycles == Some(312));
    let charges = of_files(&[
        ("status", "Charging"),
        ("charge_now", "2400000"),
        ("charge_full", "3200000"),
        ("charge_full_design", "3570000"),
        ("voltage_now", "16000000"),
        ("current_now", "-500000"),
    ]);
    assert!(is_about(charges.level, 0.75) && is_about(charges.full_wh, 51.2));
    assert!(is_about(charges.design_wh, 57.12) && is_about(charges.rate_w, 8.0));
}

#[test]
fn a_driver_that_knows_only_a_part_gives_that_part() {
    let only_percent = of_files(&[("capacity", "80"), ("status", "Discharging")]);
    assert!(is_about(only_percent.level, 0.8) && only_percent.full_wh.is_none());
    let without_volts = of_files(&[("charge_now", "1000000"), ("charge_full", "2000000")]);
    assert!(is_about(without_volts.level, 0.5) && without_volts.full_wh.is_none());
    let mixed = of_files(&[("energy_now", "1000"), ("charge_full", "2000000")]);
    assert_eq!(mixed.level, None, "units are not mixed");
    assert_eq!(
        of_files(&[]),
        BatteryReading {
            name: "BAT0".to_owned(),
            ..BatteryReading::default()
        }
    );
}

#[test]
fn lies_are_unknown_or_clamped() {
    let level = |files: &[(&str, &str)]| of_files(files).level;
    assert!(is_about(level(&[("capacity", "120")]), 1.0));
    for lie in ["65535", "-5", "200", "", "\0\0", "full"] {
        assert_eq!(level(&[("capacity", lie)]), None, "{lie:?}");
    }
    let more_than_full = [("energy_now", "50000000"), ("energy_full", "40000000")];
    assert!(is_about(level(&more_than_full), 1.0));
    let empty = [
        ("energy_now", "0"),
        ("energy_full", "40000000"),
        ("capacity", "77"),
    ];
    assert!(
        is_about(level(&empty), 0.77),
        "0 means unknown where something else is known"
    );
    for lie in [
        "0",
        "65535",
        "65535000",
        "4294967295",
        "999999999999",
        "-9223372036854775808",
        "99999999999999999999",
    ] {
        let rate = of_files(&[("power_now", lie)]).rate_w;
        assert_eq!(rate, None, "{lie}");
        let cycles = of_files(&[("cycle_count", lie)]).cycles;
        assert_eq!(cycles, None, "{lie}");
    }
}

/// What drivers, broken firmware and a file system that is being removed were seen to give, and more.
const GARBAGE: [&str; 22] = [
    "",
    " ",
    "\n",
    "\0",
    "\0\0\0\0",
    "0",
    "-1",
    "1",
    "65535",
    "65535000",
    "4294967295",
    "120",
    "100",
    "37",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999999",
    "1e9",
    "nan",
    "12 W",
    "0x40",
    "Unknown",
];

/// Of a battery.
const FILES: [&str; 13] = [
    "status",
    "capacity",
    "cycle_count",
    "energy_now",
    "energy_full",
    "energy_full_design",
    "charge_now",
    "charge_full",
    "charge_full_design",
    "power_now",
    "current_now",
    "voltage_now",
    "voltage_min_design",
];

#[test]
fn nothing_that_files_contain_gives_an_impossible_value() {
    let mut random = SmallRng::seed_from_u64(15);
    for turn in 0..20_000 {
        let contents: BTreeMap<&str, String> = FILES
            .iter()
            .filter_map(|file| match random.random_range(0..4) {
                0 => None,
                1 => Some((*file, random.random::<i64>().to_string())),
                2 => Some((*file, random.random_range(0..100_000_000_i64).to_string())),
                _ => Some((
                    *file,
                    GARBAGE[random.random_range(0..GARBAGE.len())].to_owned(),
                )),
            })
            .collect();
        let reading = battery("BAT0", |of| contents.get(of).cloned());
        let ratio = reading
            .level
            .is_none_or(|level| (0.0..=1.0).contains(&level));
        let watts = reading
            .rate_w
            .is_none_or(|watts| (BATTERY_W_MIN..=BATTERY_W_MAX).contains(&watts));
        let energies = [reading.full_wh, reading.design_wh];
        let energies = energies
            .into_iter()
            .flatten()
            .all(|wh| wh > 0.0 && wh <= BATTERY_WH_MAX);
        assert!(
            ratio && watts && energies,
            "turn {turn}: {contents:?} gave {reading:?}"
        );
    }
    for text in GARBAGE {
        let celsius = temperature("zone", text).map(|shown| shown.celsius);
        assert!(
            celsius.is_none_or(|celsius| CELSIUS.contains(&celsius)),
            "{text:?}"
        );
        let energy = package_energy(text, "262143328850");
        assert!(
            energy.is_none_or(|energy| energy.microjoules <= energy.wraps_at),
            "{text:?}"
        );
        assert_eq!(
            package_energy("5", text).filter(|energy| energy.wraps_at == 0),
            None
        );
        assert_eq!(lid_is_closed(text), None, "{text:?}");
    }
}

#[test]
fn sensors_and_lids_are_read() {
    let pkg = temperature("x86_pkg_temp\n", "56000\n").expect("plausible");
    assert_eq!((pkg.sensor.as_str(), pkg.celsius), ("x86_pkg_temp", 56.0));
    for text in ["-274000", "127000", "\0"] {
        assert_eq!(temperature("x", text), None, "{text:?}");
    }
    assert_eq!(lid_is_closed("state:      closed\n"), Some(true));
    assert_eq!(lid_is_closed("state:      open\n"), Some(false));
}
