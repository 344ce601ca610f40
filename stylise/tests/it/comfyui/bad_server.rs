//! Misbehaving servers.

use std::time::{Duration, Instant};

use stylise::comfyui::Comfyui;
use stylise::{Progress, Stylist, StylistError};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::{client, eventually, order, settings, workflow};
use crate::checks::expect_within;

/// The outcome of an order when a route answers like this.
fn refused_at(route: &'static str, status: u16, body: &str) -> (StylistError, FakeServer) {
    let server = FakeServer::start();
    let client = client(&server);
    server
        .state()
        .behaviour
        .refusals
        .insert(route, (status, body.to_owned()));
    let error = client
        .stylise(&order(None), &RecordingContext::default())
        .expect_err("refused");
    (error, server)
}

/// What visitors are told; the technical message is only logged.
const CANNOT: &str = "cannot make this style now";

fn failed_with(error: &StylistError, part: &str) {
    assert!(
        matches!(error, StylistError::Failed(why) if why.contains(part)),
        "{error:?}"
    );
}

#[test]
fn a_server_that_starts_later_is_found() {
    let server = FakeServer::start();
    server.die();
    let client = Comfyui::connect(&settings(&server.url()), vec![workflow()], None).expect("valid");
    eventually(
        "the server is known to be away",
        || matches!(client.ready(), Err(StylistError::Unavailable(why)) if why.contains("away")),
    );
    assert!(client.styles().is_empty());
    let early = client.stylise(&order(None), &RecordingContext::default());
    assert!(matches!(early, Err(StylistError::Unavailable(_))));
    server.restart();
    eventually("its coming", || {
        client.ready().is_ok() && client.styles().len() == 3
    });
    client
        .stylise(&order(None), &RecordingContext::default())
        .expect("a picture");
}

#[test]
fn node_errors_become_messages() {
    let body = r#"{"error":{"type":"prompt_outputs_failed_validation","message":"x"},"node_errors":{"3":
        {"class_type":"CheckpointLoaderSimple","dependent_outputs":["4"],"errors":[{"type":"value_not_in_list",
        "message":"Value not in list","details":"","extra_info":{"input_name":"ckpt_name","received_value":"m.safetensors"}}]}}}"#;
    let (error, server) = refused_at("/prompt", 400, body);
    failed_with(&error, CANNOT);
    assert!(server.state().taken.is_empty());
}

#[test]
fn statuses_become_messages() {
    for (route, status, body) in [
        ("/upload/image", 413, "Request Entity Too Large"),
        ("/prompt", 403, ""),
        ("/prompt", 500, "Internal Server Error"),
        ("/prompt", 400, r#"{"error":"no prompt","node_errors":[]}"#),
    ] {
        failed_with(&refused_at(route, status, body).0, CANNOT);
    }
    assert!(matches!(
        refused_at("/upload/image", 503, "<html>").0,
        StylistError::Unavailable(_)
    ));
}

#[test]
fn out_of_memory_is_retried_once() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.out_of_memory = 1;
    let notes = RecordingContext::default();
    client
        .stylise(&order(None), &notes)
        .expect("the second goes through");
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(2)
    );
    eventually("the first is erased", || server.state().history.len() == 1);
    server.state().behaviour.out_of_memory = 9;
    let error = client
        .stylise(&order(None), &RecordingContext::default())
        .expect_err("both fail");
    failed_with(&error, "memory");
    assert_eq!(server.state().worked.len(), 4);
}

#[test]
fn a_lost_answer_does_not_repeat_the_order() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.lost_answers = 1;
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(server.state().worked.len(), 1);
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(1)
    );
}

#[test]
fn an_order_that_never_arrived_is_sent_again() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.lost_orders = 1;
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(
        notes.last_remote_order().map(|remote| remote.sends),
        Some(2)
    );
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn without_a_socket_only_the_steps_are_missing() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.silent_sockets = true;
    server.state().behaviour.step_ms = 400;
    let notes = RecordingContext::default();
    client
        .stylise(&order(None), &notes)
        .expect("by the history alone");
    assert!(notes.has_told(|told| *told == Progress::Running { step: 0, steps: 0 }));
    server.state().behaviour.silent_sockets = false;
    server.state().behaviour.no_sockets = true;
    client
        .stylise(&order(None), &RecordingContext::default())
        .expect("by the history alone");
}

#[test]
fn an_order_without_progress_is_withdrawn() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.step_ms = 4000;
    let error = client
        .stylise(&order(None), &RecordingContext::default())
        .expect_err("stuck");
    failed_with(&error, "took too long");
    eventually("cancelled", || {
        server.state().interrupted || server.state().running.is_none()
    });
}

#[test]
fn malformed_answers_fail() {
    let garbage = "<html>welcome to the hotel</html>";
    // The socket still works, so the server is not unavailable but makes no progress.
    failed_with(&refused_at("/queue", 200, garbage).0, "took too long");
    failed_with(&refused_at("/prompt", 200, garbage).0, "twice");
    failed_with(&refused_at("/upload/image", 200, "[]").0, CANNOT);
}

#[test]
fn endless_answers_are_cut() {
    let server = FakeServer::start();
    let client = client(&server);
    for route in ["/upload", "/view"] {
        server.state().behaviour.endless = Some(route);
        let began = Instant::now();
        let error = client
            .stylise(&order(None), &RecordingContext::default())
            .expect_err(route);
        expect_within(route, began.elapsed(), Duration::from_secs(8));
        let is_told = match &error {
            StylistError::Failed(words) => words.contains(CANNOT),
            other => matches!(other, StylistError::Unavailable(_)),
        };
        assert!(is_told, "{route}: {error:?}");
    }
    server.state().behaviour.endless = None;
}
