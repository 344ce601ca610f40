//! Jobs from submission to their end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stylise::{
    Booth, BoothError, BoothMetrics, MadeBy, PictureKind, Progress, RemoteOrder, Removed,
    RequestKey, State, StylistError, SubmitError, WaitsFor,
};
use uuid::Uuid;

use crate::checks::assert_no_picture;
use crate::rig::{
    self, FakeStylist, Rig, ask, open_gate, png, submit, until, view, wait, wait_for, wait_for_gate,
};

#[test]
fn a_job_runs_and_is_followed() {
    let mut rig = Rig::new("made");
    let gate = Arc::new(Mutex::new(false));
    let opened = Arc::clone(&gate);
    let stylist = FakeStylist::new(MadeBy::Comfyui, move |_, context| {
        context.report(Progress::Uploading);
        context.report(Progress::Waiting { ahead: 2 });
        wait_for_gate(&opened, context)?;
        *opened.lock().expect("no panic") = false;
        context.report(Progress::Running { step: 3, steps: 4 });
        context.preview(png([0, 0, 255]));
        context.preview(b"no picture".to_vec());
        wait_for_gate(&opened, context)?;
        Ok(png([0, 255, 0]))
    });
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "clay").id;
    let follower = booth.follow(id).expect("readable").expect("known");
    let waiting = wait(&booth, id, |view| view.position == Some(2));
    assert_eq!(waiting.state, State::Queued, "it waits behind other orders");
    assert_eq!(waiting.waits_for, Some(WaitsFor::Others));
    assert_eq!(waiting.expected_wait_s, None, "behind other orders");
    let second = submit(&booth, "bob", "clay");
    assert_eq!((second.state, second.position), (State::Queued, Some(3)));
    assert_eq!(second.expected_wait_s, None);

    open_gate(&gate);
    let at_work = wait(&booth, id, |view| view.preview_serial == 1);
    assert_eq!(
        (at_work.step, at_work.steps, at_work.position),
        (Some(3), Some(4), None)
    );
    let preview = booth
        .picture(id, PictureKind::Preview)
        .expect("readable")
        .expect("there");
    assert!(preview.starts_with(&[0xff, 0xd8]), "our own JPEG");
    until("the follower is told", || {
        *follower.borrow().as_ref() == at_work
    });

    open_gate(&gate);
    let done = wait_for(&booth, id, State::Done);
    assert!(done.has_result && done.has_source && done.error.is_none());
    let result = booth
        .picture(id, PictureKind::Result)
        .expect("readable")
        .expect("there");
    assert!(result.starts_with(&[0xff, 0xd8]), "re-encoded");
    assert_no_picture(booth.picture(id, PictureKind::Preview).expect("readable"));
    let json = serde_json::to_value(&done).expect("serialises");
    assert_eq!(json["state"], "done");
    assert_eq!(json["made_by"], "comfyui");
    assert_eq!(json["id"], id.to_string());
    let metrics = rig.metrics();
    for counted in [
        "carrier_stylise_jobs_total{made_by=\"comfyui\",state=\"done\"} 1",
        "carrier_stylise_discarded_total{what=\"BadPreview\"}",
    ] {
        assert!(metrics.contains(counted), "{metrics}");
    }
}

#[test]
fn concurrent_requests_with_one_key_give_one_job() {
    let mut rig = Rig::new("key");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 2, 3])));
    let booth = rig.open(&[&stylist]);
    let key = rig::key(7);
    let asking: Vec<_> = (0..6)
        .map(|_| {
            let (booth, key): (Booth, _) = (booth.clone(), key.clone());
            std::thread::spawn(move || {
                let mut asked = ask("ann", "pencil");
                asked.key = Some(key);
                booth.submit(asked).expect("taken")
            })
        })
        .collect();
    let answers: Vec<_> = asking
        .into_iter()
        .map(|it| it.join().expect("no panic"))
        .collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_new).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.job.id == answers[0].job.id)
    );
    let id = answers[0].job.id;
    let known = booth.by_key("ann", &key).expect("readable").expect("known");
    assert_eq!(known.id, id);
    wait_for(&booth, id, State::Done);
    assert_eq!(rig.pictures().len(), 2, "the others' pictures are gone");
}

#[test]
fn a_key_is_bound_to_visitor_and_request() {
    let mut rig = Rig::new("keys");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 2, 3])));
    let booth = rig.open(&[&stylist]);
    let submit = |visitor: &str, form: &str| {
        let mut asked = ask(visitor, "pencil");
        asked.key = Some(RequestKey {
            form: form.to_owned(),
            ..rig::key(7)
        });
        booth.submit(asked)
    };
    let ann = submit("ann", "me in pencil").expect("taken").job.id;
    let bob = submit("bob", "me in pencil").expect("another visitor");
    assert!(bob.is_new && bob.job.id != ann);
    let again = submit("ann", "me in pencil").expect("known");
    assert_eq!((again.is_new, again.job.id), (false, ann));
    let other = submit("ann", "you in pencil").expect_err("a key used for two requests");
    assert!(matches!(other, SubmitError::KeyReused), "{other}");
    assert!(booth.has_key("ann", rig::key(7).id).expect("readable"));
    assert!(!booth.has_key("cem", rig::key(7).id).expect("readable"));
}

#[test]
fn one_address_cannot_fill_the_queue() {
    let mut rig = Rig::new("crowd");
    rig.settings.queue_max = 20;
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, context| {
        wait_for_gate(&Mutex::new(false), context)?;
        Err(StylistError::Cancelled)
    });
    let booth = rig.open(&[&stylist]);
    let from = |address: &str, visitor: u32| {
        let mut asked = ask(&format!("visitor {visitor}"), "pencil");
        asked.address = address.to_owned();
        booth.submit(asked).map(|submitted| submitted.job)
    };
    let first = from("hall", 0).expect("room");
    wait_for(&booth, first.id, State::Running);
    let refused = (1..100).find_map(|visitor| from("hall", visitor).err());
    let refused = refused.expect("room is left for others");
    assert!(
        matches!(refused, SubmitError::AddressFull { .. }),
        "{refused}"
    );
    assert_eq!(
        booth.waiting(),
        18,
        "one address gets nearly all places while alone"
    );
    let home = from("home", 1000).expect("another address");
    assert_eq!(home.position, Some(1), "round robin over addresses");
    from("street", 1001).expect("yet another one");
    assert!(matches!(from("park", 1002), Err(SubmitError::Full { .. })));
}

#[test]
fn limits_are_reported_with_retry_after() {
    let mut rig = Rig::new("full");
    rig.settings.queue_max = 4;
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, context| {
        wait_for_gate(&Mutex::new(false), context)?;
        Err(StylistError::Cancelled)
    });
    let booth = rig.open(&[&stylist]);
    let first = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, first, State::Running);
    submit(&booth, "ann", "pencil");
    submit(&booth, "ann", "pencil");
    let refused = booth
        .submit(ask("ann", "pencil"))
        .expect_err("three are enough");
    assert!(
        matches!(refused, SubmitError::TooMany { retry_after } if retry_after >= Duration::from_secs(1)),
        "{refused}"
    );
    let bob = submit(&booth, "bob", "pencil");
    assert_eq!(bob.position, Some(1), "before ann's next job");
    submit(&booth, "bob", "pencil");
    let refused = booth.submit(ask("cem", "pencil")).expect_err("four wait");
    assert!(
        matches!(refused, SubmitError::Full { retry_after } if retry_after >= Duration::from_secs(1)),
        "{refused}"
    );
    let refused = booth.submit(ask("cem", "oil")).expect_err("unknown");
    assert!(
        matches!(&refused, SubmitError::UnknownStyle(id) if id == "oil"),
        "{refused}"
    );
    assert_eq!(rig.pictures().len(), 5, "rejected pictures are deleted");
    assert_eq!(booth.waiting(), 4);
    let metrics = rig.metrics();
    assert!(
        metrics.contains("carrier_stylise_waiting{made_by=\"laptop\"} 4"),
        "{metrics}"
    );
    assert!(
        metrics.contains("carrier_stylise_refused_total{reason=\"queue_full\"} 1"),
        "{metrics}"
    );
}

#[test]
fn queued_and_running_jobs_are_cancelled_at_once() {
    let mut rig = Rig::new("cancel");
    let kept = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&kept);
    let stylist = FakeStylist::new(MadeBy::Comfyui, move |_, context| {
        let remote = RemoteOrder {
            id: Uuid::new_v4(),
            sends: 1,
            details: None,
        };
        context.save_remote_order(&remote)?;
        counted.fetch_add(1, Ordering::Relaxed);
        let _ = wait_for_gate(&Mutex::new(false), context);
        // Too late: the job is cancelled.
        Ok(png([9, 9, 9]))
    });
    let booth = rig.open(&[&stylist]);
    let (running, waiting) = (
        submit(&booth, "ann", "clay").id,
        submit(&booth, "bob", "clay").id,
    );
    wait(&booth, running, |_| kept.load(Ordering::Relaxed) == 1);
    for id in [waiting, running] {
        let removed = booth.remove(id).expect("written").expect("known");
        let Removed::Cancelled(view) = removed else {
            panic!("{removed:?}");
        };
        assert_eq!((view.state, view.has_source), (State::Cancelled, false));
    }
    crate::rig::until("the stylist is cancelled and its order forgotten", || {
        stylist.forgotten().len() == 1
    });
    assert_eq!(
        view(&booth, running).state,
        State::Cancelled,
        "the late result is discarded"
    );
    crate::rig::until("no picture is left", || rig.pictures().is_empty());
    assert_eq!(
        kept.load(Ordering::Relaxed),
        1,
        "the queued job never started"
    );
}

#[test]
fn panics_and_invalid_results_fail_one_job_each() {
    let mut rig = Rig::new("panic");
    let calls = AtomicU32::new(0);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, _| {
        match calls.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("on purpose"),
            1 => Ok(b"<html>".to_vec()),
            2 => Err(StylistError::Failed("Out of paint: buy some.".to_owned())),
            _ => Ok(png([5, 5, 5])),
        }
    });
    let booth = rig.open(&[&stylist]);
    for wanted in [
        "failed on this picture",
        "not a picture",
        "Out of paint: buy some.",
    ] {
        let id = submit(&booth, "ann", "pencil").id;
        let failed = wait_for(&booth, id, State::Failed);
        let words = failed.error.expect("words");
        assert!(words.contains(wanted), "{words}");
    }
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Done);
}

#[test]
fn comfyuis_style_precedes_the_laptops() {
    let mut rig = Rig::new("clash");
    let laptop = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let comfyui = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([2, 2, 2])));
    let booth = rig.open(&[&laptop, &comfyui]);
    let styles: Vec<_> = booth
        .styles()
        .into_iter()
        .map(|it| (it.id, it.made_by))
        .collect();
    assert_eq!(
        styles,
        [
            ("comic", MadeBy::Comfyui),
            ("clay", MadeBy::Comfyui),
            ("pencil", MadeBy::BuiltIn)
        ]
        .map(|(id, made_by)| (id.to_owned(), made_by))
    );
}

#[test]
fn a_folder_can_be_opened_once() {
    let mut rig = Rig::new("lock");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let mut registry = prometheus_client::registry::Registry::default();
    let metrics = BoothMetrics::register(&mut registry, &[]);
    let second = Booth::open(rig.settings.clone(), Vec::new(), metrics);
    let error = second.err().expect("refused");
    assert!(matches!(error, BoothError::InUse(_)), "{error}");
    drop(booth);
    rig.open(&[&stylist]);
}

#[test]
fn without_styles_the_submission_names_the_reason() {
    let mut rig = Rig::new("nobody");
    let booth = rig.open(&[]);
    let refused = booth.submit(ask("ann", "clay")).expect_err("nobody");
    assert!(matches!(refused, SubmitError::NoStylist(_)), "{refused}");
}
