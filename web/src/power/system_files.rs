//! Reads `/sys` and `/proc` for [`PowerReading`], below a root that tests and containers choose. A file that is missing,
//! forbidden or gone in mid-read is one that says nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::reading::{
    BatteryReading, PackageEnergy, PowerReading, Temperature, battery, lid_is_closed, number,
    package_energy, temperature,
};

/// No file of interest is longer.
const FILE_BYTES_MAX: u64 = 256;
/// Sensors of processors; those of disks and network cards are hotter without harm.
const PROCESSOR_SENSORS: [&str; 4] = ["coretemp", "k10temp", "zenpower", "cpu_thermal"];

#[derive(Debug, Clone)]
pub(crate) struct SystemFiles {
    root: PathBuf,
}

impl SystemFiles {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Takes a few milliseconds: some values are asked of the machine's firmware.
    pub(crate) fn read(&self) -> PowerReading {
        let (batteries, mains) = self.supplies();
        PowerReading {
            batteries,
            mains,
            temperatures: self.temperatures(),
            throttles: self.throttles(),
            packages: self.packages(),
        }
    }

    /// `None`: there is no lid, or no file says.
    pub(crate) fn lid_is_closed(&self) -> Option<bool> {
        let lids = self.folders("proc/acpi/button/lid", "");
        lids.iter()
            .find_map(|lid| lid_is_closed(&text(&lid.join("state"))?))
    }

    fn supplies(&self) -> (Vec<BatteryReading>, Option<bool>) {
        let (mut batteries, mut mains) = (Vec::new(), None);
        for folder in self.folders("sys/class/power_supply", "") {
            let file = |of: &str| text(&folder.join(of));
            // The battery of a mouse, or what charges it.
            if file("scope").is_some_and(|scope| scope.trim() == "Device") {
                continue;
            }
            match file("type").unwrap_or_default().trim() {
                "Battery" if file("present").and_then(|text| number(&text)) != Some(0) => {
                    batteries.push(battery(&name(&folder), file));
                }
                "Mains" | "USB" => {
                    let online = file("online").and_then(|text| number(&text));
                    if let Some(online) = online.filter(|online| (0..=2).contains(online)) {
                        mains = Some(online > 0 || mains == Some(true));
                    }
                }
                _ => {}
            }
        }
        (batteries, mains)
    }

    fn temperatures(&self) -> Vec<Temperature> {
        let zones = self.folders("sys/class/thermal", "thermal_zone");
        let zones = zones
            .iter()
            .filter_map(|zone| temperature(&text(&zone.join("type"))?, &text(&zone.join("temp"))?));
        let chips = self.folders("sys/class/hwmon", "hwmon");
        let chips = chips.iter().filter_map(|chip| {
            let name = text(&chip.join("name"))?;
            let is_processor = PROCESSOR_SENSORS.contains(&name.trim());
            let shown = text(&chip.join("temp1_input")).filter(|_| is_processor)?;
            temperature(&name, &shown)
        });
        zones.chain(chips).collect()
    }

    /// Threads of a core have its counter, and cores that of their package.
    fn throttles(&self) -> Option<u64> {
        let mut highest = BTreeMap::new();
        for cpu in self.folders("sys/devices/system/cpu", "cpu") {
            let topology = |of: &str| text(&cpu.join("topology").join(of)).unwrap_or_default();
            let package = topology("physical_package_id").trim().to_owned();
            let core = topology("core_id").trim().to_owned();
            let counters = [
                ("core_throttle_count", (package.clone(), Some(core))),
                ("package_throttle_count", (package, None)),
            ];
            for (file, of) in counters {
                let shown = text(&cpu.join("thermal_throttle").join(file));
                if let Some(count) = shown.and_then(|text| text.trim().parse::<u64>().ok()) {
                    let most: &mut u64 = highest.entry(of).or_default();
                    *most = count.max(*most);
                }
            }
        }
        let counts = highest.values().copied();
        counts.reduce(u64::saturating_add)
    }

    /// Readable for root alone on most machines.
    fn packages(&self) -> Vec<PackageEnergy> {
        let zones = self.folders("sys/class/powercap", "intel-rapl:");
        let energy = |zone: &PathBuf| {
            let file = |of: &str| text(&zone.join(of));
            let is_package = file("name")?.starts_with("package");
            let counter = file("energy_uj").filter(|_| is_package)?;
            package_energy(&counter, &file("max_energy_range_uj")?)
        };
        zones.iter().filter_map(energy).collect()
    }

    /// What lies in a folder and begins so, by name.
    fn folders(&self, below_root: &str, start: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(below_root));
        let mut paths: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| name(path).starts_with(start))
            .collect();
        paths.sort();
        paths
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
