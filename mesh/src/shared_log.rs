//! All records of an event: logs that grow, one writer each. Pure.
//!
//! Merging two of them is taking the longer one of each log, so that carriers that were apart for a day hold the same
//! records once they have met, in whatever order they meet.

use std::collections::BTreeMap;

use iroh::SecretKey;
use serde::{Deserialize, Serialize};

use crate::CarrierId;
use crate::record::{EventId, LogId, Record, RecordPlace, SignedRecord};

/// Records of one owner, in all of its logs.
pub const RECORDS_PER_OWNER_MAX: usize = 5000;
/// Logs of one owner: starts of the program in one event.
pub(crate) const LOGS_PER_OWNER_MAX: usize = 64;

/// How many records of each log a carrier has.
pub(crate) type Counts = BTreeMap<LogId, u32>;

/// Records of one log that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordRun {
    pub(crate) log: LogId,
    /// The number of the first one.
    pub(crate) first: u32,
    pub(crate) records: Vec<SignedRecord>,
}

/// Why records of somebody were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordsError {
    #[error("a record that its owner did not sign")]
    NotGenuine,
    #[error("more records than one carrier may have")]
    TooMany,
}

/// No further record can be written in this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this carrier has written {RECORDS_PER_OWNER_MAX} records for this event: begin a new event"
)]
pub struct LogFull;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedLog {
    event: EventId,
    logs: BTreeMap<LogId, Vec<SignedRecord>>,
}

impl SharedLog {
    pub(crate) fn new(event: EventId) -> Self {
        let logs = BTreeMap::new();
        Self { event, logs }
    }

    pub(crate) fn event(&self) -> EventId {
        self.event
    }

    /// Writes one more record of this carrier into `log`, which is its own.
    pub(crate) fn append(
        &mut self,
        record: &Record,
        log: LogId,
        key: &SecretKey,
    ) -> Result<RecordRun, LogFull> {
        if !self.has_room(log, 1) {
            return Err(LogFull);
        }
        let records = self.logs.entry(log).or_default();
        let number = u32::try_from(records.len()).map_err(|_| LogFull)?;
        let place = RecordPlace {
            event: self.event,
            log,
            number,
        };
        let signed = SignedRecord::new(record, place, key).ok_or(LogFull)?;
        records.push(signed.clone());
        Ok(RecordRun {
            log,
            first: number,
            records: vec![signed],
        })
    }

    /// Takes what is new of `run`; gives how many records that are. A run that begins after a gap gives none: its
    /// sender was told of another count, and sends again. With an error nothing of it is taken.
    pub(crate) fn accept(&mut self, run: RecordRun) -> Result<usize, RecordsError> {
        let have = self.logs.get(&run.log).map_or(0, Vec::len);
        let first = run.first as usize;
        if first > have || first.saturating_add(run.records.len()) <= have {
            return Ok(0);
        }
        let fresh: Vec<_> = run.records.into_iter().skip(have - first).collect();
        if !self.has_room(run.log, fresh.len()) {
            return Err(RecordsError::TooMany);
        }
        for (number, record) in (have..).zip(&fresh) {
            let place = RecordPlace {
                event: self.event,
                log: run.log,
                number: u32::try_from(number).map_err(|_| RecordsError::TooMany)?,
            };
            if !record.is_genuine(place) {
                return Err(RecordsError::NotGenuine);
            }
        }
        let taken = fresh.len();
        self.logs.entry(run.log).or_default().extend(fresh);
        Ok(taken)
    }

    fn has_room(&self, log: LogId, more: usize) -> bool {
        let of_owner = self.of(log.owner);
        let (mut logs, mut records) = (0, 0);
        for (_, one) in of_owner {
            logs += 1;
            records += one.len();
        }
        let is_new = !self.logs.contains_key(&log);
        logs + usize::from(is_new) <= LOGS_PER_OWNER_MAX && records + more <= RECORDS_PER_OWNER_MAX
    }

    fn of(&self, owner: CarrierId) -> impl Iterator<Item = (&LogId, &Vec<SignedRecord>)> {
        let log = |number| LogId { owner, number };
        self.logs.range(log(0)..=log(u32::MAX))
    }

    /// All records of `owner` that this version understands.
    pub(crate) fn records_of(&self, owner: CarrierId) -> impl Iterator<Item = Record> {
        let signed = self.of(owner).flat_map(|(_, records)| records);
        signed.filter_map(SignedRecord::record)
    }

    pub(crate) fn count_of(&self, owner: CarrierId) -> u32 {
        let records: usize = self.of(owner).map(|(_, records)| records.len()).sum();
        u32::try_from(records).unwrap_or(u32::MAX)
    }

    pub(crate) fn counts(&self) -> Counts {
        let count = |records: &Vec<_>| u32::try_from(records.len()).unwrap_or(u32::MAX);
        let counts = self
            .logs
            .iter()
            .map(|(log, records)| (*log, count(records)));
        counts.collect()
    }

    /// What somebody with `known` lacks, in runs of at most about `bytes_max`.
    pub(crate) fn missing(&self, known: &Counts, bytes_max: usize) -> Vec<RecordRun> {
        let mut runs = Vec::new();
        for (log, records) in &self.logs {
            let mut next = known.get(log).map_or(0, |count| *count as usize);
            while next < records.len() {
                let mut bytes = 0;
                let fits = |record: &&SignedRecord| {
                    bytes += record.bytes();
                    bytes <= bytes_max
                };
                let fitting = records[next..].iter().take_while(fits).count().max(1);
                runs.push(RecordRun {
                    log: *log,
                    first: u32::try_from(next).unwrap_or(u32::MAX),
                    records: records[next..next + fitting].to_vec(),
                });
                next += fitting;
            }
        }
        runs
    }

    /// Removes all records of `owner`.
    pub(crate) fn forget(&mut self, owner: CarrierId) {
        self.logs.retain(|log, _| log.owner != owner);
    }

    /// For the file in which it is kept.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let runs = self.missing(&Counts::new(), usize::MAX);
        postcard::to_allocvec(&(self.event, runs)).unwrap_or_default()
    }

    /// What [`encode`](Self::encode) gave. Everything is verified again; `None`: damaged, or of another event.
    pub(crate) fn decode(bytes: &[u8], event: EventId) -> Option<Self> {
        let (of, runs): (EventId, Vec<RecordRun>) = postcard::from_bytes(bytes).ok()?;
        if of != event {
            return None;
        }
        let mut shared = Self::new(event);
        for run in runs {
            shared.accept(run).ok()?;
        }
        Some(shared)
    }
}

#[cfg(test)]
mod tests;
