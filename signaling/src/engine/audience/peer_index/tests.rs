use super::*;

const MAIN: RenditionId = RenditionId::MAIN;

#[test]
fn viewers_spread_over_the_shards_within_one_limit() {
    let peer_index = PeerIndex::new(3);
    for _ in 0..6 {
        assert!(peer_index.take_place(peer_index.emptiest(), 6));
    }
    let loads: Vec<usize> = peer_index
        .loads
        .iter()
        .map(|load| load.load(Ordering::Relaxed))
        .collect();
    assert_eq!(loads, [2, 2, 2]);
    assert!(!peer_index.take_place(Shard(0), 6), "full, whichever shard");
    peer_index.give_place_back(Shard(1));
    assert_eq!(peer_index.emptiest(), Shard(1));
    assert!(peer_index.take_place(Shard(1), 6));
}

#[test]
fn each_shard_gets_the_estimates_of_all_viewers() {
    let peer_index = PeerIndex::new(2);
    let (slow, fast) = ((MAIN, Some(300_000)), (MAIN, None));
    assert_eq!(peer_index.estimates(Shard(0), vec![slow]), [slow]);
    assert_eq!(peer_index.estimates(Shard(1), vec![fast]), [slow, fast]);
    assert_eq!(peer_index.estimates(Shard(0), Vec::new()), [fast]);
}

#[test]
fn a_closed_session_is_deleted_once_and_the_oldest_are_forgotten() {
    let mut closed = RecentlyClosed::default();
    (0..=REMEMBERED).for_each(|id| closed.add(id.to_string()));
    assert!(!closed.take("0"));
    assert!(closed.take("1"));
    assert!(!closed.take("1"));
}
