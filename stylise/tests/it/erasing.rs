//! What is over is gone: from the disk, the database and the servers.

use std::sync::Arc;
use std::time::Duration;

use stylise::{MadeBy, Removed, State, Ticket, Which};
use uuid::Uuid;

use crate::rig::{Rig, Studio, png, submit, until, view, wait, wait_for};

fn with_tickets() -> Arc<Studio> {
    Studio::new(MadeBy::Comfyui, |_, desk| {
        let ticket = Ticket {
            id: Uuid::new_v4(),
            sends: 1,
            memo: None,
        };
        desk.keep_ticket(&ticket)?;
        Ok(png([1, 1, 1]))
    })
}

#[test]
fn a_finished_job_is_erased_at_once() {
    let mut rig = Rig::new("erase");
    let studio = with_tickets();
    let booth = rig.open(&[&studio]);
    let id = submit(&booth, "the-cookie-of-ann", "clay").id;
    booth.set_share(id, true).expect("written");
    wait_for(&booth, id, State::Done);
    let mut follower = booth.follow(id).expect("readable").expect("known");
    follower.mark_unchanged();
    let removed = booth.remove(id).expect("written");
    assert_eq!(removed, Some(Removed::Erased));
    assert_eq!(booth.view(id).expect("readable"), None);
    assert_eq!(booth.remove(id).expect("readable"), None);
    assert!(booth.gallery(true).expect("readable").is_empty());
    assert!(rig.pictures().is_empty());
    assert!(
        follower.has_changed().is_err(),
        "whoever follows hears the end"
    );
    until("ComfyUI forgets", || studio.forgotten().len() == 1);
    let needle = b"the-cookie-of-ann";
    for file in crate::rig::files(&rig.settings.folder) {
        if file.is_file() {
            let bytes = std::fs::read(&file).expect("readable");
            let found = bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!found, "{}", file.display());
        }
    }
}

#[test]
fn everything_expires() {
    let mut rig = Rig::new("expire");
    rig.settings.keep = Duration::from_millis(400);
    let studio = with_tickets();
    let booth = rig.open(&[&studio]);
    let id = submit(&booth, "ann", "clay").id;
    booth.set_share(id, true).expect("written");
    let over = wait_for(&booth, id, State::Expired);
    assert!(!over.has_result && !over.has_source && !over.share);
    assert_eq!(booth.picture(id, Which::Source).expect("readable"), None);
    assert!(booth.gallery(true).expect("readable").is_empty());
    until("the pictures are erased", || rig.pictures().is_empty());
    until("ComfyUI forgets", || studio.forgotten().len() == 1);
}

#[test]
fn a_job_that_runs_when_its_time_is_over_is_stopped() {
    let mut rig = Rig::new("expire-running");
    rig.settings.keep = Duration::from_millis(300);
    let studio = Studio::new(MadeBy::Laptop, |_, desk| {
        crate::rig::wait_at(&std::sync::Mutex::new(false), desk)?;
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&studio]);
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Expired);
    let next = submit(&booth, "ann", "pencil").id;
    wait(&booth, next, |view| view.state != State::Queued);
}

#[test]
fn forgetting_is_not_forgotten() {
    let mut rig = Rig::new("forget");
    let studio = with_tickets();
    let booth = rig.open(&[&studio]);
    let id = submit(&booth, "ann", "clay").id;
    // Away from when it has given the result: only the next program finds it again.
    wait(&booth, id, |view| {
        studio.set_away(view.has_result.then_some("gone"));
        view.has_result
    });
    let soon = studio.forgotten().len();
    drop(booth);
    studio.set_away(None);
    let booth = rig.open(&[&studio]);
    until("the next program has it forgotten", || {
        studio.forgotten().len() == 1
    });
    assert!(soon <= 1);
    assert_eq!(view(&booth, id).state, State::Done);
}
