use super::*;

const MS: Duration = Duration::from_millis(1);
const ONCE: Result<u8, ResendOutcome> = Ok(1);
const TWICE: Result<u8, ResendOutcome> = Ok(2);

#[test]
fn repeats_within_a_round_trip_are_ignored_and_rounds_are_limited() {
    let (mut log, start) = (ResendLog::default(), Instant::now());
    let round_trip = Some(50 * MS);
    assert_eq!(log.request(7, 1000, start, round_trip), ONCE);
    assert_eq!(
        log.request(7, 1000, start + 39 * MS, round_trip),
        Err(ResendOutcome::Repeat)
    );
    assert_eq!(log.request(7, 1000, start + 41 * MS, round_trip), TWICE);
    assert_eq!(log.request(8, 1000, start + 41 * MS, round_trip), ONCE);
    assert_eq!(log.request(7, 1000, start + 90 * MS, round_trip), TWICE);
    assert_eq!(
        log.request(7, 1000, start + 190 * MS, round_trip),
        Err(ResendOutcome::Exhausted)
    );
}

#[test]
fn the_budget_is_a_share_of_the_media() {
    let (mut log, now) = (ResendLog::default(), Instant::now());
    let sends = (0..1000)
        .filter(|number| log.request(*number, 1024, now, None) == ONCE)
        .count();
    assert_eq!(sends, 96, "the starting credit");
    log.earn(8 * 1024);
    let more = (1000..1010)
        .map(|number| log.request(number, 1024, now, None))
        .filter(|copies| *copies == ONCE)
        .count();
    assert_eq!(more, 2);
    (0..1000).for_each(|_| log.earn(1 << 20));
    assert_eq!(log.budget_bytes, BUDGET_MOST);
}

#[test]
fn memory_is_bounded() {
    let (mut log, now) = (ResendLog::default(), Instant::now());
    (0..10_000).for_each(|number| {
        log.earn(1 << 20);
        _ = log.request(number, 10, now, None);
    });
    assert!(log.sent.len() <= REMEMBERED && log.order.len() <= REMEMBERED);
}
