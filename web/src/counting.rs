//! Counts objects in the picture and in the owner's zones: how many came in each hour, how long they stayed, and where.
//!
//! In: tracks, with the zones they are in. Out: events of long stays, metrics, and sums for each hour ([`tally`], pure),
//! which the booth's database keeps for the event. They are numbers: no picture, and no id of a track.

pub(crate) mod following;
mod seen;
mod stays;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stylise::Counts;

pub(crate) use self::seen::Place;
use self::seen::{LongStay, SeenPicture};
use self::stays::{StayChange, Stays};
use self::tally::Tally;
use crate::metrics::counting::CountingMetrics;

/// What is counted, shared by the task that counts and those who ask.
#[derive(Debug)]
pub(crate) struct Counting {
    inner: Mutex<Inner>,
    metrics: CountingMetrics,
}

#[derive(Debug, Default)]
struct Inner {
    stays: Stays,
    /// What is not in the database yet.
    tally: Tally,
}

impl Counting {
    pub(crate) fn new(metrics: CountingMetrics) -> Self {
        Self {
            inner: Mutex::default(),
            metrics,
        }
    }

    /// What is not in the database yet.
    pub(crate) fn unwritten(&self) -> Counts {
        self.lock().tally.counts()
    }

    /// Takes what is not in the database yet, to write it there.
    pub(crate) fn take(&self) -> Counts {
        self.lock().tally.take()
    }

    /// Takes back what could not be written.
    pub(crate) fn put_back(&self, counts: &Counts) {
        self.lock().tally.add(counts);
    }

    /// Counts a result of the detector. Returns the stays that have become long.
    fn count(&self, seen: SeenPicture) -> Vec<LongStay> {
        let mut inner = self.lock();
        let Inner { stays, tally } = &mut *inner;
        let seen = tally.with_few_classes(seen);
        let changes = stays.update(&seen);
        tally.add_seen(&seen, stays);
        let counts = stays.present_counts(seen.captured_at);
        let mut long = Vec::new();
        for change in changes {
            match change {
                StayChange::Entered(place) => {
                    tally.add_entry(seen.hour, &place);
                    self.metrics.entered(&place);
                }
                StayChange::Long(stay) => long.push(stay),
                StayChange::Left { zone, stayed } => self.metrics.left(&zone, stayed),
            }
        }
        self.metrics.set_present(&counts);
        long
    }

    /// Ends all stays: nothing is seen any more, or it may not be.
    fn end_stays(&self) {
        let ended = self.lock().stays.end_all();
        for (zone, stayed) in ended {
            self.metrics.left(&zone, stayed);
        }
        self.metrics.set_present(&BTreeMap::new());
    }

    /// Forgets in the metrics the zones that the owner has removed.
    fn keep_zones(&self, names: &[&str]) {
        self.metrics.keep_zones(names);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
