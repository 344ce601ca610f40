//! Servers before July 2025, which assign order ids themselves.

use std::sync::atomic::Ordering::SeqCst;

use stylise::comfyui::survey;
use stylise::{Progress, RemoteOrder, Stylist, StylistError};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::work::made;
use super::{client, eventually, order, settings, while_at_work};
use crate::checks::assert_made;

fn old() -> FakeServer {
    let server = FakeServer::start();
    let mut state = server.state();
    state.behaviour.names_orders = true;
    state.behaviour.ignores_ids = true;
    state.behaviour.version = Some("0.3.10");
    drop(state);
    server
}

/// The server's id of its only order.
fn its_name(server: &FakeServer) -> String {
    let taken = server.state().taken.clone();
    let [name] = taken.as_slice() else {
        panic!("one order was sent: {taken:?}");
    };
    name.clone()
}

fn is_followed(server: &FakeServer, remote: &RemoteOrder) {
    let name = its_name(server);
    assert_ne!(name, remote.id.to_string());
    assert!(
        remote
            .details
            .as_ref()
            .is_some_and(|details| details.contains(&name)),
        "{remote:?}"
    );
}

#[test]
fn the_servers_id_is_used_once_known() {
    let server = old();
    let client = client(&server);
    let notes = RecordingContext::default();
    let picture = client.stylise(&order(None), &notes);
    assert_made(&picture, &Ok(made(&its_name(&server))));
    let remote = notes.last_remote_order().expect("kept");
    is_followed(&server, &remote);
    assert!(notes.has_told(|told| *told == Progress::Running { step: 3, steps: 4 }));
    client.forget(&remote).expect("forgotten");
    let state = server.state();
    assert!(state.history.is_empty() && state.pictures().is_empty());
}

#[test]
fn a_lost_answer_does_not_repeat_the_order() {
    let server = old();
    let client = client(&server);
    server.state().behaviour.lost_answers = 1;
    server.state().behaviour.step_ms = 150;
    let notes = RecordingContext::default();
    let picture = client.stylise(&order(None), &notes);
    assert_made(&picture, &Ok(made(&its_name(&server))));
    is_followed(&server, &notes.last_remote_order().expect("kept"));
}

#[test]
fn an_order_with_a_lost_answer_is_found_in_the_history() {
    let server = old();
    let client = client(&server);
    server.state().behaviour.lost_answers = 1;
    server.state().behaviour.steps = 0;
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    is_followed(&server, &notes.last_remote_order().expect("kept"));
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("forgotten");
    assert!(server.state().history.is_empty());
}

#[test]
fn an_order_is_followed_after_a_restart() {
    let server = old();
    server.state().behaviour.step_ms = 700;
    let first = client(&server);
    let (made_first, notes) = while_at_work(&first, |notes| notes.stopping.store(true, SeqCst));
    assert_made(&made_first, &Err(StylistError::Stopping));
    let remote = notes.last_remote_order().expect("kept");
    is_followed(&server, &remote);
    let picture = client(&server).stylise(&order(Some(remote)), &RecordingContext::default());
    assert_made(&picture, &Ok(made(&its_name(&server))));
}

#[test]
fn a_cancelled_order_is_withdrawn_by_its_server_id() {
    let server = old();
    server.state().behaviour.step_ms = 700;
    let client = client(&server);
    let (made, _) = while_at_work(&client, |notes| notes.cancelled.store(true, SeqCst));
    assert_made(&made, &Err(StylistError::Cancelled));
    eventually("nothing is left of it", || {
        let state = server.state();
        state.running.is_none() && state.history.is_empty() && state.pictures().is_empty()
    });
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn the_survey_reports_version_and_missing_features() {
    let told = |server: &FakeServer| {
        survey(&settings(&server.url()), &[])
            .expect("valid")
            .expect("there")
    };
    let old = told(&old());
    assert_eq!(old.version.as_deref(), Some("0.3.10"));
    assert!(old.too_old_for[0].contains("older than 0.3.45"), "{old:?}");
    let new = FakeServer::start();
    for version in ["0.3.64", "0.33.0"] {
        new.state().behaviour.version = Some(version);
        assert!(told(&new).too_old_for.is_empty(), "{version}");
    }
}
