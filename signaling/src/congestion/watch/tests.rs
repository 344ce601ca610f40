use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_start_and_problems_are_monitored_closely() {
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
    assert!(
        !watch.is_close(settled),
        "the minimum has moved to the new path"
    );
}

#[test]
fn pictures_are_delayed_only_while_packets_are_lost() {
    let (mut playout, start) = (Playout::default(), Instant::now());
    playout.update(start, 0.005, 500, 100 * MS);
    playout.update(start, 0.5, 10, 100 * MS);
    assert_eq!(
        playout.delay(),
        Duration::ZERO,
        "little loss, or too few packets"
    );
    let mut after = Vec::new();
    for ms in (0..2000).step_by(100) {
        playout.update(start + ms * MS, 0.05, 280, 100 * MS);
        after.push(playout.delay().as_millis());
    }
    assert_eq!(after[..4], [90, 90, 180, 180], "grows in steps");
    assert_eq!(after[19], 290);
    let delay = playout.delay();
    playout.update(start + 5000 * MS, 0.05, 280, 110 * MS);
    assert_eq!(playout.delay(), delay, "a small change is ignored");
    for ms in (5100..=6000).step_by(100) {
        playout.update(start + ms * MS, 0.05, 280, 900 * MS);
    }
    assert_eq!(playout.delay(), MAX_DELAY);
    playout.update(start + 20_000 * MS, 0.0, 280, 20 * MS);
    assert_eq!(
        playout.delay(),
        MAX_DELAY,
        "kept for a while after the last loss"
    );
    playout.update(start + 21_000 * MS, 0.0, 280, 20 * MS);
    assert_eq!(playout.delay(), Duration::ZERO);
}
