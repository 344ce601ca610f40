//! The store against real files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::slice;

use super::*;
use crate::job::{JobId, State};
use crate::life::Event;
use crate::scratch::Scratch;
use crate::station_time::{Before, Mark, Reading};
use crate::style::MadeBy;
use crate::stylist::Ticket;
use crate::view::{RequestKey, Shown};
use uuid::Uuid;

fn opened(scratch: &Scratch) -> Store {
    Store::open(&scratch.path().join("booth.sqlite3")).expect("a fresh store")
}

fn add(store: &mut Store, visitor: &str, share: bool) -> JobId {
    let job = NewJob {
        id: JobId::random(),
        visitor,
        address: "hall",
        key: None,
        style: "comic",
        made_by: MadeBy::Comfyui,
        share,
        source: "source.jpg",
        created_at_ms: 1000,
        expires_at_ms: 2000,
    };
    let row = store.insert(&job).expect("inserted");
    assert_eq!(
        store.job(job.id).expect("readable"),
        Some(row),
        "as promised"
    );
    job.id
}

fn gallery(store: &Store, all: bool) -> Vec<(JobId, Shown)> {
    store.gallery(all).expect("readable")
}

fn run_to_done(store: &mut Store, job: JobId) {
    assert!(store.advance(job, Event::Taken).expect("written"));
    let freed = store.end(job, End::Kept("result.jpg"), 1500);
    assert_eq!(freed.expect("written"), Some(Vec::new()));
}

fn ticket() -> Ticket {
    Ticket {
        id: Uuid::new_v4(),
        sends: 1,
        memo: None,
    }
}

fn left(store: &Store) -> Vec<Ticket> {
    store.to_forget(MadeBy::Comfyui).expect("readable")
}

#[test]
fn a_job_and_its_ticket_are_there_after_a_reopening() {
    let scratch = Scratch::new("reopened");
    let mut store = opened(&scratch);
    let job = add(&mut store, "ann", false);
    let ticket = ticket();
    assert!(
        !store.keep_ticket(job, &ticket).expect("readable"),
        "not its turn"
    );
    assert!(store.advance(job, Event::Taken).expect("written"));
    assert!(
        !store.advance(job, Event::Taken).expect("readable"),
        "twice"
    );
    assert!(store.keep_ticket(job, &ticket).expect("written"));
    drop(store);
    let row = opened(&scratch).job(job).expect("readable").expect("kept");
    assert_eq!((row.state, row.ticket), (State::Running, Some(ticket)));
}

#[test]
fn a_ticket_is_to_be_forgotten_once_its_job_is_over_or_has_another() {
    let scratch = Scratch::new("tickets");
    let mut store = opened(&scratch);
    let job = add(&mut store, "ann", false);
    store.advance(job, Event::Taken).expect("written");
    let (first, second) = (ticket(), ticket());
    for kept in [&first, &first, &second] {
        assert!(store.keep_ticket(job, kept).expect("written"));
    }
    assert_eq!(
        left(&store),
        slice::from_ref(&first),
        "sent again under another name"
    );
    store
        .end(job, End::Kept("result.jpg"), 1500)
        .expect("written");
    assert_eq!(left(&store), [first.clone(), second.clone()]);
    store.forgotten(first.id).expect("written");
    drop(store);
    assert_eq!(
        left(&opened(&scratch)),
        [second],
        "still known after a restart"
    );
}

#[test]
fn a_late_result_of_a_cancelled_job_changes_nothing() {
    let scratch = Scratch::new("late");
    let mut store = opened(&scratch);
    let job = add(&mut store, "ann", true);
    store.advance(job, Event::Taken).expect("written");
    let freed = store.end(job, End::Declined, 1500).expect("written");
    assert_eq!(freed, Some(vec!["source.jpg".to_owned()]));
    let late = store
        .end(job, End::Kept("result.jpg"), 1501)
        .expect("readable");
    assert_eq!(late, None);
    let row = store.job(job).expect("readable").expect("kept");
    assert_eq!(
        (row.state, row.source, row.result),
        (State::Cancelled, None, None)
    );
    assert!(store.gallery(true).expect("readable").is_empty());
}

#[test]
fn the_gallery_shows_what_is_shared_and_done_and_hidden_stays_hidden() {
    let scratch = Scratch::new("gallery");
    let mut store = opened(&scratch);
    let shared = add(&mut store, "ann", true);
    let private = add(&mut store, "bob", false);
    assert!(
        store.gallery(false).expect("readable").is_empty(),
        "not done"
    );
    run_to_done(&mut store, shared);
    run_to_done(&mut store, private);
    let [(_, shown)] = gallery(&store, false).try_into().expect("one");
    assert_ne!(shown.id.to_string(), shared.to_string());
    let (job, file) = store
        .shown(shown.id, false)
        .expect("readable")
        .expect("shown");
    assert_eq!((job, file.as_str()), (shared, "result.jpg"));

    assert!(store.hide(shown.id, true).expect("written"));
    assert!(store.gallery(false).expect("readable").is_empty());
    assert_eq!(store.shown(shown.id, false).expect("readable"), None);
    store.set_share(shared, false).expect("written");
    assert!(store.gallery(true).expect("readable").is_empty());
    store.set_share(shared, true).expect("written");
    assert!(
        store.gallery(false).expect("readable").is_empty(),
        "the owner's word stays"
    );
    let [(_, again)] = gallery(&store, true).try_into().expect("one");
    assert!(again.hidden);
    assert_ne!(again.id, shown.id, "old links stay dead");
}

#[test]
fn expiry_leaves_a_bare_name_and_then_nothing() {
    let scratch = Scratch::new("expiry");
    let mut store = opened(&scratch);
    let job = add(&mut store, "ann-the-visitor", true);
    run_to_done(&mut store, job);
    assert_eq!(store.expiring(1999).expect("readable").len(), 0);
    assert_eq!(store.expiring(2000).expect("readable").len(), 1);
    let freed = store
        .expire(job)
        .expect("written")
        .expect("not expired yet");
    assert_eq!(freed, ["source.jpg", "result.jpg"]);
    let row = store.job(job).expect("readable").expect("a bare name");
    assert_eq!(
        (row.state, row.visitor, row.source, row.result),
        (State::Expired, None, None, None)
    );
    assert!(store.gallery(true).expect("readable").is_empty());
    assert_eq!(store.expire(job).expect("readable"), None, "once");
    store.erase(job).expect("written");
    assert_eq!(store.job(job).expect("readable"), None);
}

#[test]
fn what_is_erased_is_in_no_file_any_more() {
    let scratch = Scratch::new("traces");
    let mut store = opened(&scratch);
    let job = add(&mut store, "the-cookie-of-ann", false);
    run_to_done(&mut store, job);
    let traces = || {
        let files = fs::read_dir(scratch.path()).expect("a folder");
        let mut found = 0;
        for file in files {
            let bytes = fs::read(file.expect("an entry").path()).expect("readable");
            let needle = b"the-cookie-of-ann";
            found += bytes
                .windows(needle.len())
                .filter(|part| part == needle)
                .count();
        }
        found
    };
    assert!(traces() > 0, "the test can see it");
    store.erase(job).expect("written");
    store.checkpoint().expect("the log is emptied");
    assert_eq!(traces(), 0);
}

#[test]
fn nobody_else_may_read_the_database_or_its_log() {
    let scratch = Scratch::new("modes");
    let mut store = opened(&scratch);
    add(&mut store, "ann", false);
    for name in ["booth.sqlite3", "booth.sqlite3-wal", "booth.sqlite3-shm"] {
        let file = fs::metadata(scratch.path().join(name)).expect("there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_damaged_database_is_named_with_what_to_do() {
    let scratch = Scratch::new("damaged");
    let file = scratch.path().join("booth.sqlite3");
    fs::write(
        &file,
        b"this is a letter to my aunt, not a database".repeat(200),
    )
    .expect("room");
    let error = Store::open(&file).expect_err("not a database").to_string();
    assert!(error.contains("booth.sqlite3 is damaged"), "{error}");
    assert!(error.contains("move it away"), "{error}");

    fs::remove_file(&file).expect("there");
    let mut store = opened(&scratch);
    for _ in 0..200 {
        add(&mut store, "ann", false);
    }
    store.checkpoint().expect("written");
    drop(store);
    let mut bytes = fs::read(&file).expect("readable");
    let len = bytes.len();
    bytes[len / 2..len / 2 + 4096].fill(0xa5);
    fs::write(&file, bytes).expect("room");
    let error = Store::open(&file).expect_err("damaged inside");
    assert!(matches!(error, BoothError::Damaged { .. }), "{error}");
}

#[test]
fn a_newer_database_is_left_alone() {
    let scratch = Scratch::new("newer");
    let store = opened(&scratch);
    store
        .db
        .pragma_update(None, "user_version", 7)
        .expect("written");
    drop(store);
    let file = scratch.path().join("booth.sqlite3");
    let before = fs::read(&file).expect("readable");
    let error = Store::open(&file).expect_err("newer").to_string();
    assert!(
        error.contains("newer carrier (schema 7, this one knows 3)"),
        "{error}"
    );
    assert_eq!(fs::read(&file).expect("readable"), before);
}

#[test]
fn a_key_has_one_job() {
    let scratch = Scratch::new("keys");
    let mut store = opened(&scratch);
    let key = RequestKey {
        id: Uuid::new_v4(),
        form: "a comic of this".to_owned(),
    };
    let mut job = NewJob {
        id: JobId::random(),
        visitor: "ann",
        address: "hall",
        key: Some(&key),
        style: "comic",
        made_by: MadeBy::Laptop,
        share: false,
        source: "source.jpg",
        created_at_ms: 1000,
        expires_at_ms: 2000,
    };
    store.insert(&job).expect("inserted");
    let first = job.id;
    job.id = JobId::random();
    assert!(store.insert(&job).is_err());
    let row = store.job_of_key("ann", key.id).expect("readable");
    let row = row.expect("kept");
    assert_eq!(
        (row.id, row.form.as_deref()),
        (first, Some(key.form.as_str()))
    );
    assert_eq!(store.job_of_key("bob", key.id).expect("readable"), None);
    assert_eq!(store.unfinished_of("ann").expect("readable"), [first]);
}

#[test]
fn a_database_of_an_older_program_goes_on() {
    let scratch = Scratch::new("older");
    let file = scratch.path().join("booth.sqlite3");
    let old = Connection::open(&file).expect("a database");
    old.execute_batch(schema::STEPS[0])
        .expect("the first schema");
    old.pragma_update(None, "user_version", 1).expect("written");
    let job = JobId::random();
    old.execute(
        "INSERT INTO jobs (id, visitor, style, made_by, state, share, created_at_unix_ms,
            expires_at_unix_ms) VALUES (?1, 'ann', 'oil', 'laptop', 'queued', 0, 1000, 2000)",
        [job.to_string()],
    )
    .expect("a job");
    drop(old);
    let store = opened(&scratch);
    let row = store.job(job).expect("readable").expect("kept");
    assert_eq!((row.created_at_ms, row.expires_at_ms), (1000, 2000));
    assert_eq!(row.owner().address, "ann", "each visitor alone");
    assert_eq!(store.mark().expect("readable"), None);
}

#[test]
fn where_the_time_stands_is_kept() {
    let scratch = Scratch::new("mark");
    let mut store = opened(&scratch);
    let mut mark = Mark {
        reading: Reading {
            boot: "one".to_owned(),
            since_boot_ms: 1,
            unix_ms: 2,
        },
        station_ms: 3,
        is_set: false,
        before: None,
    };
    store.keep_mark(&mark).expect("written");
    assert_eq!(store.mark().expect("readable").as_ref(), Some(&mark));
    mark.is_set = true;
    mark.before = Some(Before {
        unix_ms: 4,
        station_ms: 5,
    });
    store.keep_mark(&mark).expect("written");
    drop(store);
    assert_eq!(opened(&scratch).mark().expect("readable"), Some(mark));
}

/// Adds a job after `harm` was done to the files, and says which jobs there are after a restart.
fn after(topic: &str, harm: impl FnOnce(&Path)) -> (Scratch, [JobId; 2], Vec<JobId>) {
    let scratch = Scratch::new(topic);
    let mut store = opened(&scratch);
    let first = add(&mut store, "ann", false);
    harm(scratch.path());
    let second = add(&mut store, "bob", false);
    assert!(store.job(first).expect("readable").is_some());
    drop(store);
    let kept = opened(&scratch).jobs().expect("readable");
    let kept = kept.into_iter().map(|row| row.id).collect();
    (scratch, [first, second], kept)
}

fn delete(folder: &Path, endings: &[&str]) {
    for ending in endings {
        fs::remove_file(folder.join(format!("booth.sqlite3{ending}"))).expect("there");
    }
}

#[test]
fn a_database_that_is_deleted_under_the_program_is_put_back_with_all_that_was_in_it() {
    for endings in [&["", "-wal", "-shm"][..], &[""], &["-wal"]] {
        let (scratch, jobs, kept) = after("deleted", |folder| delete(folder, endings));
        assert_eq!(kept, jobs, "{endings:?}");
        let file = fs::metadata(scratch.path().join("booth.sqlite3")).expect("there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let (_scratch, jobs, kept) = after("folder", |folder| {
        fs::remove_dir_all(folder).expect("there");
    });
    assert_eq!(kept, jobs);
}

#[test]
fn another_database_in_its_place_is_put_aside_whole() {
    // With the log of the first one left behind, or not.
    for deleted in [&["", "-wal", "-shm"][..], &[""]] {
        let other = Scratch::new("other");
        let theirs = add(&mut opened(&other), "cem", false);
        let (scratch, jobs, kept) = after("replaced", |folder| {
            delete(folder, deleted);
            let from = other.path().join("booth.sqlite3");
            fs::copy(from, folder.join("booth.sqlite3")).expect("copied");
        });
        assert_eq!(kept, jobs);
        let files = fs::read_dir(scratch.path()).expect("a folder");
        let mut names = files.map(|file| file.expect("an entry").path());
        let aside = names.find(|path| path.to_string_lossy().contains(".aside-"));
        let aside = Store::open(&aside.expect("put aside")).expect("whole");
        assert!(aside.job(theirs).expect("readable").is_some());
        assert!(aside.job(jobs[0]).expect("readable").is_none());
    }
}

#[test]
fn a_database_that_cannot_be_put_back_takes_nothing() {
    let scratch = Scratch::new("nowhere");
    let folder = scratch.path().join("booth");
    fs::create_dir(&folder).expect("a folder");
    let mut store = Store::open(&folder.join("booth.sqlite3")).expect("a fresh store");
    let first = add(&mut store, "ann", false);
    fs::remove_dir_all(&folder).expect("there");
    fs::write(&folder, "in the way").expect("room");
    let error = store.advance(first, Event::Taken).expect_err("nowhere to");
    assert!(error.to_string().contains("was deleted while"), "{error}");
    fs::remove_file(&folder).expect("there");
    assert!(store.advance(first, Event::Taken).expect("back"));
    drop(store);
    let row = Store::open(&folder.join("booth.sqlite3"))
        .expect("whole")
        .job(first);
    assert_eq!(row.expect("readable").expect("kept").state, State::Running);
}
