//! As a service of systemd: notifications, the log as JSON; and what a package is made of.

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use crate::station::{command, end_of, fresh_folder};
use crate::timing::HANG_TIMEOUT;

struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn systemd_is_told_of_the_start_the_end_and_that_the_station_works() {
    let home = fresh_folder();
    let socket = UnixDatagram::bind(home.join("notify")).expect("a socket");
    socket.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
    let told = || {
        let mut text = [0; 256];
        let length = socket.recv(&mut text).expect("a notification in time");
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    };
    let started = command(&home)
        .args([
            "--source",
            "scene",
            "--model",
            "none",
            "--log-format",
            "json",
        ])
        .args(["--listen", "127.0.0.1:0", "--media-port", "0"])
        .env("NOTIFY_SOCKET", home.join("notify"))
        .env("WATCHDOG_USEC", "200000")
        .env_remove("WATCHDOG_PID")
        .stdout(Stdio::null())
        .stderr(File::create(home.join("log")).expect("a log"))
        .spawn();
    let mut station = Started(started.expect("it starts"));
    let mut seen = Vec::new();
    while !(seen.iter().any(|told| told == "READY=1")
        && seen.iter().filter(|told| *told == "WATCHDOG=1").count() >= 2)
    {
        seen.push(told());
    }
    let id = station.0.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.expect("kill runs").success());
    while told() != "STOPPING=1" {}
    // Nobody reads any more, and the socket takes few: that does not delay the end.
    assert!(end_of(&mut station.0).success());
    let log = std::fs::read_to_string(home.join("log")).expect("a log");
    assert!(log.lines().count() > 0);
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let has = |key: &str| line[key].is_string();
        assert!(has("timestamp") && has("level") && has("message"), "{line}");
    }
    let _ = std::fs::remove_dir_all(&home);
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let home = fresh_folder();
    let printed = |args: &[&str]| {
        let output = command(&home).args(args).output().expect("it runs");
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for word in ["doctor", "reload", "eval", "source", "screen"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    let page = printed(&["man"]);
    assert!(page.contains(".TH carrier 1") && page.contains("CARRIER_SOURCE"));
    printed(&["man", home.to_str().expect("UTF-8")]);
    for name in ["carrier.1", "carrier-doctor.1", "carrier-models-pull.1"] {
        assert!(home.join(name).is_file(), "{name}");
    }
    let _ = std::fs::remove_dir_all(&home);
}
