//! Outages of a stylist, restarts of the program, and lost files.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stylise::{MadeBy, RemoteOrder, State, StylistError, Submission, SubmitError, WaitsFor};
use uuid::Uuid;

use crate::rig::{FakeStylist, Rig, ask, png, submit, view, wait, wait_for, wait_for_gate};

#[test]
fn jobs_wait_for_an_unavailable_stylist_with_a_note() {
    let mut rig = Rig::new("away");
    let stylist = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([1, 1, 1])));
    stylist.set_away(Some("connection refused"));
    let booth = rig.open(&[&stylist]);
    let first = submit(&booth, "ann", "clay").id;
    let second = submit(&booth, "bob", "clay").id;
    let waiting = wait(&booth, first, |view| view.note.is_some());
    assert_eq!((waiting.state, waiting.position), (State::Queued, Some(0)));
    assert_eq!(waiting.note.as_deref(), Some("Waiting: connection refused"));
    assert_eq!(waiting.waits_for, Some(WaitsFor::Server));
    assert_eq!((waiting.error, waiting.expected_wait_s), (None, None));
    assert_eq!(view(&booth, second).position, Some(1));
    stylist.set_away(None);
    wait_for(&booth, first, State::Done);
    let done = wait_for(&booth, second, State::Done);
    assert_eq!((done.note, done.waits_for), (None, None));
}

#[test]
fn jobs_fail_after_away_max() {
    let mut rig = Rig::new("away-long");
    rig.settings.away_max = Duration::from_millis(100);
    let stylist = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([1, 1, 1])));
    stylist.set_away(Some("connection refused"));
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "clay").id;
    let failed = wait_for(&booth, id, State::Failed);
    let words = failed.error.expect("words");
    assert!(
        words.contains("picture server was away") && words.contains("Try another style"),
        "{words}"
    );
}

#[test]
fn a_running_order_is_resumed_after_a_restart() {
    let mut rig = Rig::new("stopping");
    let seen: Arc<Mutex<Vec<Option<RemoteOrder>>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let stylist = FakeStylist::new(MadeBy::Comfyui, move |order, context| {
        noted.lock().expect("no panic").push(order.remote.clone());
        if order.remote.is_some() {
            return Ok(png([1, 1, 1]));
        }
        context.save_remote_order(&RemoteOrder {
            id: Uuid::from_u128(7),
            sends: 1,
            details: None,
        })?;
        wait_for_gate(&Mutex::new(false), context)?;
        Err(StylistError::Cancelled)
    });
    let booth = rig.open(&[&stylist]);
    let first = submit(&booth, "ann", "clay").id;
    let second = submit(&booth, "bob", "clay").id;
    wait_for(&booth, first, State::Running);
    crate::rig::until("the order is running", || {
        !seen.lock().expect("no panic").is_empty()
    });
    booth.close();
    drop(booth);
    let booth = rig.open(&[&stylist]);
    wait_for(&booth, first, State::Done);
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen[0], None);
    assert_eq!(
        seen[1].as_ref().map(|remote| remote.id),
        Some(Uuid::from_u128(7))
    );
    booth.remove(second).expect("written");
}

#[test]
fn a_job_without_its_picture_fails_with_a_message() {
    let mut rig = Rig::new("lost");
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, context| {
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            return Ok(png([1, 1, 1]));
        }
        wait_for_gate(&Mutex::new(false), context)?;
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&stylist]);
    let done = submit(&booth, "ann", "pencil").id;
    booth.set_share(done, true).expect("written");
    wait_for(&booth, done, State::Done);
    let waiting = submit(&booth, "ann", "pencil").id;
    drop(booth);
    for picture in rig.pictures() {
        std::fs::remove_file(picture).expect("there");
    }
    std::fs::write(rig.settings.folder.join("pictures/half.jpg.part"), b"?").expect("room");
    let booth = rig.open(&[&stylist]);
    for id in [done, waiting] {
        let failed = view(&booth, id);
        assert_eq!(failed.state, State::Failed);
        assert!(
            failed
                .error
                .expect("words")
                .contains("not on the disk any more")
        );
    }
    assert!(booth.gallery(true).expect("readable").is_empty());
    assert!(rig.pictures().is_empty());
    assert!(rig.metrics().contains("carrier_stylise_orphans_total 1"));
}

#[test]
fn a_job_of_a_removed_stylist_fails() {
    let mut rig = Rig::new("unplugged");
    let comfyui = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([1, 1, 1])));
    comfyui.set_away(Some("off"));
    let booth = rig.open(&[&comfyui]);
    let id = submit(&booth, "ann", "clay").id;
    drop(booth);
    let laptop = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&laptop]);
    let failed = view(&booth, id);
    assert_eq!(failed.state, State::Failed);
    assert!(
        failed
            .error
            .expect("words")
            .contains("the picture server is not used here any more")
    );
}

#[test]
fn styles_of_an_unavailable_server_are_marked_and_replaced() {
    let mut rig = Rig::new("away-styles");
    let comfyui = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([1, 1, 1])));
    let laptop = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([2, 2, 2])));
    let booth = rig.open(&[&comfyui, &laptop]);
    let offered = || {
        let styles = booth.styles().into_iter();
        let mut styles: Vec<_> = styles.map(|it| (it.id, it.made_by, it.away)).collect();
        styles.sort_by(|one, other| one.0.cmp(&other.0));
        styles
    };
    let of = |id: &str, made_by, away| (id.to_owned(), made_by, away);
    let pencil = of("pencil", MadeBy::BuiltIn, false);
    let there = [
        of("clay", MadeBy::Comfyui, false),
        of("comic", MadeBy::Comfyui, false),
        pencil.clone(),
    ];
    assert_eq!(offered(), there);
    comfyui.set_away(Some("connection refused"));
    let away = [
        of("clay", MadeBy::Comfyui, true),
        of("comic", MadeBy::BuiltIn, false),
        pencil,
    ];
    assert_eq!(offered(), away);
    let made = wait_for(&booth, submit(&booth, "ann", "comic").id, State::Done);
    assert_eq!(made.made_by, MadeBy::BuiltIn);
    comfyui.set_away(None);
    assert_eq!(offered(), there);
}

#[test]
fn a_picture_only_goes_to_the_stylist_its_visitor_chose() {
    let mut rig = Rig::new("consent");
    let comfyui = FakeStylist::new(MadeBy::Comfyui, |_, _| Ok(png([1, 1, 1])));
    let laptop = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([2, 2, 2])));
    let booth = rig.open(&[&comfyui, &laptop]);
    let order = |style: &str, made_by| {
        booth.submit(Submission {
            made_by,
            ..ask("ann", style)
        })
    };
    // Chosen while the server was unavailable; it came back meanwhile.
    let job = order("comic", Some(MadeBy::BuiltIn)).expect("taken").job;
    assert_eq!(job.made_by, MadeBy::BuiltIn);
    wait_for(&booth, job.id, State::Done);
    let job = order("comic", None).expect("taken").job;
    assert_eq!(job.made_by, MadeBy::Comfyui);
    wait_for(&booth, job.id, State::Done);
    let refused = order("clay", Some(MadeBy::BuiltIn));
    assert!(
        matches!(refused, Err(SubmitError::UnknownStyle(_))),
        "{refused:?}"
    );
}
