//! Servers from before July 2025, which name orders themselves.

use std::sync::atomic::Ordering::SeqCst;

use stylise::comfyui::survey;
use stylise::{Progress, Stylist, Ticket, Trouble};

use super::desk::Notes;
use super::stand_in::StandIn;
use super::work::made;
use super::{client, eventually, order, settings, while_at_work};

fn old() -> StandIn {
    let server = StandIn::start();
    let mut state = server.state();
    state.manners.names_orders = true;
    state.manners.ignores_ids = true;
    state.manners.version = Some("0.3.10");
    drop(state);
    server
}

/// Its own name of the only order that it ever took.
fn its_name(server: &StandIn) -> String {
    let taken = server.state().taken.clone();
    let [name] = taken.as_slice() else {
        panic!("one order was sent: {taken:?}");
    };
    name.clone()
}

fn is_followed(server: &StandIn, ticket: &Ticket) {
    let name = its_name(server);
    assert_ne!(name, ticket.id.to_string());
    assert!(
        ticket
            .memo
            .as_ref()
            .is_some_and(|memo| memo.contains(&name)),
        "{ticket:?}"
    );
}

#[test]
fn the_name_in_the_answer_is_the_orders_from_then_on() {
    let server = old();
    let client = client(&server);
    let notes = Notes::default();
    let picture = client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(picture, made(&its_name(&server)));
    let ticket = notes.last_ticket().expect("kept");
    is_followed(&server, &ticket);
    assert!(notes.has_told(|told| *told == Progress::Running { step: 3, steps: 4 }));
    client.forget(&ticket).expect("forgotten");
    let state = server.state();
    assert!(state.history.is_empty() && state.pictures().is_empty());
}

#[test]
fn a_lost_answer_does_not_make_the_picture_twice() {
    let server = old();
    let client = client(&server);
    server.state().manners.lost_answers = 1;
    server.state().manners.step_ms = 150;
    let notes = Notes::default();
    let picture = client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(picture, made(&its_name(&server)));
    is_followed(&server, &notes.last_ticket().expect("kept"));
}

#[test]
fn an_order_whose_answer_was_lost_is_found_among_the_finished_ones() {
    let server = old();
    let client = client(&server);
    server.state().manners.lost_answers = 1;
    server.state().manners.steps = 0;
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    is_followed(&server, &notes.last_ticket().expect("kept"));
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("forgotten");
    assert!(server.state().history.is_empty());
}

#[test]
fn it_is_followed_after_a_restart_of_this_program() {
    let server = old();
    server.state().manners.step_ms = 150;
    let first = client(&server);
    let (made_first, notes) = while_at_work(&first, |notes| notes.stopping.store(true, SeqCst));
    assert_eq!(made_first, Err(Trouble::Stopping));
    let ticket = notes.last_ticket().expect("kept");
    is_followed(&server, &ticket);
    let picture = client(&server).stylise(&order(Some(ticket)), &Notes::default());
    assert_eq!(picture, Ok(made(&its_name(&server))));
}

#[test]
fn a_cancelled_one_is_taken_back_by_its_own_name() {
    let server = old();
    server.state().manners.step_ms = 150;
    let client = client(&server);
    let (made, _) = while_at_work(&client, |notes| notes.cancelled.store(true, SeqCst));
    assert_eq!(made, Err(Trouble::Cancelled));
    eventually("no trace of it", || {
        let state = server.state();
        state.running.is_none() && state.history.is_empty() && state.pictures().is_empty()
    });
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn the_survey_names_its_version_and_what_it_is_too_old_for() {
    let told = |server: &StandIn| {
        survey(&settings(&server.url()), &[])
            .expect("valid")
            .expect("there")
    };
    let old = told(&old());
    assert_eq!(old.version.as_deref(), Some("0.3.10"));
    assert!(old.too_old_for[0].contains("older than 0.3.45"), "{old:?}");
    let new = StandIn::start();
    for version in ["0.3.64", "0.33.0"] {
        new.state().manners.version = Some(version);
        assert!(told(&new).too_old_for.is_empty(), "{version}");
    }
}
