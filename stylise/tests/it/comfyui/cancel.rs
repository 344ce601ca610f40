//! Cancelled orders.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use stylise::comfyui::Comfyui;
use stylise::{Progress, Stylist, StylistError};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::{client, eventually, order, settings, while_at_work, workflow};
use crate::checks::{assert_made, expect_within};

/// Cancels an order at some moment and returns how long that took.
fn cancelled_when(
    server: &FakeServer,
    when: impl Fn(&RecordingContext) -> bool + Sync,
) -> RecordingContext {
    let client = client(server);
    let notes = RecordingContext::default();
    thread::scope(|scope| {
        let made = scope.spawn(|| {
            let made = client.stylise(&order(None), &notes);
            (made, Instant::now())
        });
        eventually("the moment to cancel", || when(&notes));
        let asked = Instant::now();
        notes.cancelled.store(true, SeqCst);
        let (made, ended) = made.join().expect("no panic");
        assert_made(&made, &Err(StylistError::Cancelled));
        expect_within("cancelling", ended - asked, Duration::from_secs(1));
    });
    notes
}

#[test]
fn cancelling_a_queued_order_leaves_others_alone() {
    let server = FakeServer::start();
    // Long enough for the order to be seen waiting behind it on a busy machine.
    server.state().behaviour.step_ms = 700;
    server.foreign_order("foreign");
    let notes = cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Waiting { ahead: 1 }))
    });
    eventually("out of the queue", || server.state().pending.is_empty());
    eventually("the other order ends", || {
        server.state().history.contains_key("foreign")
    });
    let state = server.state();
    assert_eq!(state.history["foreign"]["status"]["status_str"], "success");
    let id = notes.last_remote_order().expect("kept").id.to_string();
    assert!(!state.worked.contains(&id));
}

#[test]
fn cancelling_a_running_order_erases_it() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let notes = cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Running { step: 1, .. }))
    });
    let id = notes.last_remote_order().expect("kept").id.to_string();
    server.foreign_order("next");
    eventually("the next one's end", || {
        server.state().history.contains_key("next")
    });
    let state = server.state();
    assert_eq!(state.history["next"]["status"]["status_str"], "success");
    assert!(!state.history.contains_key(&id), "nothing is left of it");
}

#[test]
fn an_old_server_that_ignores_ids_is_never_told_to_interrupt_others() {
    let server = FakeServer::start();
    server.state().behaviour.ignores_ids = true;
    server.state().behaviour.step_ms = 700;
    server.foreign_order("foreign");
    cancelled_when(&server, |notes| {
        notes.has_told(|progress| matches!(progress, Progress::Waiting { ahead: 1 }))
    });
    eventually("the other order ends", || {
        server.state().history.contains_key("foreign")
    });
    assert_eq!(
        server.state().history["foreign"]["status"]["status_str"],
        "success"
    );
}

#[test]
fn cancelling_works_while_the_server_is_silent() {
    let server = FakeServer::start();
    // No call times out within this test: only cancelling ends one.
    let mut patient = settings(&server.url());
    patient.timeouts.call = Duration::from_secs(3600);
    patient.timeouts.upload = Duration::from_secs(3600);
    let client = Comfyui::connect(&patient, vec![workflow()], None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    server.state().behaviour.hangs = true;
    let notes = RecordingContext::default();
    notes.cancelled.store(true, SeqCst);
    let asked = Instant::now();
    let made = client.stylise(&order(None), &notes);
    assert_made(&made, &Err(StylistError::Cancelled));
    expect_within("cancelling", asked.elapsed(), Duration::from_secs(1));
    server.state().behaviour.hangs = false;
}

#[test]
fn forgetting_a_running_order_stops_it() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |notes| notes.stopping.store(true, SeqCst));
    assert_made(&made, &Err(StylistError::Stopping));
    assert!(
        server.state().running.is_some(),
        "the server is left at work"
    );
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("stopped in time");
    assert!(server.state().history.is_empty() && server.state().running.is_none());
}
