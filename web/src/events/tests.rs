use std::collections::BTreeMap;

use tokio::time::{Duration, timeout};

use super::event::{PowerSummary, ShutterSummary, SourceState, SourceSummary, StationSummary};
use super::*;
use crate::power::PowerProfile;
use crate::shutter::{Cause, ShutterState};

fn sample(viewers: usize) -> Sample {
    let summary = StationSummary {
        shutter: ShutterSummary::from(ShutterState::new(false, Cause::Start, 0)),
        privacy: "open".to_owned(),
        power: PowerSummary {
            profile: PowerProfile::Full,
            battery_low: false,
        },
        source: SourceSummary {
            state: SourceState::Live,
            name: "test scene".to_owned(),
        },
        viewers,
        address: String::new(),
        classes: BTreeMap::new(),
        zones: BTreeMap::new(),
    };
    Sample {
        summary,
        counted_at: Instant::now(),
    }
}

fn events() -> Arc<Events> {
    Events::new(Metrics::default())
}

async fn name(follower: &mut EventFollower) -> &'static str {
    follower.next().await.detail.name()
}

#[tokio::test]
async fn a_follower_begins_with_the_state_and_gets_each_change() {
    let events = events();
    let mut follower = events.follow(EventFollowerKind::Sse, None);
    let waiting = timeout(Duration::from_millis(20), follower.next()).await;
    assert!(waiting.is_err(), "nothing is known yet");
    events.add(sample(0), Instant::now());
    assert_eq!(name(&mut follower).await, "state");
    events.add(sample(1), Instant::now());
    events.add(sample(2), Instant::now());
    let first = follower.next().await;
    assert_eq!(first.detail, EventDetail::Viewers { count: 1 });
    let mut resumed = events.follow(EventFollowerKind::Sse, Some(&first.id));
    for follower in [&mut follower, &mut resumed] {
        let second = follower.next().await;
        assert_eq!(second.detail, EventDetail::Viewers { count: 2 });
    }
    let mut other_run = events.follow(EventFollowerKind::Sse, Some("0-1"));
    assert_eq!(name(&mut other_run).await, "state");
}

#[tokio::test]
async fn a_follower_that_missed_events_gets_the_state_and_they_are_counted() {
    let events = events();
    events.add(sample(0), Instant::now());
    let mut follower = events.follow(EventFollowerKind::Webhook, None);
    assert_eq!(name(&mut follower).await, "state");
    for count in 1..=KEPT + 3 {
        events.add(sample(count), Instant::now());
    }
    let state = follower.next().await;
    let EventDetail::State(summary) = &state.detail else {
        panic!("{state:?}");
    };
    assert_eq!(summary.viewers, KEPT + 3);
    let missed = &events.metrics.events_missed;
    let count = missed.get_or_create(&[("follower", EventFollowerKind::Webhook)]);
    assert_eq!(count.get(), KEPT as u64 + 3);
    events.add(sample(0), Instant::now());
    assert_eq!(name(&mut follower).await, "viewers");
}

#[tokio::test]
async fn nothing_is_sampled_without_a_follower() {
    let events = events();
    let waits = async || timeout(Duration::from_millis(20), events.followed()).await;
    assert!(waits().await.is_err());
    let follower = events.follow(EventFollowerKind::Mqtt, None);
    assert!(waits().await.is_ok());
    drop(follower);
    assert!(waits().await.is_err());
}
