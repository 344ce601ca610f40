use super::*;
use crate::power::reading::BatteryStatus;
use crate::test_folder::TestFolder;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, format!("{content}\n")).expect("writable");
    }
}

fn machine(files: &[(&str, &str)]) -> (SystemFiles, TestFolder) {
    let folder = TestFolder::new();
    write(&folder, files);
    (SystemFiles::new(folder.to_path_buf()), folder)
}

/// A Framework Laptop, with the battery of a mouse.
const FRAMEWORK: &[(&str, &str)] = &[
    ("sys/class/power_supply/BAT1/type", "Battery"),
    ("sys/class/power_supply/BAT1/present", "1"),
    ("sys/class/power_supply/BAT1/status", "Discharging"),
    ("sys/class/power_supply/BAT1/charge_now", "2400000"),
    ("sys/class/power_supply/BAT1/charge_full", "3200000"),
    ("sys/class/power_supply/BAT1/charge_full_design", "3250000"),
    ("sys/class/power_supply/BAT1/voltage_now", "15400000"),
    ("sys/class/power_supply/BAT1/current_now", "800000"),
    ("sys/class/power_supply/BAT1/cycle_count", "57"),
    ("sys/class/power_supply/ACAD/type", "Mains"),
    ("sys/class/power_supply/ACAD/online", "0"),
    ("sys/class/power_supply/hidpp_battery_0/type", "Battery"),
    ("sys/class/power_supply/hidpp_battery_0/scope", "Device"),
    ("sys/class/power_supply/hidpp_battery_0/capacity", "5"),
    ("sys/class/thermal/thermal_zone0/type", "acpitz"),
    ("sys/class/thermal/thermal_zone0/temp", "27800"),
    ("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp"),
    ("sys/class/thermal/thermal_zone1/temp", "61000"),
    ("sys/class/thermal/cooling_device0/type", "Processor"),
    ("sys/class/hwmon/hwmon2/name", "nvme"),
    ("sys/class/hwmon/hwmon2/temp1_input", "70000"),
    ("sys/class/hwmon/hwmon3/name", "coretemp"),
    ("sys/class/hwmon/hwmon3/temp1_input", "62000"),
    ("sys/class/powercap/intel-rapl:0/name", "package-0"),
    ("sys/class/powercap/intel-rapl:0/energy_uj", "123"),
    (
        "sys/class/powercap/intel-rapl:0/max_energy_range_uj",
        "262143328850",
    ),
    ("sys/class/powercap/intel-rapl:0:0/name", "core"),
    ("sys/class/powercap/intel-rapl:0:0/energy_uj", "99"),
    (
        "sys/class/powercap/intel-rapl:0:0/max_energy_range_uj",
        "262143328850",
    ),
    ("proc/acpi/button/lid/LID0/state", "state:      closed"),
];

#[test]
fn a_framework_laptop() {
    let (files, _folder) = machine(FRAMEWORK);
    let reading = files.read();
    let [battery] = &reading.batteries[..] else {
        panic!("one battery, not the mouse's: {:?}", reading.batteries);
    };
    assert_eq!(battery.name, "BAT1");
    assert_eq!(
        (battery.status, battery.cycles),
        (Some(BatteryStatus::Discharging), Some(57))
    );
    assert!(
        battery
            .rate_w
            .is_some_and(|watts| (watts - 12.32).abs() < 1e-6)
    );
    assert_eq!(reading.mains, Some(false));
    let sensors: Vec<&str> = reading
        .temperatures
        .iter()
        .map(|one| &*one.sensor)
        .collect();
    assert_eq!(sensors, ["acpitz", "x86_pkg_temp", "coretemp"]);
    assert_eq!(reading.packages.len(), 1, "{:?}", reading.packages);
    assert_eq!(files.lid_is_closed(), Some(true));
}

#[test]
fn a_thinkpad_with_two_batteries() {
    let mut listed = vec![
        ("sys/class/power_supply/AC/type".to_owned(), "Mains"),
        ("sys/class/power_supply/AC/online".to_owned(), "1"),
    ];
    for (name, status) in [("BAT0", "Charging"), ("BAT1", "Not charging")] {
        let folder = format!("sys/class/power_supply/{name}");
        for (file, content) in [
            ("type", "Battery"),
            ("status", status),
            ("energy_now", "12000000"),
            ("energy_full", "24000000"),
            ("power_now", "30000000"),
        ] {
            listed.push((format!("{folder}/{file}"), content));
        }
    }
    for (cpu, core, count) in [(0, 0, "4"), (1, 0, "4"), (2, 1, "3")] {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}");
        listed.push((format!("{folder}/topology/physical_package_id"), "0"));
        listed.push((
            format!("{folder}/topology/core_id"),
            if core == 0 { "0" } else { "1" },
        ));
        listed.push((
            format!("{folder}/thermal_throttle/core_throttle_count"),
            count,
        ));
        listed.push((
            format!("{folder}/thermal_throttle/package_throttle_count"),
            "20",
        ));
    }
    let listed: Vec<(&str, &str)> = listed
        .iter()
        .map(|(path, content)| (&**path, *content))
        .collect();
    let (files, _folder) = machine(&listed);
    let reading = files.read();
    assert_eq!((reading.batteries.len(), reading.mains), (2, Some(true)));
    assert_eq!(reading.throttles, Some(27), "each core and package once");
    assert_eq!(files.lid_is_closed(), None);
}

#[test]
fn machines_without_a_battery_are_no_error() {
    let desktop = machine(&[
        ("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp"),
        ("sys/class/thermal/thermal_zone0/temp", "45000"),
        ("sys/class/power_supply/empty/online", "1"),
    ]);
    let reading = desktop.0.read();
    assert!(reading.batteries.is_empty() && reading.mains.is_none());
    // Talos loads no module for batteries.
    let talos = machine(&[("sys/class/power_supply/.keep", "")]);
    assert_eq!(talos.0.read(), PowerReading::default());
    let nowhere = SystemFiles::new(PathBuf::from("/nowhere"));
    assert_eq!(nowhere.read(), PowerReading::default());
}

#[test]
fn files_that_lie_or_vanish_are_unknown() {
    let folder = "sys/class/power_supply/BAT0";
    let (files, root) = machine(&[
        (&format!("{folder}/type"), "Battery"),
        (&format!("{folder}/capacity"), "50"),
    ]);
    let level = || files.read().batteries.first().map(|battery| battery.level);
    assert_eq!(level(), Some(Some(0.5)));
    let capacity = root.join(folder).join("capacity");
    let long = "9".repeat(100_000);
    for content in [
        &b""[..],
        b"\0\0",
        b"\xff\xfe50",
        b"65535",
        b"-3",
        long.as_bytes(),
    ] {
        fs::write(&capacity, content).expect("writable");
        assert_eq!(
            level(),
            Some(None),
            "{:?}",
            &content[..content.len().min(8)]
        );
    }
    fs::remove_file(&capacity).expect("there");
    fs::create_dir(&capacity).expect("writable");
    assert_eq!(level(), Some(None), "a folder");
    fs::remove_dir_all(root.join(folder)).expect("there");
    assert_eq!(level(), None);
}
