use std::time::Duration;

use super::*;

const MS: Duration = Duration::from_millis(1);
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
fn one_request_serves_all_shards_and_a_keyframe_answers_once() {
    let (ledger, start) = (Ledger::new(2), Instant::now());
    let asked = |now: Instant| ledger.keyframes_to_ask(now).count();
    ledger.want_keyframe(MAIN);
    ledger.want_keyframe(MAIN);
    assert_eq!(asked(start), 1);
    assert_eq!(asked(start + 10 * MS), 0, "asked already");
    ledger.keyframe_came(start + 30 * MS, MAIN, u32::MAX);
    assert_eq!(ledger.keyframes_due(), None);
    // A viewer of the first shard has lost it before the second has even seen it.
    ledger.want_keyframe(MAIN);
    ledger.keyframe_came(start + 31 * MS, MAIN, u32::MAX);
    assert_eq!(asked(start + 530 * MS), 1, "it is still wanted");
    ledger.keyframe_came(start + 560 * MS, MAIN, 3);
    assert_eq!(asked(start + 2000 * MS), 0);
}

#[test]
fn everybodys_ceilings_are_known_to_all() {
    let ledger = Ledger::new(2);
    let (slow, fast) = ((MAIN, Some(300_000)), (MAIN, None));
    assert_eq!(ledger.ceilings(Shard(0), vec![slow]), [slow]);
    assert_eq!(ledger.ceilings(Shard(1), vec![fast]), [slow, fast]);
    assert_eq!(ledger.ceilings(Shard(0), Vec::new()), [fast]);
}

#[test]
fn each_goodbye_is_taken_once_and_the_oldest_are_forgotten() {
    let mut goodbyes = Goodbyes::default();
    (0..=REMEMBERED).for_each(|id| goodbyes.hung_up(id.to_string()));
    assert!(!goodbyes.take("0"));
    assert!(goodbyes.take("1"));
    assert!(!goodbyes.take("1"));
}
