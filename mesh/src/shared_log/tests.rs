use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::record::{PictureHash, RecordBody};

fn event() -> EventId {
    EventId::of_name("test")
}

fn withdrawal(number: u32) -> Record {
    let picture = PictureHash::of(&number.to_le_bytes());
    Record {
        made_at_ms: number.into(),
        body: RecordBody::Withdrawal { picture },
    }
}

fn log_of(key: &SecretKey, number: u32) -> LogId {
    LogId {
        owner: key.public(),
        number,
    }
}

/// `key` has written `count` records, in two logs.
fn written(key: &SecretKey, count: u32) -> SharedLog {
    let mut shared = SharedLog::new(event());
    for number in 0..count {
        let log = log_of(key, number % 2);
        shared.append(&withdrawal(number), log, key).unwrap();
    }
    shared
}

#[test]
fn a_day_apart_merges_to_the_same_whatever_the_order() {
    let keys: Vec<_> = (0..3).map(|_| SecretKey::generate()).collect();
    let apart: Vec<_> = keys.iter().map(|key| written(key, 500)).collect();
    let mut merged: Option<SharedLog> = None;
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let bytes_max = random.random_range(200..5000);
        let mut runs: Vec<_> = apart
            .iter()
            .flat_map(|shared| shared.missing(&Counts::new(), bytes_max))
            .collect();
        let mut here = apart[random.random_range(0..3)].clone();
        // Runs after a gap are sent again, as many times as it takes.
        while here.counts().values().sum::<u32>() < 1500 {
            runs.shuffle(&mut random);
            for run in &runs {
                here.accept(run.clone()).unwrap();
            }
        }
        assert_eq!(
            merged.get_or_insert_with(|| here.clone()),
            &here,
            "seed {seed}"
        );
    }
}

#[test]
fn records_of_somebody_else_are_not_taken_and_nothing_of_the_run_is() {
    let (owner, hostile) = (SecretKey::generate(), SecretKey::generate());
    let mut here = written(&owner, 10);
    let before = here.clone();
    let mut forged = here.clone();
    let log = log_of(&owner, 0);
    let run = forged.append(&withdrawal(99), log, &hostile).unwrap();
    assert_eq!(here.accept(run), Err(RecordsError::NotGenuine));
    let mut moved = here.missing(&Counts::new(), usize::MAX).remove(0);
    moved.first = 5;
    assert_eq!(here.accept(moved), Err(RecordsError::NotGenuine));
    assert_eq!(here, before);
}

#[test]
fn a_replay_and_a_gap_change_nothing() {
    let owner = SecretKey::generate();
    let all = written(&owner, 20);
    let runs = all.missing(&Counts::new(), 400);
    let mut here = SharedLog::new(event());
    assert_eq!(here.accept(runs[1].clone()), Ok(0), "a gap");
    assert!(here.accept(runs[0].clone()).unwrap() > 0);
    assert_eq!(here.accept(runs[0].clone()), Ok(0), "a replay");
}

#[test]
fn one_carrier_cannot_fill_the_memory() {
    let owner = SecretKey::generate();
    let mut many = SharedLog::new(event());
    let logs = u32::try_from(LOGS_PER_OWNER_MAX).unwrap();
    for number in 0..logs {
        let log = log_of(&owner, number);
        many.append(&withdrawal(number), log, &owner).unwrap();
    }
    let log = log_of(&owner, logs);
    assert_eq!(many.append(&withdrawal(0), log, &owner), Err(LogFull));
    // A carrier that ignores its own limit.
    let mut other = SharedLog::new(event());
    let run = other.append(&withdrawal(0), log, &owner).unwrap();
    assert_eq!(many.accept(run), Err(RecordsError::TooMany));
}

#[test]
fn a_kept_log_is_the_same_and_a_damaged_one_is_refused() {
    let owner = SecretKey::generate();
    let shared = written(&owner, 30);
    let bytes = shared.encode();
    assert_eq!(SharedLog::decode(&bytes, event()), Some(shared));
    assert_eq!(SharedLog::decode(&bytes, EventId::of_name("other")), None);
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        if let Some(kept) = SharedLog::decode(&damaged, event()) {
            assert!(kept.count_of(owner.public()) < 30, "byte {at}");
        }
    }
}

#[test]
fn what_is_forgotten_is_gone() {
    let (one, two) = (SecretKey::generate(), SecretKey::generate());
    let mut here = written(&one, 4);
    for run in written(&two, 6).missing(&Counts::new(), 300) {
        here.accept(run).unwrap();
    }
    here.forget(two.public());
    assert_eq!(here.count_of(two.public()), 0);
    assert_eq!(here.records_of(one.public()).count(), 4);
}
