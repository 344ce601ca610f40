use super::*;

const MAIN: RenditionId = RenditionId::MAIN;

#[test]
fn viewers_spread_over_the_shards_within_one_limit() {
    let ledger = Ledger::new(3);
    for _ in 0..6 {
        assert!(ledger.take_place(ledger.emptiest(), 6));
    }
    let loads: Vec<usize> = ledger
        .loads
        .iter()
        .map(|load| load.load(Ordering::Relaxed))
        .collect();
    assert_eq!(loads, [2, 2, 2]);
    assert!(!ledger.take_place(Shard(0), 6), "full, whichever shard");
    ledger.give_place_back(Shard(1));
    assert_eq!(ledger.emptiest(), Shard(1));
    assert!(ledger.take_place(Shard(1), 6));
}

#[test]
fn each_shard_gets_the_estimates_of_all_viewers() {
    let ledger = Ledger::new(2);
    let (slow, fast) = ((MAIN, Some(300_000)), (MAIN, None));
    assert_eq!(ledger.ceilings(Shard(0), vec![slow]), [slow]);
    assert_eq!(ledger.ceilings(Shard(1), vec![fast]), [slow, fast]);
    assert_eq!(ledger.ceilings(Shard(0), Vec::new()), [fast]);
}

#[test]
fn a_closed_session_is_deleted_once_and_the_oldest_are_forgotten() {
    let mut closed = RecentlyClosed::default();
    (0..=REMEMBERED).for_each(|id| closed.add(id.to_string()));
    assert!(!closed.take("0"));
    assert!(closed.take("1"));
    assert!(!closed.take("1"));
}
