use super::*;

const FRAME: Duration = Duration::from_millis(33);

/// Runs the gate at 30 fps; `requests(ms)` says how many requests came before that frame.
fn forced_at(duration_ms: u64, requests: impl Fn(u64) -> usize) -> Vec<u64> {
    let origin = Instant::now();
    let mut gate = KeyframeGate::default();
    gate.started(origin);
    let mut forced = Vec::new();
    let times = (0u64..)
        .map(|index| index * 33)
        .take_while(|ms| *ms < duration_ms);
    for ms in times {
        (0..requests(ms)).for_each(|_| _ = gate.request());
        let now = origin + Duration::from_millis(ms);
        if gate.is_due(now) {
            gate.made(now);
            forced.push(ms);
        }
    }
    forced
}

#[test]
fn the_first_viewer_gets_a_keyframe_at_once_and_none_follows_without_a_request() {
    assert_eq!(forced_at(10_000, |_| 0), [0]);
}

#[test]
fn a_hundred_joins_in_a_second_cost_two_keyframes() {
    assert_eq!(forced_at(1_000, |_| 4).len(), 2);
}

#[test]
fn a_request_long_after_the_last_keyframe_is_answered_by_the_next_frame() {
    assert_eq!(forced_at(4_000, |ms| usize::from(ms == 1980)), [0, 1980]);
}

#[test]
fn many_requests_are_spaced_and_an_early_one_is_delayed() {
    let forced = forced_at(5_000, |_| 1);
    assert!(
        forced.windows(2).all(|pair| pair[1] - pair[0] >= 500),
        "{forced:?}"
    );
    assert_eq!(forced_at(5_000, |ms| usize::from(ms == 99)), [0, 528]);
}

#[test]
fn a_start_comes_sooner_than_other_requests() {
    let (mut gate, now) = (KeyframeGate::default(), Instant::now());
    gate.made(now);
    assert!(gate.request() && !gate.request_start());
    assert!(!gate.request(), "requested already");
    assert_eq!(gate.due(now), Some(now + START_INTERVAL));
    gate.made(now + START_INTERVAL);
    assert_eq!(gate.due(now), None);
}

#[test]
fn an_unforced_keyframe_answers_requests_too() {
    let now = Instant::now();
    let mut gate = KeyframeGate::default();
    gate.made(now);
    assert!(gate.request());
    assert_eq!(gate.due(now + FRAME), Some(now + MIN_INTERVAL));
    gate.made(now + FRAME);
    assert_eq!(gate.due(now + FRAME), None);
}

#[test]
fn a_viewer_that_comes_back_at_once_costs_no_keyframe() {
    let now = Instant::now();
    let mut gate = KeyframeGate::default();
    gate.started(now);
    gate.made(now);
    gate.started(now + FRAME);
    assert!(
        !gate.is_due(now + MIN_INTERVAL),
        "the engine's cache serves this one"
    );
    gate.started(now + MIN_INTERVAL);
    assert!(gate.is_due(now + MIN_INTERVAL));
}

#[test]
fn a_keyframe_that_arrives_answers_the_requests_made_while_it_was_on_its_way() {
    let (mut gate, now) = (KeyframeGate::default(), Instant::now());
    assert!(gate.request());
    assert!(!gate.request(), "requested already");
    gate.made(now);
    assert!(gate.request(), "before the keyframe arrived");
    gate.arrived(u32::MAX);
    assert_eq!(gate.due(now), None);
    assert!(gate.request());
    gate.arrived(u32::MAX);
    assert!(
        gate.due(now).is_some(),
        "the same keyframe on another thread"
    );
    gate.arrived(3);
    assert_eq!(gate.due(now), None);
}

#[test]
fn a_request_stays_until_a_keyframe_is_made_or_nobody_watches() {
    let (mut gate, now) = (KeyframeGate::default(), Instant::now());
    gate.request();
    assert!(gate.is_due(now + Duration::from_secs(60)));
    gate.cancel();
    assert!(!gate.is_due(now + Duration::from_secs(60)));
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_publisher_is_asked_again_until_a_keyframe_comes_and_not_soon_after_one() {
    let (mut sender, start) = (PliSender::default(), Instant::now());
    assert!(!sender.ask(start), "no keyframe is needed");
    sender.want();
    assert!(sender.ask(start));
    sender.want();
    assert!(!sender.ask(start + 900 * MS), "sent already");
    assert!(sender.ask(start + 1000 * MS));
    assert!(!sender.ask(start + 1100 * MS));
    sender.want_anew();
    assert!(sender.ask(start + 1100 * MS), "the second one was lost");
    let came = start + 1200 * MS;
    sender.came(came);
    assert_eq!(sender.due(), None);
    sender.want();
    assert!(!sender.ask(came + 100 * MS));
    assert_eq!(sender.due(), Some(came + MIN_INTERVAL));
    assert!(sender.ask(came + MIN_INTERVAL));
}

const IN_FLIGHT: Duration = Duration::from_millis(50);

/// When PLIs that come every 100 ms are forwarded, in milliseconds. Each is answered by a keyframe.
fn forwarded(until_ms: u64) -> Vec<u64> {
    let start = Instant::now();
    let mut backoff = PliBackoff::default();
    let mut forwarded = Vec::new();
    for ms in (0..until_ms).step_by(100) {
        let now = start + Duration::from_millis(ms);
        if backoff.forward_delayed(now) || backoff.request(now, IN_FLIGHT) {
            forwarded.push(ms);
            backoff.keyframe_sent(now);
        }
    }
    forwarded
}

#[test]
fn the_first_pli_is_forwarded_at_once_and_the_wait_doubles_after_it() {
    assert_eq!(forwarded(12_000), [0, 500, 1500, 3500, 7500, 11_500]);
}

#[test]
fn a_delayed_pli_is_forwarded_unless_a_keyframe_left_meanwhile() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut backoff = PliBackoff::default();
    assert!(backoff.request(at(0), IN_FLIGHT) && !backoff.request(at(100), IN_FLIGHT));
    assert_eq!(backoff.due(), Some(at(500)));
    assert!(!backoff.forward_delayed(at(499)) && backoff.forward_delayed(at(500)));
    assert!(!backoff.request(at(600), IN_FLIGHT));
    backoff.keyframe_sent(at(700));
    assert!(
        !backoff.forward_delayed(at(9000)),
        "a keyframe left meanwhile"
    );
    assert!(
        backoff.request(at(20_000), IN_FLIGHT),
        "the back-off has reset"
    );
}

#[test]
fn a_pli_is_ignored_while_the_keyframe_cannot_have_arrived() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut backoff = PliBackoff::default();
    let slow = Duration::from_millis(450);
    assert!(backoff.request(at(0), slow));
    backoff.keyframe_sent(at(33));
    assert!(!backoff.request(at(300), slow) && !backoff.forward_delayed(at(500)));
    assert!(backoff.request(at(510), slow), "it was lost");
    backoff.keyframe_sent(at(15_000));
    assert!(!backoff.request(at(15_100), slow));
    backoff.keyframe_dropped();
    assert!(backoff.request(at(15_100), slow), "it will not arrive");
}
