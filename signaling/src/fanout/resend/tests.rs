use super::*;

const MS: Duration = Duration::from_millis(1);
const ONCE: Result<u8, ResendOutcome> = Ok(1);
const TWICE: Result<u8, ResendOutcome> = Ok(2);

#[test]
fn repeats_within_a_round_trip_are_ignored_and_rounds_are_limited() {
    let (mut log, start) = (ResendLog::default(), Instant::now());
    let answered = 40 * MS;
    assert_eq!(log.request(7, 1000, start, answered, false), ONCE);
    assert_eq!(
        log.request(7, 1000, start + 39 * MS, answered, false),
        Err(ResendOutcome::Repeat)
    );
    assert_eq!(
        log.request(7, 1000, start + 41 * MS, answered, false),
        TWICE
    );
    assert_eq!(log.request(8, 1000, start + 41 * MS, answered, false), ONCE);
    assert_eq!(
        log.request(7, 1000, start + 90 * MS, answered, false),
        TWICE
    );
    assert_eq!(
        log.request(7, 1000, start + 190 * MS, answered, false),
        Err(ResendOutcome::Exhausted)
    );
}

#[test]
fn on_a_lossy_network_the_first_answer_goes_out_twice() {
    let (mut log, start) = (ResendLog::default(), Instant::now());
    assert_eq!(log.request(7, 1000, start, 40 * MS, true), TWICE);
    assert_eq!(log.request(8, 1000, start, 40 * MS, false), ONCE);
}

#[test]
fn the_budget_is_a_share_of_the_media() {
    let (mut log, now) = (ResendLog::default(), Instant::now());
    let sends = (0..1000)
        .filter(|number| log.request(*number, 1024, now, 100 * MS, false) == ONCE)
        .count();
    assert_eq!(sends, 96, "the starting credit");
    log.earn(8 * 1024);
    let more = (1000..1010)
        .map(|number| log.request(number, 1024, now, 100 * MS, false))
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
        _ = log.request(number, 10, now, 100 * MS, false);
    });
    assert!(log.sent.len() <= REMEMBERED && log.order.len() <= REMEMBERED);
}
