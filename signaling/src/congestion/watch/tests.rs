use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_beginning_and_trouble_are_watched_closely_and_health_is_not() {
    let start = Instant::now();
    let mut watch = Watch::new(start);
    assert!(watch.is_close(start + 9 * 1000 * MS));
    let later = start + 11 * 1000 * MS;
    watch.report(later, 0.0, Some(20 * MS));
    assert!(!watch.is_close(later));
    watch.report(later, 0.03, None);
    assert!(watch.is_close(later + 9999 * MS) && !watch.is_close(later + 10_000 * MS));
    let slow = start + 60 * 1000 * MS;
    watch.report(slow, 0.0, Some(100 * MS));
    assert!(watch.is_close(slow));
    (0..20).for_each(|_| watch.report(slow, 0.0, Some(100 * MS)));
    let settled = slow + 60 * 1000 * MS;
    watch.report(settled, 0.0, Some(100 * MS));
    assert!(!watch.is_close(settled), "that is how far it is now");
}

#[test]
fn pictures_are_held_back_only_where_packets_are_lost() {
    let (mut playout, start) = (Playout::default(), Instant::now());
    playout.heed(start, 0.005, 500, 100 * MS);
    playout.heed(start, 0.5, 10, 100 * MS);
    assert_eq!(playout.delay(), Duration::ZERO, "little, or a guess");
    let mut after = Vec::new();
    for ms in (0..2000).step_by(100) {
        playout.heed(start + ms * MS, 0.05, 280, 100 * MS);
        after.push(playout.delay().as_millis());
    }
    assert_eq!(after[..4], [90, 90, 180, 180], "step by step");
    assert_eq!(after[19], 290);
    let delay = playout.delay();
    playout.heed(start + 5000 * MS, 0.05, 280, 110 * MS);
    assert_eq!(playout.delay(), delay, "no fidgeting");
    for ms in (5100..=6000).step_by(100) {
        playout.heed(start + ms * MS, 0.05, 280, 900 * MS);
    }
    assert_eq!(playout.delay(), LONGEST);
    playout.heed(start + 20_000 * MS, 0.0, 280, 20 * MS);
    assert_eq!(playout.delay(), LONGEST, "it may come again");
    playout.heed(start + 21_000 * MS, 0.0, 280, 20 * MS);
    assert_eq!(playout.delay(), Duration::ZERO);
}
