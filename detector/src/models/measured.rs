//! How fast models are on this machine, remembered in the cache folder.
//!
//! A time is of one file (its SHA-256) on one device, and only comparable with others of the same processor, library
//! and program. A file that is damaged or of another version counts as empty: it is only a memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::timing::Timing;

/// So many times are kept, the newest.
const KEPT_MAX: usize = 200;

/// What a time is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeasuredOn {
    /// SHA-256 of the model's file.
    pub(crate) model: String,
    /// Where the network ran: `cpu`, `openvino:GPU`; and with how many threads.
    pub(crate) device: String,
    /// The processor, as the system names it.
    pub(crate) processor: String,
    /// The file name of ONNX Runtime's library, which has its version.
    pub(crate) runtime: String,
    /// Version and kind of this program.
    pub(crate) program: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    on: MeasuredOn,
    median_ms: f64,
    p95_ms: f64,
    runs: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    measured: Vec<Record>,
}

/// The times that were measured on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Measurements {
    /// `None`: nothing is kept.
    file: Option<PathBuf>,
}

impl Measurements {
    /// `cache_home`: `$XDG_CACHE_HOME`.
    pub(crate) fn below(cache_home: Option<&Path>) -> Self {
        let file = cache_home.map(|cache| cache.join("carrier").join("model-times.json"));
        Self { file }
    }

    pub(crate) fn of(&self, on: &MeasuredOn) -> Option<Timing> {
        let contents = self.read();
        let mut newest_first = contents.measured.iter().rev();
        let record = newest_first.find(|record| record.on == *on)?;
        Some(Timing {
            median_ms: record.median_ms,
            p95_ms: record.p95_ms,
            runs: record.runs,
        })
    }

    /// Remembers a time, in the place of an earlier one of the same.
    pub(crate) fn remember(&self, on: MeasuredOn, timing: Timing) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut contents = self.read();
        contents.measured.retain(|record| record.on != on);
        contents.measured.push(Record {
            on,
            median_ms: timing.median_ms,
            p95_ms: timing.p95_ms,
            runs: timing.runs,
        });
        let excess = contents.measured.len().saturating_sub(KEPT_MAX);
        contents.measured.drain(..excess);
        let text = serde_json::to_string_pretty(&contents).map_err(io::Error::other)?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // Renamed, so that nobody reads half of it. Of two who write at once, one time is forgotten.
        let new = file.with_extension(format!("{}.new", std::process::id()));
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, file));
        if written.is_err() {
            drop(fs::remove_file(&new));
        }
        written
    }

    fn read(&self) -> Contents {
        let text = self.file.as_ref().map(fs::read_to_string);
        let contents = text.and_then(|text| serde_json::from_str(&text.ok()?).ok());
        let mut contents: Contents = contents.unwrap_or_default();
        let is_time = |ms: f64| ms.is_finite() && ms >= 0.0;
        contents
            .measured
            .retain(|record| is_time(record.median_ms) && is_time(record.p95_ms));
        contents
    }
}

/// The name of the processor and how many cores of it may be used.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    format!("{}, {cores} threads", processor_name(&text))
}

/// The name in `/proc/cpuinfo`. Arm processors have numbers there, which do as well.
fn processor_name(cpuinfo: &str) -> String {
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
        let (_, value) = line.split_once(':')?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let part = || {
        Some(format!(
            "{} {}",
            value("CPU implementer")?,
            value("CPU part")?
        ))
    };
    let name = value("model name").or_else(part);
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(model: &str, device: &str) -> MeasuredOn {
        MeasuredOn {
            model: model.to_owned(),
            device: device.to_owned(),
            processor: "p".to_owned(),
            runtime: "r".to_owned(),
            program: "1".to_owned(),
        }
    }

    fn timing(median_ms: f64) -> Timing {
        Timing {
            median_ms,
            p95_ms: median_ms * 2.0,
            runs: 9,
        }
    }

    #[test]
    fn times_are_remembered_by_what_they_are_of() {
        let folder = std::env::temp_dir().join(format!("carrier-times-{}", std::process::id()));
        let measurements = Measurements::below(Some(&folder));
        assert_eq!(measurements.of(&on("a", "cpu")), None);
        measurements
            .remember(on("a", "cpu"), timing(5.0))
            .expect("written");
        measurements
            .remember(on("a", "gpu"), timing(2.0))
            .expect("written");
        measurements
            .remember(on("a", "cpu"), timing(6.0))
            .expect("written");
        let again = Measurements::below(Some(&folder));
        assert_eq!(again.of(&on("a", "cpu")), Some(timing(6.0)));
        assert_eq!(again.of(&on("a", "gpu")), Some(timing(2.0)));
        assert_eq!(again.of(&on("b", "cpu")), None);
        assert_eq!(again.read().measured.len(), 2);

        let file = folder.join("carrier/model-times.json");
        let there = fs::read_dir(folder.join("carrier")).expect("there").count();
        assert_eq!(there, 1, "no temporary file is left");
        for damaged in ["{", "[]", "{\"measured\": [{\"median_ms\": \"x\"}]}"] {
            fs::write(&file, damaged).expect("writable");
            assert_eq!(again.of(&on("a", "cpu")), None, "{damaged}");
        }
        again
            .remember(on("b", "cpu"), timing(1.0))
            .expect("written");
        assert_eq!(again.of(&on("b", "cpu")), Some(timing(1.0)));
        fs::remove_dir_all(&folder).expect("ours");
    }

    #[test]
    fn the_file_does_not_grow_for_ever_and_may_be_missing() {
        let folder = std::env::temp_dir().join(format!("carrier-many-{}", std::process::id()));
        let measurements = Measurements::below(Some(&folder));
        for number in 0..KEPT_MAX + 3 {
            let on = on(&number.to_string(), "cpu");
            measurements.remember(on, timing(1.0)).expect("written");
        }
        assert_eq!(measurements.read().measured.len(), KEPT_MAX);
        assert_eq!(measurements.of(&on("2", "cpu")), None);
        fs::remove_dir_all(&folder).expect("ours");
        let nowhere = Measurements::below(None);
        nowhere
            .remember(on("a", "cpu"), timing(1.0))
            .expect("nothing to do");
        assert_eq!(nowhere.of(&on("a", "cpu")), None);
    }

    #[test]
    fn processors_are_told_apart() {
        let intel = "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i5\nmodel name\t: second\n";
        assert_eq!(processor_name(intel), "Intel(R) Core(TM) i5");
        let arm = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n";
        assert_eq!(processor_name(arm), "0x41 0xd0c");
        assert_eq!(processor_name(""), std::env::consts::ARCH);
        assert!(processor().ends_with(" threads"));
    }
}
