//! Tests the database with real files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fs, slice};

use uuid::Uuid;

use crate::api::{BoothError, GalleryPicture, RequestKey};
use crate::job::{JobEvent, JobId, State};
use crate::jobs::expiry::{ClockMark, ClockReading, PreviousBoot};
use crate::jobs::store::database::Store;
use crate::jobs::store::jobs::{End, NewJob};
use crate::jobs::store::tables::GalleryFilter;
use crate::people::FocusPoint;
use crate::photo_kind::PhotoKind;
use crate::stylist::{MadeBy, RemoteOrder};
use crate::test_folder::TestFolder;

fn opened(dir: &TestFolder) -> Store {
    Store::open(&dir.path().join("booth.sqlite3")).expect("a fresh store")
}

fn add(store: &mut Store, visitor: &str, share: bool) -> JobId {
    let job = NewJob {
        id: JobId::random(),
        visitor,
        address: "hall",
        key: None,
        style: "comic",
        photo_kind: PhotoKind::Single,
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
        "the inserted row is returned"
    );
    job.id
}

fn gallery(store: &Store, all: bool) -> Vec<(JobId, GalleryPicture)> {
    let which = match all {
        true => GalleryFilter::ALL,
        false => GalleryFilter::shown(false),
    };
    store.gallery(which).expect("readable")
}

fn run_to_done(store: &mut Store, job: JobId) {
    assert!(store.advance(job, JobEvent::Taken).expect("written"));
    let freed = store.end(job, End::ResultStored("result.jpg"), 1500);
    assert_eq!(freed.expect("written"), Some(Vec::new()));
}

fn remote_order() -> RemoteOrder {
    RemoteOrder {
        id: Uuid::new_v4(),
        sends: 1,
        details: None,
    }
}

fn left(store: &Store) -> Vec<RemoteOrder> {
    store.orders_to_forget(MadeBy::Comfyui).expect("readable")
}

#[test]
fn a_job_and_its_remote_order_survive_reopening() {
    let dir = TestFolder::new("reopened");
    let mut store = opened(&dir);
    let job = add(&mut store, "ann", false);
    let remote = remote_order();
    assert!(
        !store.save_remote_order(job, &remote).expect("readable"),
        "a queued job has no remote order"
    );
    assert!(store.advance(job, JobEvent::Taken).expect("written"));
    assert!(
        !store.advance(job, JobEvent::Taken).expect("readable"),
        "taken twice"
    );
    assert!(store.save_remote_order(job, &remote).expect("written"));
    drop(store);
    let row = opened(&dir).job(job).expect("readable").expect("kept");
    assert_eq!((row.state, row.remote), (State::Running, Some(remote)));
}

#[test]
fn a_remote_order_is_to_be_forgotten_when_its_job_ends_or_replaces_it() {
    let dir = TestFolder::new("orders");
    let mut store = opened(&dir);
    let job = add(&mut store, "ann", false);
    store.advance(job, JobEvent::Taken).expect("written");
    let (first, second) = (remote_order(), remote_order());
    for kept in [&first, &first, &second] {
        assert!(store.save_remote_order(job, kept).expect("written"));
    }
    assert_eq!(
        left(&store),
        slice::from_ref(&first),
        "sent again with another id"
    );
    store
        .end(job, End::ResultStored("result.jpg"), 1500)
        .expect("written");
    assert_eq!(left(&store), [first.clone(), second.clone()]);
    store.remove_order_to_forget(first.id).expect("written");
    drop(store);
    assert_eq!(
        left(&opened(&dir)),
        [second],
        "still listed after a restart"
    );
}

#[test]
fn a_late_result_of_a_cancelled_job_changes_nothing() {
    let dir = TestFolder::new("late");
    let mut store = opened(&dir);
    let job = add(&mut store, "ann", true);
    store.advance(job, JobEvent::Taken).expect("written");
    let freed = store.end(job, End::Cancelled, 1500).expect("written");
    assert_eq!(freed, Some(vec!["source.jpg".to_owned()]));
    let late = store
        .end(job, End::ResultStored("result.jpg"), 1501)
        .expect("readable");
    assert_eq!(late, None);
    let row = store.job(job).expect("readable").expect("kept");
    assert_eq!(
        (row.state, row.source, row.result),
        (State::Cancelled, None, None)
    );
    assert!(
        store
            .gallery(GalleryFilter::ALL)
            .expect("readable")
            .is_empty()
    );
}

#[test]
fn the_gallery_shows_shared_results_and_hidden_ones_stay_hidden() {
    let dir = TestFolder::new("gallery");
    let mut store = opened(&dir);
    let shared = add(&mut store, "ann", true);
    let private = add(&mut store, "bob", false);
    assert!(
        store
            .gallery(GalleryFilter::shown(false))
            .expect("readable")
            .is_empty(),
        "unfinished jobs are not shown"
    );
    run_to_done(&mut store, shared);
    run_to_done(&mut store, private);
    let [(_, shown)] = gallery(&store, false).try_into().expect("one");
    assert_ne!(shown.id.to_string(), shared.to_string());
    let (job, file, _) = store
        .shown(shown.id, GalleryFilter::shown(false))
        .expect("readable")
        .expect("shown");
    assert_eq!((job, file.as_str()), (shared, "result.jpg"));

    assert!(store.hide(shown.id, true).expect("written"));
    assert!(
        store
            .gallery(GalleryFilter::shown(false))
            .expect("readable")
            .is_empty()
    );
    assert_eq!(
        store
            .shown(shown.id, GalleryFilter::shown(false))
            .expect("readable"),
        None
    );
    store.set_share(shared, false).expect("written");
    assert!(
        store
            .gallery(GalleryFilter::ALL)
            .expect("readable")
            .is_empty()
    );
    store.set_share(shared, true).expect("written");
    assert!(
        store
            .gallery(GalleryFilter::shown(false))
            .expect("readable")
            .is_empty(),
        "hidden stays hidden"
    );
    let [(_, again)] = gallery(&store, true).try_into().expect("one");
    assert!(again.hidden);
    assert_ne!(again.id, shown.id, "a new id each time");
}

#[test]
fn with_approval_first_only_approved_pictures_are_shown_and_a_refusal_outweighs_it() {
    let dir = TestFolder::new("approval");
    let mut store = opened(&dir);
    let job = add(&mut store, "ann", true);
    assert!(store.advance(job, JobEvent::Taken).expect("written"));
    let focus = FocusPoint { x: 0.25, y: 0.75 };
    store.set_focus(job, focus).expect("written");
    let done = store.end(job, End::ResultStored("result.jpg"), 1500);
    done.expect("written");
    let late = FocusPoint { x: 0.5, y: 0.5 };
    store.set_focus(job, late).expect("of a job that is over");

    let [(_, waiting)] = gallery(&store, true).try_into().expect("one");
    assert_eq!((waiting.waits, waiting.focus), (true, Some(focus)));
    assert_eq!(waiting.expires_at_unix_ms, 2000);
    let approved_only = GalleryFilter::shown(true);
    let count = |store: &Store| store.gallery(approved_only).expect("readable").len();
    let is_there = |store: &Store| store.shown(waiting.id, approved_only).expect("readable");
    assert_eq!((count(&store), is_there(&store)), (0, None));
    assert_eq!(
        gallery(&store, false).len(),
        1,
        "without that rule it is shown"
    );

    assert!(store.hide(waiting.id, false).expect("approved"));
    assert_eq!(count(&store), 1);
    assert!(is_there(&store).is_some() && !gallery(&store, true)[0].1.waits);
    assert!(store.hide(waiting.id, true).expect("refused"));
    assert_eq!((count(&store), is_there(&store)), (0, None));
    assert!(!gallery(&store, true)[0].1.waits, "it is decided");
    store.expire(job).expect("written");
    assert!(gallery(&store, true).is_empty());
}

#[test]
fn expiry_leaves_a_tombstone_and_then_nothing() {
    let dir = TestFolder::new("expiry");
    let mut store = opened(&dir);
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
    assert!(
        store
            .gallery(GalleryFilter::ALL)
            .expect("readable")
            .is_empty()
    );
    assert_eq!(store.expire(job).expect("readable"), None, "once");
    store.erase(job).expect("written");
    assert_eq!(store.job(job).expect("readable"), None);
}

#[test]
fn erased_data_is_in_no_file() {
    let dir = TestFolder::new("traces");
    let mut store = opened(&dir);
    let job = add(&mut store, "the-cookie-of-ann", false);
    run_to_done(&mut store, job);
    let traces = || {
        let files = fs::read_dir(dir.path()).expect("a folder");
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
    assert!(traces() > 0, "present before erasing");
    store.erase(job).expect("written");
    store.checkpoint().expect("the log is emptied");
    assert_eq!(traces(), 0);
}

#[test]
fn database_and_log_are_private() {
    let dir = TestFolder::new("modes");
    let mut store = opened(&dir);
    add(&mut store, "ann", false);
    for name in ["booth.sqlite3", "booth.sqlite3-wal", "booth.sqlite3-shm"] {
        let file = fs::metadata(dir.path().join(name)).expect("there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_damaged_database_is_reported_with_advice() {
    let dir = TestFolder::new("damaged");
    let file = dir.path().join("booth.sqlite3");
    fs::write(
        &file,
        b"this is a letter to my aunt, not a database".repeat(200),
    )
    .expect("room");
    let error = Store::open(&file).expect_err("not a database").to_string();
    assert!(error.contains("booth.sqlite3 is damaged"), "{error}");
    assert!(error.contains("move it away"), "{error}");

    fs::remove_file(&file).expect("there");
    let mut store = opened(&dir);
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
fn a_key_has_one_job() {
    let dir = TestFolder::new("keys");
    let mut store = opened(&dir);
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
        photo_kind: PhotoKind::Single,
        made_by: MadeBy::BuiltIn,
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
fn the_clock_survives_reopening() {
    let dir = TestFolder::new("mark");
    let mut store = opened(&dir);
    let mut mark = ClockMark {
        reading: ClockReading {
            boot: "one".to_owned(),
            since_boot_ms: 1,
            unix_ms: 2,
        },
        station_ms: 3,
        is_set: false,
        before: None,
    };
    store.save_clock_mark(&mark).expect("written");
    assert_eq!(store.clock_mark().expect("readable").as_ref(), Some(&mark));
    mark.is_set = true;
    mark.before = Some(PreviousBoot {
        unix_ms: 4,
        station_ms: 5,
    });
    store.save_clock_mark(&mark).expect("written");
    drop(store);
    assert_eq!(opened(&dir).clock_mark().expect("readable"), Some(mark));
}

/// Adds a job after the files were tampered with, and returns the jobs found after a restart.
fn after(topic: &str, harm: impl FnOnce(&Path)) -> (TestFolder, [JobId; 2], Vec<JobId>) {
    let dir = TestFolder::new(topic);
    let mut store = opened(&dir);
    let first = add(&mut store, "ann", false);
    harm(dir.path());
    let second = add(&mut store, "bob", false);
    assert!(store.job(first).expect("readable").is_some());
    drop(store);
    let kept = opened(&dir).jobs().expect("readable");
    let kept = kept.into_iter().map(|row| row.id).collect();
    (dir, [first, second], kept)
}

fn delete(folder: &Path, endings: &[&str]) {
    for ending in endings {
        fs::remove_file(folder.join(format!("booth.sqlite3{ending}"))).expect("there");
    }
}

#[test]
fn a_deleted_database_is_recreated_without_loss() {
    for endings in [&["", "-wal", "-shm"][..], &[""], &["-wal"]] {
        let (dir, jobs, kept) = after("deleted", |folder| delete(folder, endings));
        assert_eq!(kept, jobs, "{endings:?}");
        let file = fs::metadata(dir.path().join("booth.sqlite3")).expect("there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let (_scratch, jobs, kept) = after("folder", |folder| {
        fs::remove_dir_all(folder).expect("there");
    });
    assert_eq!(kept, jobs);
}

#[test]
fn a_foreign_database_is_moved_aside_intact() {
    // With and without the log of the first database left behind.
    for deleted in [&["", "-wal", "-shm"][..], &[""]] {
        let other = TestFolder::new("other");
        let theirs = add(&mut opened(&other), "cem", false);
        let (dir, jobs, kept) = after("replaced", |folder| {
            delete(folder, deleted);
            let from = other.path().join("booth.sqlite3");
            fs::copy(from, folder.join("booth.sqlite3")).expect("copied");
        });
        assert_eq!(kept, jobs);
        let files = fs::read_dir(dir.path()).expect("a folder");
        let mut names = files.map(|file| file.expect("an entry").path());
        let aside = names.find(|path| path.to_string_lossy().contains(".aside-"));
        let aside = Store::open(&aside.expect("put aside")).expect("whole");
        assert!(aside.job(theirs).expect("readable").is_some());
        assert!(aside.job(jobs[0]).expect("readable").is_none());
    }
}

#[test]
fn a_database_that_cannot_be_recreated_rejects_changes() {
    let dir = TestFolder::new("nowhere");
    let folder = dir.path().join("booth");
    fs::create_dir(&folder).expect("a folder");
    let mut store = Store::open(&folder.join("booth.sqlite3")).expect("a fresh store");
    let first = add(&mut store, "ann", false);
    fs::remove_dir_all(&folder).expect("there");
    fs::write(&folder, "in the way").expect("room");
    let error = store
        .advance(first, JobEvent::Taken)
        .expect_err("nowhere to");
    assert!(error.to_string().contains("was deleted while"), "{error}");
    fs::remove_file(&folder).expect("there");
    assert!(store.advance(first, JobEvent::Taken).expect("back"));
    drop(store);
    let row = Store::open(&folder.join("booth.sqlite3"))
        .expect("whole")
        .job(first);
    assert_eq!(row.expect("readable").expect("kept").state, State::Running);
}
