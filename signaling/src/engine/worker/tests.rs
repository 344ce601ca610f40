use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn only_time_that_was_not_waited_for_is_a_pause() {
    let start = Instant::now();
    let mut pause = OwnPause::new(start);
    assert_eq!(pause.check(start + 900 * MS, Duration::ZERO), None);
    assert_eq!(pause.check(start + 2000 * MS, 1000 * MS), None);
    assert_eq!(
        pause.check(start + 12_000 * MS, 1000 * MS),
        Some(10_000 * MS)
    );
    assert_eq!(pause.check(start + 12_010 * MS, Duration::ZERO), None);
    assert_eq!(
        pause.check(start + 14_000 * MS, Duration::ZERO),
        Some(1990 * MS)
    );
}
