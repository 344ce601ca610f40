//! Erasing: from the disk, the database and the servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use stylise::{MadeBy, PictureKind, RemoteOrder, Removed, State};
use uuid::Uuid;

use crate::checks::assert_no_picture;
use crate::rig::{
    FakeStylist, Rig, open_gate, png, submit, until, view, wait, wait_for, wait_for_gate,
};

fn with_remote_orders() -> Arc<FakeStylist> {
    FakeStylist::new(MadeBy::Comfyui, |_, context| {
        let remote = RemoteOrder {
            id: Uuid::new_v4(),
            sends: 1,
            details: None,
        };
        context.save_remote_order(&remote)?;
        Ok(png([1, 1, 1]))
    })
}

#[test]
fn a_finished_job_is_erased_at_once() {
    let mut rig = Rig::new("erase");
    let stylist = with_remote_orders();
    let booth = rig.open(&[&stylist]);
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
        "followers see the channel close"
    );
    until("ComfyUI forgets", || stylist.forgotten().len() == 1);
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
    let stylist = with_remote_orders();
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "clay").id;
    booth.set_share(id, true).expect("written");
    let over = wait_for(&booth, id, State::Expired);
    assert!(!over.has_result && !over.has_source && !over.share);
    assert_no_picture(booth.picture(id, PictureKind::Source).expect("readable"));
    assert!(booth.gallery(true).expect("readable").is_empty());
    until("the pictures are erased", || rig.pictures().is_empty());
    until("ComfyUI forgets", || stylist.forgotten().len() == 1);
}

#[test]
fn a_running_job_is_stopped_when_it_expires() {
    let mut rig = Rig::new("expire-running");
    rig.settings.keep = Duration::from_millis(300);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, context| {
        crate::rig::wait_for_gate(&std::sync::Mutex::new(false), context)?;
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, id, State::Expired);
    let next = submit(&booth, "ann", "pencil").id;
    wait(&booth, next, |view| view.state != State::Queued);
}

#[test]
fn a_pending_forget_survives_a_restart() {
    let mut rig = Rig::new("forget");
    let stylist = with_remote_orders();
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "clay").id;
    // Unavailable from the moment of the result, so that only the next program can forget the order.
    wait(&booth, id, |view| {
        stylist.set_away(view.has_result.then_some("gone"));
        view.has_result
    });
    let soon = stylist.forgotten().len();
    drop(booth);
    stylist.set_away(None);
    let booth = rig.open(&[&stylist]);
    until("the next program has it forgotten", || {
        stylist.forgotten().len() == 1
    });
    assert!(soon <= 1);
    assert_eq!(view(&booth, id).state, State::Done);
}

/// Makes the database reject changes, as on a full disk.
fn refuse(rig: &Rig) -> Connection {
    let db = Connection::open(rig.settings.folder.join("booth.sqlite3")).expect("the database");
    db.busy_timeout(Duration::from_secs(60)).expect("set");
    let sql =
        "CREATE TRIGGER no_delete BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END;
        CREATE TRIGGER no_update BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END;";
    db.execute_batch(sql).expect("made");
    db
}

fn relent(db: &Connection) {
    let sql = "DROP TRIGGER no_delete; DROP TRIGGER no_update;";
    db.execute_batch(sql).expect("dropped");
}

fn rows(db: &Connection) -> u32 {
    let count = db.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0));
    count.expect("readable")
}

#[test]
fn pictures_are_erased_when_the_database_is_not_writable() {
    let mut rig = Rig::new("erase-full");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let id = submit(&booth, "ann", "pencil").id;
    booth.set_share(id, true).expect("written");
    wait_for(&booth, id, State::Done);
    let [shown] = booth
        .gallery(false)
        .expect("readable")
        .try_into()
        .expect("one");
    let db = refuse(&rig);
    assert_eq!(booth.remove(id).expect("erased"), Some(Removed::Erased));
    assert!(rig.pictures().is_empty(), "the files are gone");
    assert_eq!(booth.view(id).expect("readable"), None);
    assert_no_picture(booth.picture(id, PictureKind::Result).expect("readable"));
    assert!(booth.follow(id).expect("readable").is_none());
    assert_eq!(booth.remove(id).expect("readable"), None, "once");
    assert!(booth.gallery(true).expect("readable").is_empty());
    assert_no_picture(booth.gallery_picture(shown.id, true).expect("readable"));
    assert_eq!(rows(&db), 1, "the row is still there");
    relent(&db);
    until("the database forgets it too", || rows(&db) == 0);
}

#[test]
fn jobs_are_cancelled_when_the_database_is_not_writable() {
    let mut rig = Rig::new("cancel-full");
    let gate = Arc::new(Mutex::new(false));
    let opened = Arc::clone(&gate);
    let stylist = FakeStylist::new(MadeBy::BuiltIn, move |_, context| {
        wait_for_gate(&opened, context)?;
        Ok(png([1, 1, 1]))
    });
    let booth = rig.open(&[&stylist]);
    let [running, waiting] = [0; 2].map(|_| submit(&booth, "ann", "pencil").id);
    wait_for(&booth, running, State::Running);
    let db = refuse(&rig);
    for id in [waiting, running] {
        assert_eq!(booth.remove(id).expect("erased"), Some(Removed::Erased));
        assert_eq!(booth.view(id).expect("readable"), None);
    }
    assert!(rig.pictures().is_empty(), "the files are gone");
    assert_eq!(booth.waiting(), 0);
    relent(&db);
    until("the database forgets them too", || rows(&db) == 0);
    open_gate(&gate);
    let next = submit(&booth, "bob", "pencil").id;
    wait_for(&booth, next, State::Done);
    assert_eq!(rig.pictures().len(), 2, "the erased pictures stay erased");
}

#[test]
fn the_booth_survives_the_deletion_of_its_folder() {
    let mut rig = Rig::new("deleted");
    let stylist = FakeStylist::new(MadeBy::BuiltIn, |_, _| Ok(png([1, 1, 1])));
    let booth = rig.open(&[&stylist]);
    let before = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, before, State::Done);
    // The janitor may recreate a file meanwhile.
    let folder = &rig.settings.folder;
    until("it is deleted", || std::fs::remove_dir_all(folder).is_ok());
    let after = submit(&booth, "ann", "pencil").id;
    wait_for(&booth, after, State::Done);
    drop(booth);
    let booth = rig.open(&[&stylist]);
    assert_eq!(view(&booth, after).state, State::Done, "on the disk again");
    assert_eq!(
        view(&booth, before).state,
        State::Failed,
        "its picture is lost"
    );
    // The janitor notices without any other change.
    let file = rig.settings.folder.join("booth.sqlite3");
    std::fs::remove_file(&file).expect("there");
    until("it is there again", || file.is_file());
}
