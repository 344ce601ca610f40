//! Visitors' pictures on the server: overwritten when an order is over, however it ends; and told where
//! that cannot be done.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use prometheus_client::registry::Registry;
use stylise::comfyui::{Comfyui, survey};
use stylise::workflow::Workflow;
use stylise::{
    Booth, BoothMetrics, Intake, JobId, Limits, MadeBy, Settings, State, Stylist, Submission,
    Trouble,
};

use super::desk::Notes;
use super::stand_in::StandIn;
use super::{client, eventually, order, settings, styled, while_at_work, workflow};

/// Visitors' pictures on the server. Not in an assertion's own words: those would hold the lock.
fn left(server: &StandIn) -> Vec<(String, String)> {
    server.state().pictures()
}

fn is_blank(server: &StandIn) -> bool {
    left(server).is_empty()
}

/// As `workflow`, with a node that keeps its pictures in `output`, and a second output that nobody asked for.
fn keeping() -> Workflow {
    let toml = include_str!("../../comfyui/carrier-test.toml").replace("\"Result\"", "\"5\"");
    let json = include_str!("../../comfyui/carrier-test.json");
    let mut graph: serde_json::Value = serde_json::from_str(json).expect("the fixture is JSON");
    for (id, class) in [("5", "SaveImage"), ("6", "SaveImage")] {
        graph[id] = serde_json::json!({"class_type": class, "inputs": {"images": ["3", 0]}});
    }
    Workflow::parse("keeping", &toml, &graph.to_string()).expect("valid")
}

#[test]
fn photo_and_result_are_overwritten_when_the_order_is_forgotten() {
    let server = StandIn::start();
    let client = client(&server);
    assert!(client.erases_pictures());
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(left(&server).len(), 2, "there until the result is kept");
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
    assert!(client.erases_pictures());
}

#[test]
fn only_what_the_output_needs_runs_and_a_kept_copy_is_overwritten_too() {
    for names_orders in [false, true] {
        let server = StandIn::start();
        server.state().manners.names_orders = names_orders;
        let client = Comfyui::connect(&settings(&server.url()), vec![keeping()]).expect("valid");
        eventually("the survey", || client.ready().is_ok());
        let notes = Notes::default();
        client.stylise(&order(None), &notes).expect("a picture");
        let kept = left(&server);
        let copies = kept.iter().filter(|(folder, _)| folder == "output");
        assert_eq!(copies.count(), 1, "{kept:?}");
        client
            .forget(&notes.last_ticket().expect("kept"))
            .expect("erased");
        assert_eq!(left(&server), []);
    }
}

#[test]
fn a_copy_is_overwritten_though_the_server_was_started_anew_meanwhile() {
    let server = StandIn::start();
    let client = Comfyui::connect(&settings(&server.url()), vec![keeping()]).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    // Its history is gone; of its folders it empties `temp` alone.
    server.state().history.clear();
    server
        .state()
        .files
        .retain(|(folder, _), _| folder != "temp");
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn an_order_that_is_cancelled_leaves_nothing() {
    let server = StandIn::start();
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |notes| notes.cancelled.store(true, SeqCst));
    assert_eq!(made, Err(Trouble::Cancelled));
    eventually("the photo's end", || is_blank(&server));
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("nothing is left");
    assert_eq!(left(&server), []);
}

#[test]
fn an_order_that_fails_or_is_refused_leaves_nothing() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.out_of_memory = 2;
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect_err("too large");
    for ticket in notes.tickets.lock().expect("a lock").iter() {
        client.forget(ticket).expect("erased");
    }
    assert_eq!(left(&server), []);
    let refusal = (500, "broken".to_owned());
    server.state().manners.refusals.insert("/prompt", refusal);
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect_err("refused");
    assert_eq!(left(&server).len(), 1);
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn a_photo_whose_order_was_never_sent_is_known_on_disk() {
    let server = StandIn::start();
    let client = client(&server);
    let notes = Notes::default();
    // The program is killed once the photo is there.
    let refusal = (503, String::new());
    server
        .state()
        .manners
        .refusals
        .insert("/upload/image", refusal);
    let away = client.stylise(&order(None), &notes);
    assert!(matches!(away, Err(Trouble::Away(_))), "{away:?}");
    let ticket = notes.last_ticket().expect("kept before the photo left");
    assert_eq!(ticket.sends, 0, "no order was sent");
    server.state().manners.refusals.clear();
    eventually("its return", || client.ready().is_ok());
    let again = Notes::default();
    client
        .stylise(&order(Some(ticket.clone())), &again)
        .expect("made");
    assert_eq!(
        again.last_ticket().map(|ticket| ticket.sends),
        Some(1),
        "sent once"
    );
    for ticket in [ticket, again.last_ticket().expect("kept")] {
        client.forget(&ticket).expect("erased");
    }
    assert_eq!(left(&server), []);
}

#[test]
fn a_server_that_renames_uploads_is_followed() {
    let server = StandIn::start();
    let client = client(&server);
    server.state().manners.renames = true;
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn where_pictures_cannot_be_overwritten_it_is_told_and_the_history_is_erased_all_the_same() {
    let server = StandIn::start();
    server.state().manners.never_overwrites = true;
    let client = client(&server);
    assert!(!client.erases_pictures());
    let told = survey(&settings(&server.url()), &[workflow()])
        .expect("valid")
        .expect("there");
    assert!(!told.erases_pictures);
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("as far as it goes");
    assert!(server.state().history.is_empty());
    assert_eq!(left(&server).len(), 2);

    // One that allows it at first: the page's promise ends with the first picture that stays.
    let server = StandIn::start();
    let client = super::client(&server);
    assert!(client.erases_pictures());
    let notes = Notes::default();
    client.stylise(&order(None), &notes).expect("a picture");
    server.state().manners.never_overwrites = true;
    client
        .forget(&notes.last_ticket().expect("kept"))
        .expect("as far as it goes");
    assert!(!client.erases_pictures());
}

#[test]
fn through_the_booth_nothing_of_a_visitor_stays_there() {
    let server = StandIn::start();
    let folder = std::env::temp_dir().join(format!("carrier-erasing-{}", JobId::random()));
    let stylists: Vec<Arc<dyn Stylist>> = vec![client(&server)];
    let booth = Booth::open(
        Settings::in_folder(folder.clone()),
        stylists,
        BoothMetrics::register(&mut Registry::default(), &[MadeBy::Comfyui]),
    );
    let booth = booth.expect("a booth");
    let source = Intake::read(&styled("inverted", None).source, &Limits::UPLOAD);
    let submission = Submission {
        visitor: "ann".to_owned(),
        address: "ann".to_owned(),
        style: "inverted".to_owned(),
        made_by: None,
        source: source.expect("a picture"),
        share: false,
        key: None,
    };
    let job = booth.submit(submission).expect("taken").job.id;
    // The stand-in's picture is none: it fails at the very end, when everything is on the server.
    eventually("its end", || {
        let view = booth.view(job).expect("readable").expect("known");
        view.state == State::Failed
    });
    eventually("the erasing", || {
        is_blank(&server) && server.state().history.is_empty()
    });
    booth.close();
    let _ = std::fs::remove_dir_all(folder);
}
