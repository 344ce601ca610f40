use super::*;

const FRAME: Duration = Duration::from_millis(33);

/// Runs the policy at 30 fps; `requests(ms)` says how many requests came before that frame.
fn forced_at(duration_ms: u64, requests: impl Fn(u64) -> usize) -> Vec<u64> {
    let origin = Instant::now();
    let mut policy = KeyframePolicy::default();
    policy.started(origin);
    let mut forced = Vec::new();
    let times = (0u64..)
        .map(|index| index * 33)
        .take_while(|ms| *ms < duration_ms);
    for ms in times {
        (0..requests(ms)).for_each(|_| policy.request());
        let now = origin + Duration::from_millis(ms);
        if policy.is_due(now) {
            policy.made(now);
            forced.push(ms);
        }
    }
    forced
}

#[test]
fn the_first_viewer_gets_one_at_once_and_no_more_follow_unasked() {
    assert_eq!(forced_at(10_000, |_| 0), [0]);
}

#[test]
fn a_hundred_joins_in_a_second_cost_two() {
    assert_eq!(forced_at(1_000, |_| 4).len(), 2);
}

#[test]
fn a_lone_request_long_after_the_last_is_served_with_the_next_frame() {
    assert_eq!(forced_at(4_000, |ms| usize::from(ms == 1980)), [0, 1980]);
}

#[test]
fn a_storm_is_spaced_and_a_request_in_between_waits_its_turn() {
    let forced = forced_at(5_000, |_| 1);
    assert!(
        forced.windows(2).all(|pair| pair[1] - pair[0] >= 500),
        "{forced:?}"
    );
    assert_eq!(forced_at(5_000, |ms| usize::from(ms == 99)), [0, 528]);
}

#[test]
fn an_unforced_keyframe_serves_the_requests_too() {
    let now = Instant::now();
    let mut policy = KeyframePolicy::default();
    policy.made(now);
    policy.request();
    assert_eq!(policy.due(now + FRAME), Some(now + MIN_INTERVAL));
    policy.made(now + FRAME);
    assert_eq!(policy.due(now + FRAME), None);
}

#[test]
fn whoever_comes_and_goes_quickly_costs_no_keyframe_each_time() {
    let now = Instant::now();
    let mut policy = KeyframePolicy::default();
    policy.started(now);
    policy.made(now);
    policy.started(now + FRAME);
    assert!(
        !policy.is_due(now + MIN_INTERVAL),
        "the engine's cache serves this one"
    );
    policy.started(now + MIN_INTERVAL);
    assert!(policy.is_due(now + MIN_INTERVAL));
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn requests_coalesce_until_the_keyframe_comes() {
    let (mut gate, start) = (KeyframeGate::default(), Instant::now());
    assert!(!gate.ask(start), "nobody wants one");
    gate.want();
    assert!(gate.ask(start));
    gate.want();
    assert!(!gate.ask(start + 10 * MS), "asked already");
    gate.came(start + 30 * MS);
    assert!(!gate.ask(start + 2000 * MS), "all were answered");
}

#[test]
fn keyframes_keep_their_distance() {
    let (mut gate, start) = (KeyframeGate::default(), Instant::now());
    gate.came(start);
    gate.want();
    assert!(!gate.ask(start + 100 * MS));
    assert_eq!(gate.due(), Some(start + SPACING));
    assert!(gate.ask(start + SPACING));
}

#[test]
fn a_keyframe_that_never_comes_is_asked_for_again() {
    let (mut gate, start) = (KeyframeGate::default(), Instant::now());
    gate.want();
    assert!(gate.ask(start));
    assert!(!gate.ask(start + 900 * MS));
    assert!(gate.ask(start + 1000 * MS));
    assert!(!gate.ask(start + 1100 * MS));
    gate.want_anew();
    assert!(gate.ask(start + 1100 * MS), "the second was lost");
    gate.cancel();
    assert_eq!(gate.due(), None);
}

const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// When pleas every 100 ms are passed on, in milliseconds.
fn passed(until_ms: u64, served: bool) -> Vec<u64> {
    let start = Instant::now();
    let mut patience = PliPatience::default();
    let mut passed = Vec::new();
    for ms in (0..until_ms).step_by(100) {
        let now = start + Duration::from_millis(ms);
        if patience.tick(now) || patience.ask(now, ON_ITS_WAY) {
            passed.push(ms);
            if served {
                patience.served(now);
            }
        }
    }
    passed
}

#[test]
fn the_first_plea_counts_at_once_and_a_stream_of_them_less_and_less() {
    assert_eq!(passed(12_000, true), [0, 500, 1500, 3500, 7500, 11_500]);
}

#[test]
fn a_plea_that_waits_is_passed_on_unless_a_keyframe_came() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut patience = PliPatience::default();
    assert!(patience.ask(at(0), ON_ITS_WAY) && !patience.ask(at(100), ON_ITS_WAY));
    assert_eq!(patience.due(), Some(at(500)));
    assert!(!patience.tick(at(499)) && patience.tick(at(500)));
    assert!(!patience.ask(at(600), ON_ITS_WAY));
    patience.served(at(700));
    assert!(!patience.tick(at(9000)), "a keyframe left meanwhile");
    assert!(patience.ask(at(20_000), ON_ITS_WAY), "forgiven");
}

#[test]
fn a_keyframe_that_cannot_have_arrived_yet_is_not_asked_for_again() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut patience = PliPatience::default();
    let slow = Duration::from_millis(450);
    assert!(patience.ask(at(0), slow));
    patience.served(at(33));
    assert!(!patience.ask(at(300), slow) && !patience.tick(at(500)));
    assert!(patience.ask(at(510), slow), "it was lost");
}
