use super::*;

const S: Duration = Duration::from_secs(1);

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "because")
}

/// The waits of `count` failures in a row, each tried again when due.
fn waits(course: &mut Course, now: &mut Instant, kind: FailureKind, count: usize) -> Vec<f64> {
    let mut waits = Vec::new();
    for _ in 0..count {
        course.begin(*now);
        course.failed(*now, &failure(kind), 1.0);
        let due = course.retry_at().expect("tried again");
        waits.push((due - *now).as_secs_f64());
        *now = due;
    }
    waits
}

#[test]
fn waits_double_up_to_half_a_minute() {
    let mut now = Instant::now();
    let mut course = Course::new(now);
    let waits = waits(&mut course, &mut now, FailureKind::Unreachable, 9);
    assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    assert_eq!(course.state, PublishState::Waiting);
}

#[test]
fn a_refusal_is_not_hammered() {
    let mut now = Instant::now();
    let mut course = Course::new(now);
    let refused = waits(&mut course, &mut now, FailureKind::Refused, 5);
    assert_eq!(refused, [60.0, 120.0, 240.0, 480.0, 900.0]);
    assert_eq!(course.state, PublishState::Refused);
    let after = waits(&mut course, &mut now, FailureKind::Unreachable, 1);
    assert_eq!(after, [0.5], "another sort of failure counts anew");
}

#[test]
fn the_spread_takes_off_up_to_half() {
    let now = Instant::now();
    let due = |spread| {
        let mut course = Course::new(now);
        course.failed(now, &failure(FailureKind::Lost), spread);
        course.retry_at().expect("tried again") - now
    };
    assert_eq!((due(0.0), due(1.0)), (FIRST_RETRY / 2, FIRST_RETRY));
    assert_eq!((due(-3.0), due(f64::MAX)), (FIRST_RETRY / 2, FIRST_RETRY));
}

#[test]
fn the_server_may_ask_for_a_longer_wait() {
    let now = Instant::now();
    let mut course = Course::new(now);
    course.failed(now, &Failure::of_status(503, Some("7")), 0.5);
    assert_eq!(course.retry_at(), Some(now + 7 * S));
    assert_eq!(course.state, PublishState::Waiting);
}

#[test]
fn only_a_connection_that_stood_a_while_forgives() {
    let mut now = Instant::now();
    let mut course = Course::new(now);
    waits(&mut course, &mut now, FailureKind::Unreachable, 4);
    let lost_after = |course: &mut Course, now: &mut Instant, stood: Duration| {
        course.begin(*now);
        course.connected(*now);
        assert_eq!(
            (course.state, course.retry_at()),
            (PublishState::Live, None)
        );
        assert_eq!(course.reason, None);
        *now += stood;
        course.failed(*now, &failure(FailureKind::Lost), 1.0);
        course.retry_at().expect("tried again") - *now
    };
    assert_eq!(lost_after(&mut course, &mut now, S), 8 * S);
    assert_eq!(lost_after(&mut course, &mut now, 60 * S), FIRST_RETRY);
    assert_eq!(
        (course.since, course.reason.as_deref()),
        (now, Some("because"))
    );
}

#[test]
fn a_no_is_told_from_a_not_now() {
    let kind = |status| Failure::of_status(status, None).kind;
    for status in [400, 401, 403, 404, 405, 415, 422] {
        assert_eq!(kind(status), FailureKind::Refused, "{status}");
    }
    for status in [409, 429, 503] {
        assert_eq!(kind(status), FailureKind::Busy, "{status}");
    }
    assert_eq!(kind(502), FailureKind::ServerError);
    assert_eq!(kind(200), FailureKind::BadAnswer);
}

#[test]
fn retry_after_is_read_and_bounded() {
    let after = |value| Failure::of_status(503, Some(value)).retry_after;
    assert_eq!(after(" 7"), Some(Duration::from_secs(7)));
    assert_eq!(after("999999999"), Some(LONGEST_RETRY_AFTER));
    assert_eq!(after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    assert_eq!(after("-1"), None);
}
