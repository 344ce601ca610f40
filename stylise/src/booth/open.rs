//! A booth from its folder.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex};

use super::Settings;
use crate::bench::Bench;
use crate::error::BoothError;
use crate::follow::Followers;
use crate::inner::{Inner, ReadClocks};
use crate::metrics::BoothMetrics;
use crate::pictures::{Pictures, make_folder};
use crate::recovery::recover;
use crate::reserve::Reserve;
use crate::shared::Shared;
use crate::station_time::StationTime;
use crate::store::Store;
use crate::style::MadeBy;
use crate::stylist::Stylist;

/// Everything but the threads.
pub(super) fn open(
    settings: Settings,
    stylists: Vec<Arc<dyn Stylist>>,
    metrics: BoothMetrics,
    read_clocks: ReadClocks,
) -> Result<Shared, BoothError> {
    let stylists = one_of_each(stylists);
    let kinds: Vec<MadeBy> = stylists.iter().map(|stylist| stylist.made_by()).collect();
    make_folder(&settings.folder)?;
    let lock = lock(&settings.folder)?;
    let pictures = Pictures::open(&settings.folder.join("pictures"))?;
    let store = Store::open(&settings.folder.join("booth.sqlite3"))?;
    let kept = store.mark()?;
    let reserve = Reserve::new(settings.folder.join("reserve"));
    reserve.fill();
    let mut inner = Inner {
        store,
        benches: kinds.into_iter().map(Bench::new).collect(),
        live: HashMap::new(),
        followers: Followers::default(),
        metrics: metrics.clone(),
        has_new_tickets: true,
        time: StationTime::resume(kept, read_clocks()),
        read_clocks,
        erased: HashSet::new(),
        log_is_full: false,
    };
    inner.keep_time();
    let swept = recover(&mut inner, &pictures)?;
    inner.moved();
    metrics.orphans(swept);
    if swept > 0 {
        tracing::info!(swept, "erased pictures that belonged to no job");
    }
    Ok(Shared {
        settings,
        stylists,
        pictures,
        reserve,
        metrics,
        inner: Mutex::new(inner),
        changed: Condvar::new(),
        stopping: AtomicBool::new(false),
        _lock: lock,
    })
}

fn one_of_each(stylists: Vec<Arc<dyn Stylist>>) -> Vec<Arc<dyn Stylist>> {
    let mut kept: Vec<Arc<dyn Stylist>> = Vec::new();
    for stylist in stylists {
        let made_by = stylist.made_by();
        if kept.iter().any(|other| other.made_by() == made_by) {
            tracing::error!(
                made_by = made_by.name(),
                "a second stylist of this kind is left out"
            );
        } else {
            kept.push(stylist);
        }
    }
    kept
}

/// Two programs in one folder would erase each other's pictures as orphans. The kernel gives the lock back when
/// the program ends, however it ends.
fn lock(folder: &Path) -> Result<File, BoothError> {
    let path = folder.join("lock");
    let broken = |source| BoothError::File {
        path: path.clone(),
        source,
    };
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
