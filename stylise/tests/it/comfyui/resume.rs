//! Orders that were sent before: by a program that ended, or to a server that did.

use std::sync::atomic::Ordering::SeqCst;

use stylise::{Progress, Stylist, Ticket, Trouble};
use uuid::Uuid;

use super::desk::Notes;
use super::stand_in::StandIn;
use super::work::made;
use super::{client, eventually, order, while_at_work};

/// Sends an order, and ends the program once it runs.
fn left_at_work(server: &StandIn) -> Ticket {
    let client = client(server);
    let (made, notes) = while_at_work(&client, |notes| notes.stopping.store(true, SeqCst));
    assert_eq!(made, Err(Trouble::Stopping));
    notes.last_ticket().expect("kept")
}

#[test]
fn one_that_still_runs_is_followed_with_its_steps() {
    let server = StandIn::start();
    server.state().manners.step_ms = 150;
    let ticket = left_at_work(&server);
    let notes = Notes::default();
    let picture = client(&server).stylise(&order(Some(ticket.clone())), &notes);
    assert_eq!(picture, Ok(made(&ticket.id.to_string())));
    assert!(notes.has_told(|told| *told == Progress::Running { step: 4, steps: 4 }));
    assert_eq!(server.state().worked.len(), 1, "not made again");
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(1));
}

#[test]
fn one_that_is_finished_is_fetched() {
    let server = StandIn::start();
    let ticket = left_at_work(&server);
    eventually("its end", || !server.state().history.is_empty());
    let picture = client(&server).stylise(&order(Some(ticket)), &Notes::default());
    assert!(picture.is_ok());
    assert_eq!(server.state().worked.len(), 1);
}

#[test]
fn one_that_the_server_lost_is_sent_once_more_and_never_a_third_time() {
    let server = StandIn::start();
    let client = client(&server);
    let lost = |sends| {
        Some(Ticket {
            id: Uuid::new_v4(),
            sends,
            memo: None,
        })
    };
    let notes = Notes::default();
    client.stylise(&order(lost(1)), &notes).expect("sent again");
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(2));
    assert_eq!(server.state().taken.len(), 1);
    let trouble = client
        .stylise(&order(lost(2)), &Notes::default())
        .expect_err("enough");
    assert!(matches!(trouble, Trouble::Failed(why) if why.contains("twice")));
    assert_eq!(server.state().taken.len(), 1);
}

#[test]
fn a_server_that_dies_in_the_middle_is_away_and_gets_the_order_once_more() {
    let server = StandIn::start();
    server.state().manners.step_ms = 200;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |_| server.die());
    let trouble = made.expect_err("it is gone");
    assert!(matches!(trouble, Trouble::Away(_)), "{trouble:?}");
    assert!(client.ready().is_err());
    assert_eq!(client.styles().len(), 3, "what it could make last");
    server.restart();
    eventually("its return", || client.ready().is_ok());
    let again = Notes::default();
    client
        .stylise(&order(notes.last_ticket()), &again)
        .expect("made at last");
    assert_eq!(again.last_ticket().map(|ticket| ticket.sends), Some(2));
}

#[test]
fn a_restart_with_an_empty_queue_goes_unnoticed_by_the_visitor() {
    let server = StandIn::start();
    server.state().manners.step_ms = 200;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |_| {
        server.die();
        server.restart();
    });
    made.expect("made at the second attempt");
    assert_eq!(notes.last_ticket().map(|ticket| ticket.sends), Some(2));
}
