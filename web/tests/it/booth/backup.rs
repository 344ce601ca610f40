//! A backup of a running station, restored for another one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::client::{Form, a_style, delete, ended, get, photo, post};
use crate::station::{Station, agent, command, fresh_folder};

fn carrier(home: &Path, args: &[&str]) -> Command {
    let mut command = command(home);
    command.args(args).stdin(Stdio::null());
    command
}

fn succeeds(home: &Path, args: &[&str]) -> String {
    let output = carrier(home, args).output().expect("it runs");
    assert!(output.status.success(), "{args:?}: {}", errors(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn fails(home: &Path, args: &[&str]) -> String {
    let output = carrier(home, args).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    errors(&output)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn set_shutter(station: &Station, is_closed: bool) {
    let owner = format!("Bearer {}", station.admin_token);
    let request = agent().put(station.at("/api/shutter"));
    let request = request.header("Authorization", owner);
    let request = request.header("Content-Type", "application/json");
    let body = format!("{{\"closed\": {is_closed}}}");
    assert_eq!(request.send(body).expect("an answer").status(), 200);
}

fn is_closed(station: &Station) -> bool {
    get(station, "/api/shutter", &[]).json()["closed"] == true
}

/// A picture made by the station, and its bytes.
fn a_result(station: &Station) -> (String, Vec<u8>) {
    let form = Form::style(&a_style(station))
        .text("share", "true")
        .image(&photo(320, 200));
    let id = post(station, &form, &[]).id();
    let done = ended(station, &id);
    let path = done["result"].as_str().expect("an address");
    let jpeg = get(station, path, &[]).body;
    (id, jpeg)
}

/// The files in a folder, by their paths from it.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below it").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_backup_of_a_running_station_is_restored_on_another_machine() {
    let mut station = Station::start(&["--model", "none", "--listen-tls", "127.0.0.1:0"]);
    set_shutter(&station, true);
    let (kept, jpeg) = a_result(&station);
    let (erased, _) = a_result(&station);
    assert_eq!(
        delete(&station, &format!("/api/stylise/{erased}"), &[]).status,
        204
    );
    let file = station.home.join("backup.tar");
    let file = file.to_str().expect("UTF-8");
    succeeds(&station.home, &["backup", file]);
    assert!(fails(&station.home, &["backup", file]).contains("--force"));
    succeeds(&station.home, &["backup", file, "--force"]);
    let refused = fails(&station.home, &["restore", file, "--replace"]);
    assert!(refused.contains("a station uses"), "{refused}");
    let (after, _) = a_result(&station);

    let other = fresh_folder();
    let listed = succeeds(&other, &["restore", file, "--dry-run"]);
    let listed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split("  ").last())
        .collect();
    for name in [
        "state/shutter.json",
        "data/visitor-key",
        "booth/booth.sqlite3",
    ] {
        assert!(listed.contains(&name), "{name} of {listed:?}");
    }
    let pictures = listed
        .iter()
        .filter(|name| name.starts_with("booth/pictures/"));
    assert_eq!(pictures.count(), 2, "the source and the result");
    assert!(
        !other.join("DATA").exists() && !other.join("STATE").exists(),
        "nothing is changed"
    );
    succeeds(&other, &["restore", file]);
    everything_kept_is_in_the_backup(&station.home, &listed);
    let mut restored = Station::in_folder(other, "", &["--model", "none"]);
    assert!(is_closed(&restored));
    let job = ended(&restored, &kept);
    assert_eq!(
        (&job["state"], &job["share"]),
        (&"done".into(), &Value::Bool(true))
    );
    assert_eq!(
        get(&restored, job["result"].as_str().expect("there"), &[]).body,
        jpeg
    );
    let status = |id: &str| get(&restored, &format!("/api/stylise/{id}"), &[]).status;
    assert_eq!([status(&erased), status(&after)], [404, 404]);
    restored.terminate();
    restored.wait_for_end();
    restored_over_what_is_there(&station, &mut restored, &after);
    station.terminate();
    station.wait_for_end();
}

/// Only when asked; without secrets, those that are there stay. `made`: a job of the first station alone.
fn restored_over_what_is_there(station: &Station, restored: &mut Station, made: &str) {
    let bare = station.home.join("bare.tar");
    let bare = bare.to_str().expect("UTF-8");
    set_shutter(station, false);
    succeeds(&station.home, &["backup", bare, "--without-secrets"]);
    let key = restored.home.join("DATA/carrier/visitor-key");
    std::fs::write(&key, [7; 32]).expect("room");
    let refused = fails(&restored.home, &["restore", bare]);
    assert!(
        refused.contains("--replace") && refused.contains("booth.sqlite3"),
        "{refused}"
    );
    let words = succeeds(&restored.home, &["restore", bare, "--replace"]);
    assert!(
        words.contains("The camera is closed"),
        "it was closed here: {words}"
    );
    assert_eq!(std::fs::read(&key).expect("kept"), [7; 32]);
    restored.start_again();
    assert!(is_closed(restored));
    assert_eq!(ended(restored, made)["state"], "done");
}

/// A file that the program keeps and a backup lacks fails here.
fn everything_kept_is_in_the_backup(home: &Path, listed: &[&str]) {
    let derived = |name: &str| {
        let ends = [
            "/lock",
            "lock",
            "reserve",
            "-wal",
            "-shm",
            ".jpg",
            "booth.sqlite3",
        ];
        ends.iter().any(|end| name.ends_with(end))
    };
    for (folder, prefix) in [("STATE/carrier", "state"), ("DATA/carrier", "data")] {
        for file in files_in(&home.join(folder)) {
            let name = file.to_str().expect("UTF-8");
            let entry = format!("{prefix}/{name}");
            assert!(
                derived(name) || listed.contains(&entry.as_str()),
                "{entry} of {listed:?}"
            );
        }
    }
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new() {
    let mut station = Station::start(&["--model", "none"]);
    let (old, _) = a_result(&station);
    let file = station.home.join("backup.tar");
    let file = file.to_str().expect("UTF-8").to_owned();
    succeeds(&station.home, &["backup", &file]);
    assert_eq!(
        delete(&station, &format!("/api/stylise/{old}"), &[]).status,
        204
    );
    let (new, _) = a_result(&station);
    station.terminate();
    station.wait_for_end();
    for killed_after_ms in [0, 5, 10, 20, 40, 80] {
        let mut restore = carrier(&station.home, &["restore", &file, "--replace"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(Duration::from_millis(killed_after_ms));
        let _ = restore.kill();
        restore.wait().expect("our child");
        station.start_again();
        let status = |id: &str| get(&station, &format!("/api/stylise/{id}"), &[]).status;
        let is_restored = status(&old) == 200;
        assert_eq!(status(&new), if is_restored { 404 } else { 200 });
        let wanted = if is_restored { &old } else { &new };
        let job = ended(&station, wanted);
        let result = get(&station, job["result"].as_str().expect("there"), &[]);
        assert!(result.body.starts_with(&[0xFF, 0xD8]), "a JPEG");
        let left = files_in(&station.home.join("DATA/carrier"));
        let left = left.iter().filter(|path| path.starts_with(".restore"));
        assert_eq!(left.count(), 0, "nothing of it is left behind");
        station.terminate();
        station.wait_for_end();
        if is_restored {
            return;
        }
    }
    succeeds(&station.home, &["restore", &file, "--replace"]);
}
