//! Follows one order on a virtual clock.

use std::time::Duration;

use crate::comfyui::tracker::*;

fn tracker(known: bool) -> (OrderTracker, Instant) {
    let now = Instant::now();
    let outputs = vec!["60".to_owned()];
    (
        OrderTracker::new("p".to_owned(), outputs, known, Timeouts::default(), now),
        now,
    )
}

fn mine(event: ServerEvent) -> TaggedEvent {
    TaggedEvent {
        prompt_id: Some("p".to_owned()),
        event,
    }
}

fn picture() -> PictureRef {
    PictureRef {
        filename: "a.png".to_owned(),
        subfolder: String::new(),
        kind: "temp".to_owned(),
    }
}

const S: Duration = Duration::from_secs(1);

#[test]
fn events_of_other_orders_are_ignored() {
    let (mut tracker, now) = tracker(true);
    let other = TaggedEvent {
        prompt_id: Some("q".to_owned()),
        event: ServerEvent::Interrupted,
    };
    tracker.on_event(other, now);
    assert_eq!(tracker.outcome(now), None);
    let unnamed = || TaggedEvent {
        prompt_id: None,
        event: ServerEvent::Preview { picture: vec![1] },
    };
    let others = |event| TaggedEvent {
        prompt_id: Some("q".to_owned()),
        event,
    };
    assert_eq!(
        tracker.on_event(unnamed(), now),
        None,
        "a preview without an id"
    );
    tracker.on_poll(PollResult::Queued(QueuePlace::Running), now);
    assert_eq!(
        tracker.on_event(unnamed(), now),
        None,
        "the preview may be of the previous order"
    );
    tracker.on_event(mine(ServerEvent::Started), now);
    assert_eq!(tracker.on_event(unnamed(), now), Some(vec![1]));
    tracker.on_event(others(ServerEvent::Started), now);
    assert_eq!(tracker.on_event(unnamed(), now), None);
}

#[test]
fn an_order_goes_from_the_queue_to_its_result() {
    let (mut tracker, mut now) = tracker(true);
    assert!(tracker.is_poll_due(now));
    tracker.on_poll(PollResult::Queued(QueuePlace::Pending { ahead: 2 }), now);
    assert_eq!(
        tracker.take_progress(),
        Some(Progress::Waiting { ahead: 2 })
    );
    assert!(!tracker.is_poll_due(now + S));
    tracker.on_event(mine(ServerEvent::Started), now);
    tracker.on_event(mine(ServerEvent::Progress { step: 1, steps: 4 }), now);
    assert_eq!(
        tracker.take_progress(),
        Some(Progress::Running { step: 1, steps: 4 })
    );
    tracker.on_poll(PollResult::Queued(QueuePlace::Running), now);
    assert_eq!(
        tracker.take_progress(),
        None,
        "a poll does not change the steps"
    );
    tracker.on_event(mine(ServerEvent::Finished), now);
    assert!(tracker.is_poll_due(now));
    tracker.on_poll(PollResult::Queued(QueuePlace::Running), now);
    now += Duration::from_millis(150);
    assert!(tracker.is_poll_due(now), "the history entry follows later");
    tracker.on_poll(
        PollResult::Over(Ended::Success(vec![("60".to_owned(), vec![picture()])])),
        now,
    );
    assert_eq!(tracker.outcome(now), Some(OrderOutcome::Done(picture())));
}

#[test]
fn a_confirmed_order_is_lost_at_once_and_an_unconfirmed_one_later() {
    let (mut taken, now) = tracker(true);
    taken.on_poll(PollResult::NotFound, now);
    assert_eq!(taken.outcome(now), Some(OrderOutcome::Lost));
    let (mut unconfirmed, now) = tracker(false);
    unconfirmed.on_poll(PollResult::NotFound, now + S);
    assert_eq!(unconfirmed.outcome(now + S), None);
    unconfirmed.on_poll(PollResult::NotFound, now + 6 * S);
    assert_eq!(unconfirmed.outcome(now + 6 * S), Some(OrderOutcome::Lost));
}

#[test]
fn a_finished_order_with_a_cleared_history_is_not_repeated() {
    let (mut tracker, now) = tracker(true);
    let pictures = vec![picture()];
    tracker.on_event(
        mine(ServerEvent::Executed {
            node: "60".to_owned(),
            pictures,
        }),
        now,
    );
    tracker.on_event(mine(ServerEvent::Finished), now);
    tracker.on_poll(PollResult::NotFound, now);
    assert_eq!(tracker.outcome(now), Some(OrderOutcome::Done(picture())));
}

#[test]
fn queue_max_limits_the_time_behind_other_orders() {
    let (mut tracker, now) = tracker(true);
    for seconds in (0..3600).step_by(2) {
        let later = now + seconds * S;
        tracker.on_poll(PollResult::Queued(QueuePlace::Pending { ahead: 1 }), later);
        assert_eq!(tracker.outcome(later), None, "after {seconds} s");
    }
    let late = tracker.outcome(now + 3600 * S);
    assert!(
        matches!(&late, Some(OrderOutcome::Overdue { technical, .. }) if technical.contains("queue_max_s")),
        "{late:?}"
    );
}

#[test]
fn each_step_and_node_restarts_the_step_limit() {
    let (mut tracker, now) = tracker(true);
    tracker.on_poll(PollResult::Queued(QueuePlace::Running), now + 80 * S);
    assert_eq!(tracker.outcome(now + 250 * S), None, "the model loads");
    tracker.on_event(
        mine(ServerEvent::Progress { step: 4, steps: 4 }),
        now + 250 * S,
    );
    assert_eq!(tracker.outcome(now + 309 * S), None);
    let next = ServerEvent::Executing {
        node: "50".to_owned(),
    };
    tracker.on_event(mine(next), now + 309 * S);
    assert_eq!(tracker.outcome(now + 368 * S), None, "another node runs");
    let late = tracker.outcome(now + 369 * S);
    assert!(
        matches!(&late, Some(OrderOutcome::Overdue { technical, .. }) if technical.contains("step_max_s")),
        "{late:?}"
    );
}

#[test]
fn an_order_is_followed_by_its_server_id() {
    let (mut tracker, now) = tracker(false);
    let theirs = TaggedEvent {
        prompt_id: Some("theirs".to_owned()),
        event: ServerEvent::Started,
    };
    tracker.on_event(theirs.clone(), now);
    assert_eq!(tracker.take_progress(), None);
    tracker.set_order_name("theirs".to_owned());
    tracker.on_event(theirs, now);
    assert_eq!(
        tracker.take_progress(),
        Some(Progress::Running { step: 0, steps: 0 })
    );
}

#[test]
fn a_silent_server_becomes_unavailable() {
    let (mut tracker, now) = tracker(true);
    tracker.on_poll_failed("refused", now + 2 * S);
    assert_eq!(tracker.outcome(now + 2 * S), None);
    tracker.on_traffic(now + 10 * S);
    tracker.on_poll_failed("refused", now + 16 * S);
    assert_eq!(
        tracker.outcome(now + 16 * S),
        None,
        "the socket still delivers"
    );
    tracker.on_poll_failed("refused", now + 26 * S);
    assert_eq!(
        tracker.outcome(now + 26 * S),
        Some(OrderOutcome::Unavailable("refused".to_owned()))
    );
}

#[test]
fn only_out_of_memory_is_retried() {
    let failure = |exception: &str| NodeFailure {
        node_type: "KSampler".to_owned(),
        exception_type: exception.to_owned(),
        message: "no".to_owned(),
    };
    let (mut first, now) = tracker(true);
    first.on_event(
        mine(ServerEvent::Failed(failure("torch.OutOfMemoryError"))),
        now,
    );
    assert_eq!(first.outcome(now), Some(OrderOutcome::OutOfMemory));
    let (mut second, now) = tracker(true);
    second.on_poll(PollResult::Over(Ended::Failed(failure("ValueError"))), now);
    assert!(
        matches!(second.outcome(now), Some(OrderOutcome::Failed { technical, .. }) if technical.contains("KSampler"))
    );
    let (mut third, now) = tracker(true);
    third.on_poll(PollResult::Over(Ended::Success(Vec::new())), now);
    assert!(matches!(
        third.outcome(now),
        Some(OrderOutcome::Failed { .. })
    ));
}
