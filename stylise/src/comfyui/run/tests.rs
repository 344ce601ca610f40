//! One order from its sending to its end, on a virtual clock.

use std::time::Duration;

use super::*;

fn run(known: bool) -> (Run, Instant) {
    let now = Instant::now();
    let outputs = vec!["60".to_owned()];
    (
        Run::new("p".to_owned(), outputs, known, Pace::default(), now),
        now,
    )
}

fn mine(event: Event) -> Tagged {
    Tagged {
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
fn events_of_others_are_not_ours() {
    let (mut run, now) = run(true);
    let other = Tagged {
        prompt_id: Some("q".to_owned()),
        event: Event::Interrupted,
    };
    run.on_event(other, now);
    assert_eq!(run.verdict(now), None);
    let unnamed = || Tagged {
        prompt_id: None,
        event: Event::Preview { picture: vec![1] },
    };
    let others = |event| Tagged {
        prompt_id: Some("q".to_owned()),
        event,
    };
    assert_eq!(run.on_event(unnamed(), now), None, "of whom?");
    run.on_look(Look::Queued(Place::Running), now);
    assert_eq!(run.on_event(unnamed(), now), None, "it may be late");
    run.on_event(mine(Event::Started), now);
    assert_eq!(run.on_event(unnamed(), now), Some(vec![1]));
    run.on_event(others(Event::Started), now);
    assert_eq!(run.on_event(unnamed(), now), None);
}

#[test]
fn from_the_queue_to_the_picture() {
    let (mut run, mut now) = run(true);
    assert!(run.wants_look(now));
    run.on_look(Look::Queued(Place::Pending { ahead: 2 }), now);
    assert_eq!(run.news(), Some(Progress::Waiting { ahead: 2 }));
    assert!(!run.wants_look(now + S));
    run.on_event(mine(Event::Started), now);
    run.on_event(mine(Event::Progress { step: 1, steps: 4 }), now);
    assert_eq!(run.news(), Some(Progress::Running { step: 1, steps: 4 }));
    run.on_look(Look::Queued(Place::Running), now);
    assert_eq!(run.news(), None, "the queue knows of no steps");
    run.on_event(mine(Event::Finished), now);
    assert!(run.wants_look(now));
    run.on_look(Look::Queued(Place::Running), now);
    now += Duration::from_millis(150);
    assert!(run.wants_look(now), "the history comes a moment later");
    run.on_look(
        Look::Over(Ended::Success(vec![("60".to_owned(), vec![picture()])])),
        now,
    );
    assert_eq!(run.verdict(now), Some(Verdict::Done(picture())));
}

#[test]
fn an_order_that_the_server_took_and_lost_is_lost_at_once_and_one_on_its_way_is_not() {
    let (mut taken, now) = run(true);
    taken.on_look(Look::Nowhere, now);
    assert_eq!(taken.verdict(now), Some(Verdict::Lost));
    let (mut unconfirmed, now) = run(false);
    unconfirmed.on_look(Look::Nowhere, now + S);
    assert_eq!(unconfirmed.verdict(now + S), None);
    unconfirmed.on_look(Look::Nowhere, now + 6 * S);
    assert_eq!(unconfirmed.verdict(now + 6 * S), Some(Verdict::Lost));
}

#[test]
fn a_finished_order_whose_history_somebody_cleared_is_not_made_again() {
    let (mut run, now) = run(true);
    let pictures = vec![picture()];
    run.on_event(
        mine(Event::Executed {
            node: "60".to_owned(),
            pictures,
        }),
        now,
    );
    run.on_event(mine(Event::Finished), now);
    run.on_look(Look::Nowhere, now);
    assert_eq!(run.verdict(now), Some(Verdict::Done(picture())));
}

#[test]
fn behind_others_it_waits_as_long_as_the_owner_allows() {
    let (mut run, now) = run(true);
    for seconds in (0..3600).step_by(2) {
        let later = now + seconds * S;
        run.on_look(Look::Queued(Place::Pending { ahead: 1 }), later);
        assert_eq!(run.verdict(later), None, "after {seconds} s");
    }
    let late = run.verdict(now + 3600 * S);
    assert!(
        matches!(&late, Some(Verdict::Overdue { technical, .. }) if technical.contains("queue_max_s")),
        "{late:?}"
    );
}

#[test]
fn at_work_the_bound_begins_anew_with_each_step_and_each_node() {
    let (mut run, now) = run(true);
    run.on_look(Look::Queued(Place::Running), now + 80 * S);
    assert_eq!(run.verdict(now + 250 * S), None, "the model loads");
    run.on_event(mine(Event::Progress { step: 4, steps: 4 }), now + 250 * S);
    assert_eq!(run.verdict(now + 309 * S), None);
    let next = Event::Executing {
        node: "50".to_owned(),
    };
    run.on_event(mine(next), now + 309 * S);
    assert_eq!(run.verdict(now + 368 * S), None, "another node is at work");
    let late = run.verdict(now + 369 * S);
    assert!(
        matches!(&late, Some(Verdict::Overdue { technical, .. }) if technical.contains("step_max_s")),
        "{late:?}"
    );
}

#[test]
fn an_order_that_the_server_names_is_followed_by_that_name() {
    let (mut run, now) = run(false);
    let theirs = Tagged {
        prompt_id: Some("theirs".to_owned()),
        event: Event::Started,
    };
    run.on_event(theirs.clone(), now);
    assert_eq!(run.news(), None);
    run.is_called("theirs".to_owned());
    run.on_event(theirs, now);
    assert_eq!(run.news(), Some(Progress::Running { step: 0, steps: 0 }));
}

#[test]
fn a_server_that_stops_answering_is_away_after_a_while() {
    let (mut run, now) = run(true);
    run.on_no_answer("refused", now + 2 * S);
    assert_eq!(run.verdict(now + 2 * S), None);
    run.on_traffic(now + 10 * S);
    run.on_no_answer("refused", now + 16 * S);
    assert_eq!(run.verdict(now + 16 * S), None, "the socket still speaks");
    run.on_no_answer("refused", now + 26 * S);
    assert_eq!(
        run.verdict(now + 26 * S),
        Some(Verdict::Away("refused".to_owned()))
    );
}

#[test]
fn memory_may_come_back_and_other_faults_do_not() {
    let fault = |exception: &str| Fault {
        node_type: "KSampler".to_owned(),
        exception_type: exception.to_owned(),
        message: "no".to_owned(),
    };
    let (mut first, now) = run(true);
    first.on_event(mine(Event::Failed(fault("torch.OutOfMemoryError"))), now);
    assert_eq!(first.verdict(now), Some(Verdict::OutOfMemory));
    let (mut second, now) = run(true);
    second.on_look(Look::Over(Ended::Failed(fault("ValueError"))), now);
    assert!(
        matches!(second.verdict(now), Some(Verdict::Failed { technical, .. }) if technical.contains("KSampler"))
    );
    let (mut third, now) = run(true);
    third.on_look(Look::Over(Ended::Success(Vec::new())), now);
    assert!(matches!(third.verdict(now), Some(Verdict::Failed { .. })));
}
