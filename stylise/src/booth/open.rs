//! Opens the booth's folder: lock, database, pictures, clocks, and recovery of unfinished jobs.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::api::BoothError;
use crate::booth::job_traces::JobTraces;
use crate::booth::shared::{BoothSettings, Shared};
use crate::booth::state::{BoothState, ReadClocks};
use crate::job::{JobEvent, State};
use crate::jobs::expiry::{ClockReading, StationTime};
use crate::jobs::files::{
    Pictures, ReservedSpace, database_file, file_error, make_folder, pictures_folder,
};
use crate::jobs::followers::Followers;
use crate::jobs::store::database::Store;
use crate::jobs::store::jobs::End;
use crate::jobs::store::row::Row;
use crate::jobs::stylist_state::StylistState;
use crate::metrics::BoothMetrics;
use crate::stylist::{MadeBy, Stylist};

/// Opens everything except the threads.
pub(super) fn open(
    settings: BoothSettings,
    stylists: Vec<Arc<dyn Stylist>>,
    metrics: BoothMetrics,
    read_clocks: ReadClocks,
) -> Result<Shared, BoothError> {
    let stylists = one_of_each(stylists);
    let stylist_states = MadeBy::ALL.map(|made_by| {
        let is_present = stylists.iter().any(|stylist| stylist.made_by() == made_by);
        StylistState::new(made_by, is_present)
    });
    make_folder(&settings.folder)?;
    let lock = lock(&settings.folder)?;
    let pictures = Pictures::open(&pictures_folder(&settings.folder))?;
    let store = Store::open(&database_file(&settings.folder))?;
    let kept = store.clock_mark()?;
    let reserve = ReservedSpace::new(settings.folder.join("reserve"));
    reserve.fill();
    let mut state = BoothState {
        store,
        stylists: stylist_states,
        running: HashMap::new(),
        followers: Followers::default(),
        metrics: metrics.clone(),
        has_orders_to_forget: true,
        time: StationTime::resume(kept, read_clocks()),
        read_clocks,
        erased_in_memory: HashSet::new(),
        log_needs_truncating: false,
        traces: JobTraces::default(),
        sharing: Arc::clone(&settings.sharing),
    };
    state.save_clock();
    let swept = recover(&mut state, &pictures)?;
    state.queue_changed();
    metrics.orphans().inc_by(swept as u64);
    if swept > 0 {
        tracing::info!(swept, "deleted pictures without a job");
    }
    Ok(Shared {
        settings,
        stylists,
        pictures,
        reserve,
        metrics,
        state: Mutex::new(state),
        changed: Condvar::new(),
        stopping: AtomicBool::new(false),
        _lock: lock,
    })
}

fn one_of_each(mut stylists: Vec<Arc<dyn Stylist>>) -> Vec<Arc<dyn Stylist>> {
    let mut seen = HashSet::new();
    stylists.retain(|stylist| {
        let is_first = seen.insert(stylist.made_by());
        if !is_first {
            let made_by = stylist.made_by().name();
            tracing::error!(made_by, "ignored a second stylist of the same kind");
        }
        is_first
    });
    stylists
}

/// Locks the folder, since two programs would erase each other's pictures as orphans. The kernel releases
/// the lock when the program ends for any reason.
pub fn lock(folder: &Path) -> Result<File, BoothError> {
    let path = folder.join("lock");
    let broken = |error| file_error(&path, error);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BoothError::InUse(folder.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(broken(error)),
    }
}

/// Queues unfinished jobs again, fails jobs whose picture is missing, and deletes pictures that belong to no
/// job. Returns the number of deleted pictures.
pub(crate) fn recover(state: &mut BoothState, pictures: &Pictures) -> Result<usize, BoothError> {
    for row in state.store.jobs()? {
        match row.state {
            State::Queued | State::Uploading | State::Running => resume(state, pictures, &row)?,
            State::Done if !is_there(pictures, row.result.as_deref()) => {
                let words =
                    "The stylised picture is not on the disk any more: please make it again.";
                state.end(row.id, row.made_by, End::ResultLost(words))?;
            }
            _ => {}
        }
    }
    // A write-ahead log that was left over still contains erased rows.
    state.store.checkpoint()?;
    let rows = state.store.jobs()?;
    let named: HashSet<String> = rows
        .into_iter()
        .flat_map(|row| [row.source, row.result])
        .flatten()
        .collect();
    pictures.sweep(&named)
}

fn resume(state: &mut BoothState, pictures: &Pictures, row: &Row) -> Result<(), BoothError> {
    let has_begun = row.state != State::Queued;
    if has_begun {
        state.store.advance(row.id, JobEvent::PutBack)?;
    }
    if !is_there(pictures, row.source.as_deref()) {
        let words = "The picture is not on the disk any more: please take it again.";
        state.end(row.id, row.made_by, End::Failed(words))?;
        return Ok(());
    }
    let now = Instant::now();
    let stylist = state.stylist_mut(row.made_by);
    if !stylist.is_present {
        let words = format!(
            "Please choose another style: {} is not used here any more.",
            row.made_by.title()
        );
        state.end(row.id, row.made_by, End::Failed(&words))?;
        return Ok(());
    }
    let owner = row.owner();
    if has_begun || row.remote.is_some() {
        stylist.resume(&owner, row.id, &row.style, now);
    } else {
        stylist.push(&owner, row.id, &row.style, now);
    }
    Ok(())
}

fn is_there(pictures: &Pictures, name: Option<&str>) -> bool {
    name.is_some_and(|name| pictures.has(name))
}

pub(crate) fn read_clocks() -> ClockReading {
    ClockReading {
        boot: boot_id().to_owned(),
        since_boot_ms: since_boot_ms(),
        unix_ms: unix_ms(),
    }
}

fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// `CLOCK_BOOTTIME`: cannot be set, and counts while the machine sleeps (clock_gettime(2)).
fn since_boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

/// Changes at each boot (random(4)). Without it, each start of the program counts as a boot.
fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        match told.trim() {
            "" => Uuid::new_v4().to_string(),
            told => told.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn clock_readings_of_one_boot_increase() {
        let (first, second) = (read_clocks(), read_clocks());
        assert!(!first.boot.is_empty());
        assert_eq!(first.boot, second.boot);
        assert!(first.since_boot_ms > 0 && second.since_boot_ms >= first.since_boot_ms);
    }
}
