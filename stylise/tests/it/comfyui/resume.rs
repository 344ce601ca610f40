//! Orders that were sent before a restart of the program or of the server.

use std::sync::atomic::Ordering::SeqCst;

use stylise::{Progress, RemoteOrder, Stylist, StylistError};
use uuid::Uuid;

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::work::made;
use super::{client, eventually, order, while_at_work};
use crate::checks::assert_made;

/// Sends an order, and stops the client while it runs.
fn left_at_work(server: &FakeServer) -> RemoteOrder {
    let client = client(server);
    let (made, notes) = while_at_work(&client, |notes| notes.stopping.store(true, SeqCst));
    assert_made(&made, &Err(StylistError::Stopping));
    notes.last_remote_order().expect("kept")
}

#[test]
fn a_running_order_is_resumed_with_its_steps() {
    let server = FakeServer::start();
    // Long enough for another client to connect before the last step on a busy machine.
    server.state().behaviour.step_ms = 900;
    let remote = left_at_work(&server);
    let notes = RecordingContext::default();
    let picture = client(&server).stylise(&order(Some(remote.clone())), &notes);
    assert_made(&picture, &Ok(made(&remote.id.to_string())));
    assert!(notes.has_told(|told| *told == Progress::Running { step: 4, steps: 4 }));
    assert_eq!(server.state().worked.len(), 1, "not made again");
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(1)
    );
}

#[test]
fn a_finished_order_is_fetched() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let remote = left_at_work(&server);
    eventually("the order ends", || !server.state().history.is_empty());
    let picture = client(&server).stylise(&order(Some(remote)), &RecordingContext::default());
    assert!(picture.is_ok());
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn a_lost_order_is_sent_twice_at_most() {
    let server = FakeServer::start();
    let client = client(&server);
    let lost = |sends| {
        Some(RemoteOrder {
            id: Uuid::new_v4(),
            sends,
            details: None,
        })
    };
    let notes = RecordingContext::default();
    client.stylise(&order(lost(1)), &notes).expect("sent again");
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(2)
    );
    assert_eq!(server.state().taken.len(), 1);
    let error = client
        .stylise(&order(lost(2)), &RecordingContext::default())
        .expect_err("enough");
    assert!(matches!(error, StylistError::Failed(why) if why.contains("twice")));
    assert_eq!(server.state().taken.len(), 1);
}

#[test]
fn an_order_is_repeated_after_the_server_crashed() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |_| server.die());
    let error = made.expect_err("it is gone");
    assert!(matches!(error, StylistError::Unavailable(_)), "{error:?}");
    assert!(client.ready().is_err());
    assert_eq!(client.styles().len(), 3, "the last known styles");
    server.restart();
    eventually("the server returns", || client.ready().is_ok());
    let again = RecordingContext::default();
    client
        .stylise(&order(notes.last_remote_order()), &again)
        .expect("made eventually");
    assert_eq!(
        again.last_remote_order().map(|remote| remote.sends),
        Some(2)
    );
}

#[test]
fn an_order_is_repeated_after_the_server_restarted() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |_| {
        server.die();
        server.restart();
    });
    made.expect("made at the second attempt");
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(2)
    );
}
