//! Visitors' pictures on the server are overwritten when an order is over, and it is reported where that is
//! impossible.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use prometheus_client::registry::Registry;
use stylise::comfyui::{Comfyui, survey};
use stylise::workflow::Workflow;
use stylise::{
    Booth, BoothMetrics, BoothSettings, CheckedPicture, JobId, Limits, MadeBy, PhotoKind, State,
    Stylist, StylistError, Submission,
};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::{client, eventually, order, settings, styled, while_at_work, workflow};
use crate::checks::assert_made;

/// Visitors' pictures on the server. A function, because inside an assertion the lock would be held.
fn left(server: &FakeServer) -> Vec<(String, String)> {
    server.state().pictures()
}

fn is_blank(server: &FakeServer) -> bool {
    left(server).is_empty()
}

/// Like `workflow`, with a node that saves its pictures in `output`, and a second output that is not needed.
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
    let server = FakeServer::start();
    let client = client(&server);
    assert!(client.erases_pictures());
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    assert_eq!(left(&server).len(), 2, "kept until the result is stored");
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
    assert!(client.erases_pictures());
}

#[test]
fn only_needed_nodes_run_and_saved_copies_are_overwritten() {
    for names_orders in [false, true] {
        let server = FakeServer::start();
        server.state().behaviour.names_orders = names_orders;
        let client =
            Comfyui::connect(&settings(&server.url()), vec![keeping()], None).expect("valid");
        eventually("the survey", || client.ready().is_ok());
        let notes = RecordingContext::default();
        client.stylise(&order(None), &notes).expect("a picture");
        let kept = left(&server);
        let copies = kept.iter().filter(|(folder, _)| folder == "output");
        assert_eq!(copies.count(), 1, "{kept:?}");
        client
            .forget(&notes.last_remote_order().expect("kept"))
            .expect("erased");
        assert_eq!(left(&server), []);
    }
}

#[test]
fn a_saved_copy_is_overwritten_after_a_server_restart() {
    let server = FakeServer::start();
    let client = Comfyui::connect(&settings(&server.url()), vec![keeping()], None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    // A restarted server has no history; of its folders it clears only `temp`.
    server.state().history.clear();
    server
        .state()
        .files
        .retain(|(folder, _), _| folder != "temp");
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn a_cancelled_order_leaves_nothing() {
    let server = FakeServer::start();
    server.state().behaviour.step_ms = 700;
    let client = client(&server);
    let (made, notes) = while_at_work(&client, |notes| notes.cancelled.store(true, SeqCst));
    assert_made(&made, &Err(StylistError::Cancelled));
    eventually("the photo is erased", || is_blank(&server));
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("nothing is left");
    assert_eq!(left(&server), []);
}

#[test]
fn a_failed_or_refused_order_leaves_nothing() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.out_of_memory = 2;
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect_err("too large");
    for remote in notes.orders.lock().expect("a lock").iter() {
        client.forget(remote).expect("erased");
    }
    assert_eq!(left(&server), []);
    let refusal = (500, "broken".to_owned());
    server.state().behaviour.refusals.insert("/prompt", refusal);
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect_err("refused");
    assert_eq!(left(&server).len(), 1);
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn a_photo_without_an_order_is_recorded_on_disk() {
    let server = FakeServer::start();
    let client = client(&server);
    let notes = RecordingContext::default();
    // The program is killed after the upload.
    let refusal = (503, String::new());
    server
        .state()
        .behaviour
        .refusals
        .insert("/upload/image", refusal);
    let away = client.stylise(&order(None), &notes);
    assert!(
        matches!(away, Err(StylistError::Unavailable(_))),
        "{away:?}"
    );
    let remote = notes
        .last_remote_order()
        .expect("kept before the photo left");
    assert_eq!(remote.sends, 0, "no order was sent");
    server.state().behaviour.refusals.clear();
    eventually("the server returns", || client.ready().is_ok());
    let again = RecordingContext::default();
    client
        .stylise(&order(Some(remote.clone())), &again)
        .expect("made");
    assert_eq!(
        again.last_remote_order().map(|remote| remote.sends),
        Some(1),
        "sent once"
    );
    for remote in [remote, again.last_remote_order().expect("kept")] {
        client.forget(&remote).expect("erased");
    }
    assert_eq!(left(&server), []);
}

#[test]
fn renamed_uploads_are_used_and_erased() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.renames = true;
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("erased");
    assert_eq!(left(&server), []);
}

#[test]
fn without_overwriting_the_history_is_still_erased() {
    let server = FakeServer::start();
    server.state().behaviour.never_overwrites = true;
    let client = client(&server);
    assert!(!client.erases_pictures());
    let told = survey(&settings(&server.url()), &[workflow()])
        .expect("valid")
        .expect("there");
    assert!(!told.erases_pictures);
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("long enough");
    assert!(server.state().history.is_empty());
    assert_eq!(left(&server).len(), 2);

    // A server that allows overwriting at first: the promise ends with the first picture that stays.
    let server = FakeServer::start();
    let client = super::client(&server);
    assert!(client.erases_pictures());
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    server.state().behaviour.never_overwrites = true;
    client
        .forget(&notes.last_remote_order().expect("kept"))
        .expect("long enough");
    assert!(!client.erases_pictures());
}

#[test]
fn the_booth_leaves_nothing_on_the_server() {
    let server = FakeServer::start();
    let folder = std::env::temp_dir().join(format!("carrier-erasing-{}", JobId::random()));
    let stylists: Vec<Arc<dyn Stylist>> = vec![client(&server)];
    let booth = Booth::open(
        BoothSettings::in_folder(folder.clone()),
        stylists,
        BoothMetrics::register(&mut Registry::default(), &[MadeBy::Comfyui]),
    );
    let booth = booth.expect("a booth");
    let source = CheckedPicture::read(&styled("inverted", None).source, &Limits::UPLOAD);
    let submission = Submission {
        visitor: "ann".to_owned(),
        address: "ann".to_owned(),
        style: "inverted".to_owned(),
        photo_kind: PhotoKind::Single,
        made_by: None,
        source: source.expect("a picture"),
        share: false,
        key: None,
    };
    let job = booth.submit(submission).expect("taken").job.id;
    // The fake server's result is not a picture, so the job fails at the very end, when everything is on the
    // server.
    eventually("the order ends", || {
        let view = booth.view(job).expect("readable").expect("known");
        view.state == State::Failed
    });
    eventually("the erasing", || {
        is_blank(&server) && server.state().history.is_empty()
    });
    booth.close();
    let _ = std::fs::remove_dir_all(folder);
}
