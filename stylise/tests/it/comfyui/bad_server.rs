//! Servers that do not do what they should.

use std::thread;
use std::time::{Duration, Instant};

use stylise::comfyui::Comfyui;
use stylise::{Progress, Stylist, Trouble};

use super::desk::Notes;
use super::stand_in::StandIn;
use super::{client, eventually, order, settings, workflow};

/// What an order comes to when a route answers so.
fn refused_at(route: &'static str, status: u16, body: &str) -> (Trouble, StandIn) {
    let server = StandIn::start();
    let client = client(&server);
    server
        .state()
        .manners
        .refusals
        .insert(route, (status, body.to_owned()));
    let trouble = client
        .stylise(&order(None), &Notes::default())
        .expect_err("refused");
    (trouble, server)
}

/// What a visitor is told; the technical words are the owner's, in the log.
const CANNOT: &str = "cannot make this style now";

fn failed_with(trouble: &Trouble, part: &str) {
    assert!(
        matches!(trouble, Trouble::Failed(why) if why.contains(part)),
        "{trouble:?}"
    );
}

#[test]
fn one_that_is_down_at_the_start_is_found_when_it_comes() {
    let server = StandIn::start();
    server.die();
    let client = Comfyui::connect(&settings(&server.url()), vec![workflow()]).expect("valid");
    thread::sleep(Duration::from_millis(250));
    assert!(matches!(client.ready(), Err(Trouble::Away(why)) if why.contains("away")));
    assert!(client.styles().is_empty());
    let early = client.stylise(&order(None), &Notes::default());
    assert!(matches!(early, Err(Trouble::Away(_))));
    server.restart();
    eventually("its coming", || {
        client.ready().is_ok() && client.styles().len() == 3
    });
    client
        .stylise(&order(None), &Notes::default())
        .expect("a picture");
}

#[test]
fn node_errors_become_words() {
    let body = r#"{"error":{"type":"prompt_outputs_failed_validation","message":"x"},"node_errors":{"3":
        {"class_type":"CheckpointLoaderSimple","dependent_outputs":["4"],"errors":[{"type":"value_not_in_list",
        "message":"Value not in list","details":"","extra_info":{"input_name":"ckpt_name","received_value":"m.safetensors"}}]}}}"#;
    let (trouble, server) = refused_at("/prompt", 400, body);
    failed_with(&trouble, CANNOT);
    assert!(server.state().taken.is_empty());
}

#[test]
fn statuses_become_words() {
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
        Trouble::Away(_)
    ));
}

#[test]
fn out_of_memory_is_tried_once_more() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.out_of_memory = 1;
    let notes = Notes::default();
    client
        .stylise(&order(None), &notes)
        .expect("the second goes through");
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(2));
    eventually("the first is erased", || server.state().history.len() == 1);
    server.state().manners.out_of_memory = 9;
    let trouble = client
        .stylise(&order(None), &Notes::default())
        .expect_err("both fail");
    failed_with(&trouble, "memory");
    assert_eq!(server.state().worked.len(), 4);
}

#[test]
fn a_lost_answer_does_not_make_the_picture_twice() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.lost_answers = 1;
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(server.state().worked.len(), 1);
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(1));
}

#[test]
fn an_order_that_never_arrived_is_sent_once_more() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.lost_orders = 1;
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(2));
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn silent_and_missing_sockets_cost_the_steps_alone() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.silent_sockets = true;
    server.state().manners.step_ms = 400;
    let notes = Notes::default();
    client
        .stylise(&order(None), &notes)
        .expect("by the history alone");
    assert!(notes.has_told(|told| *told == Progress::Running { step: 0, steps: 0 }));
    server.state().manners.silent_sockets = false;
    server.state().manners.no_sockets = true;
    client
        .stylise(&order(None), &Notes::default())
        .expect("by the history alone");
}

#[test]
fn an_order_that_does_not_get_on_is_given_up_and_taken_back() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.step_ms = 4000;
    let trouble = client
        .stylise(&order(None), &Notes::default())
        .expect_err("stuck");
    failed_with(&trouble, "took too long");
    eventually("taken back", || {
        server.state().interrupted || server.state().running.is_none()
    });
}

#[test]
fn garbage_is_no_answer() {
    let garbage = "<html>welcome to the hotel</html>";
    // The socket lives: it is not away, and does not get on.
    failed_with(&refused_at("/queue", 200, garbage).0, "took too long");
    failed_with(&refused_at("/prompt", 200, garbage).0, "twice");
    failed_with(&refused_at("/upload/image", 200, "[]").0, CANNOT);
}

#[test]
fn answers_without_end_are_cut() {
    let server = StandIn::start();
    let client = client(&server);
    for route in ["/upload", "/view"] {
        server.state().manners.endless = Some(route);
        let began = Instant::now();
        let trouble = client
            .stylise(&order(None), &Notes::default())
            .expect_err(route);
        assert!(began.elapsed() < Duration::from_secs(8), "{route}");
        let is_told = match &trouble {
            Trouble::Failed(words) => words.contains(CANNOT),
            other => matches!(other, Trouble::Away(_)),
        };
        assert!(is_told, "{route}: {trouble:?}");
    }
    server.state().manners.endless = None;
}
