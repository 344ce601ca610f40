//! The program is killed, or finds its folder damaged.

use std::path::Path;
use std::time::{Duration, Instant};

use super::client::{Form, a_style, ended, get, photo, post};
use crate::station::Station;
use crate::timing::HANG_TIMEOUT;

#[test]
fn jobs_of_a_killed_program_end_after_the_next_start() {
    let mut station = Station::start(&["--model", "none"]);
    let form = Form::style(&a_style(&station)).image(&photo(1500, 1100));
    let ids: Vec<String> = (0..3).map(|_| post(&station, &form, &[]).id()).collect();
    station.kill_and_start_again(|_| {});
    for id in &ids {
        let job = ended(&station, id);
        assert_eq!(job["state"], "done", "{job}");
        let result = get(&station, job["result"].as_str().expect("an address"), &[]);
        assert!(result.body.starts_with(&[0xFF, 0xD8]), "a JPEG");
    }
    station.assert_feed_runs();
}

fn damage(home: &Path) {
    let folder = home.join("DATA/carrier/booth");
    let entries = std::fs::read_dir(&folder).expect("the booth's folder");
    let mut damaged = 0;
    for entry in entries {
        let path = entry.expect("readable").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        if bytes.starts_with(b"SQLite format 3\0") {
            std::fs::write(&path, vec![0x55; bytes.len().max(8192)]).expect("written");
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1, "one database");
}

#[test]
fn a_damaged_database_closes_the_booth_and_not_the_feed() {
    let mut station = Station::start(&["--model", "none"]);
    station.kill_and_start_again(damage);
    let stylise = station.status()["stylise"].clone();
    let told = stylise["error"].as_str().expect("it is told");
    assert!(told.contains("out of order"), "{told}");
    assert!(!told.contains('/'), "no paths for strangers: {told}");
    for path in ["/api/styles", "/api/gallery"] {
        assert_eq!(get(&station, path, &[]).status, 503, "{path}");
    }
    assert_eq!(post(&station, &Form::style("x"), &[]).status, 503);
    station.assert_feed_runs();
    // Once the owner has moved it away, the booth opens by itself.
    for ending in ["", "-wal", "-shm"] {
        let file = format!("DATA/carrier/booth/booth.sqlite3{ending}");
        let _ = std::fs::remove_file(station.home.join(file));
    }
    let until = Instant::now() + HANG_TIMEOUT;
    while get(&station, "/api/styles", &[]).status != 200 {
        assert!(Instant::now() < until, "the booth stays closed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let form = Form::style(&a_style(&station)).image(&photo(64, 64));
    assert_eq!(post(&station, &form, &[]).status, 202);
}
