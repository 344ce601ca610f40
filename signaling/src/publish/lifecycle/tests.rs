use super::*;

const S: Duration = Duration::from_secs(1);

fn failure(kind: FailureKind) -> AttemptError {
    AttemptError::new(kind, "because")
}

/// The waits of `count` consecutive failures, each retried when due.
fn waits(
    lifecycle: &mut Lifecycle,
    now: &mut Instant,
    kind: FailureKind,
    count: usize,
) -> Vec<f64> {
    let mut waits = Vec::new();
    for _ in 0..count {
        lifecycle.begin(*now);
        lifecycle.failed(*now, &failure(kind), 1.0);
        let due = lifecycle.retry_at().expect("tried again");
        waits.push((due - *now).as_secs_f64());
        *now = due;
    }
    waits
}

#[test]
fn back_off_doubles_up_to_30_s() {
    let mut now = Instant::now();
    let mut lifecycle = Lifecycle::new(now);
    let waits = waits(&mut lifecycle, &mut now, FailureKind::Unreachable, 9);
    assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    assert_eq!(lifecycle.status.state, PublishState::Waiting);
}

#[test]
fn rejections_are_retried_rarely() {
    let mut now = Instant::now();
    let mut lifecycle = Lifecycle::new(now);
    let refused = waits(&mut lifecycle, &mut now, FailureKind::Refused, 5);
    assert_eq!(refused, [60.0, 120.0, 240.0, 480.0, 900.0]);
    assert_eq!(lifecycle.status.state, PublishState::Refused);
    let after = waits(&mut lifecycle, &mut now, FailureKind::Unreachable, 1);
    assert_eq!(after, [0.5], "another class of failure resets the back-off");
}

#[test]
fn jitter_shortens_a_wait_by_up_to_half() {
    let now = Instant::now();
    let due = |spread| {
        let mut lifecycle = Lifecycle::new(now);
        lifecycle.failed(now, &failure(FailureKind::Lost), spread);
        lifecycle.retry_at().expect("tried again") - now
    };
    assert_eq!((due(0.0), due(1.0)), (FIRST_RETRY / 2, FIRST_RETRY));
    assert_eq!((due(-3.0), due(f64::MAX)), (FIRST_RETRY / 2, FIRST_RETRY));
}

#[test]
fn the_server_may_request_a_longer_wait() {
    let now = Instant::now();
    let mut lifecycle = Lifecycle::new(now);
    lifecycle.failed(now, &AttemptError::of_status(503, Some("7")), 0.5);
    assert_eq!(lifecycle.retry_at(), Some(now + 7 * S));
    assert_eq!(lifecycle.status.state, PublishState::Waiting);
}

#[test]
fn only_a_lasting_connection_resets_the_back_off() {
    let mut now = Instant::now();
    let mut lifecycle = Lifecycle::new(now);
    waits(&mut lifecycle, &mut now, FailureKind::Unreachable, 4);
    let lost_after = |lifecycle: &mut Lifecycle, now: &mut Instant, stood: Duration| {
        lifecycle.begin(*now);
        lifecycle.connected(*now);
        assert_eq!(
            (lifecycle.status.state, lifecycle.retry_at()),
            (PublishState::Live, None)
        );
        assert_eq!(lifecycle.status.reason, None);
        *now += stood;
        lifecycle.failed(*now, &failure(FailureKind::Lost), 1.0);
        lifecycle.retry_at().expect("tried again") - *now
    };
    assert_eq!(lost_after(&mut lifecycle, &mut now, S), 8 * S);
    assert_eq!(lost_after(&mut lifecycle, &mut now, 60 * S), FIRST_RETRY);
    assert_eq!(
        (lifecycle.status.since, lifecycle.status.reason.as_deref()),
        (now, Some("because"))
    );
}

#[test]
fn rejections_are_distinguished_from_overload() {
    let kind = |status| AttemptError::of_status(status, None).kind;
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
fn retry_after_is_parsed_and_bounded() {
    let after = |value| AttemptError::of_status(503, Some(value)).retry_after;
    assert_eq!(after(" 7"), Some(Duration::from_secs(7)));
    assert_eq!(after("999999999"), Some(LONGEST_RETRY_AFTER));
    assert_eq!(after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    assert_eq!(after("-1"), None);
}
