use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use rusqlite::types::Value;

use super::*;
use crate::job::{JobId, State};
use crate::jobs::store::database::Store;
use crate::jobs::store::tables::GalleryFilter;
use crate::test_folder::TestFolder;

/// A database of each schema that was released, beginning with the first.
const EARLIER: [&str; 6] = [
    include_str!("../../../../tests/schemas/1.sql"),
    include_str!("../../../../tests/schemas/2.sql"),
    include_str!("../../../../tests/schemas/3.sql"),
    include_str!("../../../../tests/schemas/4.sql"),
    include_str!("../../../../tests/schemas/5.sql"),
    include_str!("../../../../tests/schemas/6.sql"),
];

fn earlier(dir: &TestFolder, schema: usize) -> PathBuf {
    let file = dir.path().join("booth.sqlite3");
    let db = Connection::open(&file).expect("a database");
    db.execute_batch(EARLIER[schema - 1]).expect("a dump");
    file
}

fn job(number: u32) -> JobId {
    format!("00000000-0000-4000-8000-{number:012}")
        .parse()
        .expect("an id")
}

fn schema_of(file: &Path) -> i64 {
    let db = Connection::open(file).expect("a database");
    db.pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a number")
}

/// The definitions of all tables and indexes, with each table's columns.
fn definitions(file: &Path) -> Vec<Vec<Value>> {
    let db = Connection::open(file).expect("a database");
    let sql = "SELECT tables.type, tables.name, columns.cid, columns.name, columns.type, columns.\"notnull\", columns.dflt_value
        FROM sqlite_schema AS tables LEFT JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.name NOT LIKE 'sqlite_%' ORDER BY tables.name, columns.cid";
    let mut statement = db.prepare(sql).expect("SQL");
    let read = |row: &rusqlite::Row<'_>| (0..7).map(|at| row.get(at)).collect();
    let rows = statement.query_map([], read).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn every_earlier_schema_becomes_the_newest_with_its_jobs() {
    let fresh = TestFolder::new("fresh");
    let fresh_file = fresh.path().join("booth.sqlite3");
    drop(Store::open(&fresh_file).expect("a new database"));
    for schema in 1..=EARLIER.len() {
        let dir = TestFolder::new("earlier");
        let file = earlier(&dir, schema);
        let store = Store::open(&file).expect("migrated");
        let rows = store.jobs().expect("readable");
        let states: Vec<State> = rows.iter().map(|row| row.state).collect();
        let expected = [
            State::Done,
            State::Running,
            State::Queued,
            State::Failed,
            State::Expired,
        ];
        assert_eq!(states, expected, "schema {schema}");
        assert_eq!((rows[0].id, rows[0].created_at_ms), (job(1), 1000));
        let address = if schema < 3 { "ann" } else { "hall" };
        assert_eq!(rows[0].owner().address, address, "each visitor alone");
        let remote = rows[1].remote.as_ref().expect("an order at a server");
        assert_eq!(remote.sends, 2);
        assert_eq!(remote.details.is_some(), schema >= 2);
        let shown = store.gallery(GalleryFilter::ALL).expect("readable");
        assert_eq!(shown.len(), 1);
        assert!(!rows[0].is_approved && shown[0].1.waits && shown[0].1.focus.is_none());
        assert_eq!(store.clock_mark().expect("readable").is_some(), schema >= 3);
        drop(store);
        assert_eq!(
            definitions(&file),
            definitions(&fresh_file),
            "schema {schema}"
        );
    }
    assert_eq!(
        EARLIER.len() as i64 + 1,
        NEWEST,
        "a dump of each earlier schema"
    );
}

#[test]
fn one_private_copy_of_the_earlier_database_is_kept_for_a_while() {
    let dir = TestFolder::new("copy");
    let file = earlier(&dir, 2);
    drop(Store::open(&file).expect("migrated"));
    let copy = earlier_copy(&file);
    assert_eq!((schema_of(&copy), schema_of(&file)), (2, NEWEST));
    let mode = fs::metadata(&copy).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(Store::open(&file).expect("the newest"));
    assert_eq!(
        schema_of(&copy),
        2,
        "not replaced by a start without a migration"
    );

    let keep = Duration::from_secs(3600);
    expire_earlier_copy(&file, keep).expect("young");
    assert!(copy.exists());
    let old = SystemTime::now() - keep;
    let opened = fs::File::options().append(true).open(&copy).expect("there");
    opened.set_modified(old).expect("set");
    expire_earlier_copy(&file, keep).expect("deleted");
    assert!(!copy.exists());
    expire_earlier_copy(&file, keep).expect("nothing to do");
}

#[test]
fn a_step_that_fails_leaves_the_schema_before_it() {
    let dir = TestFolder::new("stopped");
    let file = earlier(&dir, 1);
    // The third step makes this table, too.
    let db = Connection::open(&file).expect("a database");
    db.execute_batch("CREATE TABLE clock (x)").expect("made");
    drop(db);
    Store::open(&file).expect_err("the third step fails");
    assert_eq!(schema_of(&file), 2, "the second step is done");
    let db = Connection::open(&file).expect("a database");
    db.execute_batch("DROP TABLE clock").expect("dropped");
    drop(db);
    let store = Store::open(&file).expect("migrated from there");
    assert_eq!(store.jobs().expect("readable").len(), 5);
}

#[test]
fn a_newer_database_is_not_changed_and_both_versions_are_named() {
    for by_newer_program in ["9.1.0", ""] {
        let dir = TestFolder::new("newer");
        let file = dir.path().join("booth.sqlite3");
        drop(Store::open(&file).expect("a new database"));
        let db = Connection::open(&file).expect("a database");
        let change = if by_newer_program.is_empty() {
            "DROP TABLE program".to_owned()
        } else {
            format!("UPDATE program SET version = '{by_newer_program}'")
        };
        db.execute_batch(&change).expect("changed");
        db.pragma_update(None, "user_version", 70).expect("written");
        drop(db);
        let before = fs::read(&file).expect("readable");
        let error = Store::open(&file).expect_err("newer").to_string();
        let newer = if by_newer_program.is_empty() {
            "written by a newer carrier (schema 70)".to_owned()
        } else {
            format!("written by carrier {by_newer_program} (schema 70)")
        };
        assert!(error.contains(&newer), "{error}");
        let own = format!("this is carrier {PROGRAM}, which knows up to schema {NEWEST}");
        assert!(
            error.contains(&own) && error.contains("carrier restore"),
            "{error}"
        );
        assert_eq!(fs::read(&file).expect("readable"), before);
        assert!(!earlier_copy(&file).exists());
    }
}
