//! Orders that their visitors do not want any more.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use stylise::{Progress, Stylist, Trouble};

use super::desk::Notes;
use super::stand_in::StandIn;
use super::{client, eventually, order, while_at_work};

/// Cancels an order at a moment; tells how long it took.
fn cancelled_when(server: &StandIn, when: impl Fn(&Notes) -> bool + Sync) -> Notes {
    let client = client(server);
    let notes = Notes::default();
    thread::scope(|scope| {
        let made = scope.spawn(|| {
            let made = client.stylise(&order(None), &notes);
            (made, Instant::now())
        });
        eventually("the moment to cancel", || when(&notes));
        let asked = Instant::now();
        notes.cancelled.store(true, SeqCst);
        let (made, ended) = made.join().expect("no panic");
        assert_eq!(made, Err(Trouble::Cancelled));
        assert!(
            ended - asked < Duration::from_secs(1),
            "{:?}",
            ended - asked
        );
    });
    notes
}

#[test]
fn while_it_waits_behind_others_who_go_on() {
    let server = StandIn::start();
    server.state().manners.step_ms = 100;
    server.foreign_order("foreign");
    let notes = cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Waiting { ahead: 1 }))
    });
    eventually("out of the queue", || server.state().pending.is_empty());
    eventually("the other's end", || {
        server.state().history.contains_key("foreign")
    });
    let state = server.state();
    assert_eq!(state.history["foreign"]["status"]["status_str"], "success");
    let id = notes.last_ticket().expect("kept").id.to_string();
    assert!(!state.worked.contains(&id));
}

#[test]
fn while_it_runs_and_nothing_of_it_stays() {
    let server = StandIn::start();
    server.state().manners.step_ms = 200;
    let notes = cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Running { step: 1, .. }))
    });
    let id = notes.last_ticket().expect("kept").id.to_string();
    server.foreign_order("next");
    eventually("the next one's end", || {
        server.state().history.contains_key("next")
    });
    let state = server.state();
    assert_eq!(state.history["next"]["status"]["status_str"], "success");
    assert!(!state.history.contains_key(&id), "no trace of it");
}

#[test]
fn an_old_server_that_ignores_ids_is_never_told_to_interrupt_others() {
    let server = StandIn::start();
    server.state().manners.ignores_ids = true;
    server.state().manners.step_ms = 150;
    server.foreign_order("foreign");
    cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Waiting { ahead: 1 }))
    });
    eventually("the other's end", || {
        server.state().history.contains_key("foreign")
    });
    assert_eq!(
        server.state().history["foreign"]["status"]["status_str"],
        "success"
    );
}

#[test]
fn while_the_server_answers_nothing() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.hangs = true;
    let notes = Notes::default();
    notes.cancelled.store(true, SeqCst);
    let asked = Instant::now();
    assert_eq!(
        client.stylise(&order(None), &notes),
        Err(Trouble::Cancelled)
    );
    assert!(asked.elapsed() < Duration::from_secs(1));
    server.state().manners.hangs = false;
}

#[test]
fn forgetting_an_order_that_runs_stops_it() {
    let server = StandIn::start();
    server.state().manners.step_ms = 100;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |notes| notes.stopping.store(true, SeqCst));
    assert_eq!(made, Err(Trouble::Stopping));
    assert!(
        server.state().running.is_some(),
        "the server is left at work"
    );
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("stopped in time");
    assert!(server.state().history.is_empty() && server.state().running.is_none());
}
