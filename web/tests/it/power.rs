//! The power profile of a running station, whose battery is a folder of files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::player::client::Player;
use crate::player::{runtime, wait_for_viewers};
use crate::settings::change;
use crate::station::{INJECTED, SYSTEM, Station, command, fresh_folder, get};
use crate::timing::HANG_TIMEOUT;

/// A laptop as the kernel shows it, with its battery at `percent`.
fn laptop(home: &Path, percent: u32) {
    let supplies = home.join(SYSTEM).join("sys/class/power_supply");
    let write = |file: &str, content: String| {
        let path = supplies.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, content + "\n").expect("writable");
    };
    write("ACAD/type", "Mains".to_owned());
    write("ACAD/online", "0".to_owned());
    write("BAT1/type", "Battery".to_owned());
    write("BAT1/status", "Discharging".to_owned());
    write("BAT1/charge_full", "3000000".to_owned());
    write("BAT1/charge_now", (percent * 30_000).to_string());
    write("BAT1/voltage_now", "15000000".to_owned());
    write("BAT1/current_now", "600000".to_owned());
}

fn on_battery(percent: u32, toml: &str) -> Station {
    let home = fresh_folder();
    laptop(&home, percent);
    let station = Station::in_folder(home, toml, &["--model", "none"]);
    station.wait_ready();
    station
}

fn wait_until(what: &str, reached: impl Fn() -> bool) {
    let until = Instant::now() + HANG_TIMEOUT;
    while !reached() {
        assert!(Instant::now() < until, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn profile(station: &Station) -> Value {
    station.status()["power"]["profile"].clone()
}

/// The value of a metric without labels.
fn metric(station: &Station, name: &str) -> Option<f64> {
    let (_, text) = get(&station.at("/metrics"));
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().expect("a number"))
}

/// Pictures that the source gave, and those of them that nobody took.
fn pictures(station: &Station) -> (f64, f64) {
    let value = |name| metric(station, name).expect("there");
    (
        value("carrier_capture_frames_total"),
        value("carrier_capture_undecoded_total"),
    )
}

/// Reads packets until `reached`, which is looked at twice a second. Their numbers have no gap.
fn watch(
    player: &mut Player,
    runtime: &Runtime,
    next: &mut Option<u16>,
    reached: impl Fn() -> bool,
) {
    let until = Instant::now() + HANG_TIMEOUT;
    let mut looked_at = Instant::now();
    loop {
        let number = runtime.block_on(player.packet()).header.sequence_number;
        assert!(
            next.is_none_or(|next| next == number),
            "{number} instead of {next:?}"
        );
        *next = Some(number.wrapping_add(1));
        if looked_at.elapsed() < Duration::from_millis(500) {
            continue;
        }
        looked_at = Instant::now();
        if reached() {
            return;
        }
        assert!(looked_at < until, "not yet");
    }
}

#[test]
fn a_battery_that_runs_down_lowers_the_profile_and_a_viewer_keeps_its_stream() {
    let station = on_battery(80, "");
    assert_eq!(profile(&station), "balanced");
    let battery = station.status()["power"]["battery"].clone();
    assert_eq!(
        (&battery["percent"], &battery["watts"]),
        (&json!(80.0), &json!(9.0))
    );
    assert_eq!(battery["seconds_left"], 14_400);
    let runtime = runtime();
    let base = station.at("");
    let mut player = runtime.block_on(Player::join(&base));
    let mut next = None;
    let viewers = |rendition: usize| station.status()["renditions"][rendition]["viewers"] == 1;
    watch(&mut player, &runtime, &mut next, || viewers(0));
    assert_eq!(pictures(&station).1, 0.0, "balanced takes every picture");

    laptop(&station.home, 10);
    let is_saving = || profile(&station) == "saver" && viewers(1);
    watch(&mut player, &runtime, &mut next, is_saving);
    let status = station.status();
    assert_eq!(status["renditions"][0]["offered"], false);
    assert_eq!(status["renditions"][1]["offered"], true);
    assert_eq!(status["power"]["reason"], "low_level");
    let ((came, left_out), since) = (pictures(&station), Instant::now());
    let for_two_seconds = || since.elapsed() > Duration::from_secs(2);
    watch(&mut player, &runtime, &mut next, for_two_seconds);
    let seconds = since.elapsed().as_secs_f64();
    let (came, left_out) = (pictures(&station).0 - came, pictures(&station).1 - left_out);
    // 15 a second and a tenth more; on a busy machine the scene gives less than 30.
    let taken = came - left_out;
    assert!(
        left_out > 0.0 && taken / seconds < 18.0,
        "{taken} of {came} in {seconds} s"
    );
    assert_eq!(metric(&station, "carrier_power_battery_ratio"), Some(0.1));
    assert_eq!(metric(&station, "carrier_power_mains"), Some(0.0));
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(
        metrics.contains("carrier_power_profile{profile=\"saver\"} 1"),
        "{metrics}"
    );
    let log = station.log();
    assert!(
        log.contains("the power profile changed") && log.contains("level is low"),
        "{log}"
    );

    // The owner wants the full picture all the same.
    let patch = json!({"power": {"profile": "full"}});
    assert_eq!(change(&station, "", None, &patch).status, 200);
    watch(&mut player, &runtime, &mut next, || viewers(0));
    let power = station.status()["power"].clone();
    assert_eq!(
        (&power["choice"], &power["reason"]),
        (&json!("full"), &json!("chosen"))
    );
    assert_eq!(runtime.block_on(player.delete(&base)), 200);
    wait_for_viewers(&station, 0);
}

#[test]
fn strangers_are_not_told_of_the_battery() {
    let station = on_battery(5, "");
    let (_, text) = get(&station.at("/api/status"));
    let status: Value = serde_json::from_str(&text).expect("JSON");
    assert!(
        status["source"].is_object() && status["power"].is_null(),
        "{text}"
    );
    let power = station.status()["power"].clone();
    assert_eq!(power["battery"]["is_low"], true);
    assert_eq!(
        (&power["limits"]["fps"], &power["limits"]["motion_gate"]),
        (&json!(15), &json!(true))
    );
}

#[test]
fn a_machine_without_a_battery_has_the_full_profile_and_unknown_values() {
    let station = Station::start(&["--model", "none"]);
    let power = station.status()["power"].clone();
    assert_eq!(power["profile"], "full");
    assert_eq!(power["reason"], "no_battery");
    for unknown in [
        "battery",
        "mains",
        "temperature",
        "throttles",
        "package_watts",
    ] {
        assert!(power[unknown].is_null(), "{unknown}: {power}");
    }
    assert_eq!(metric(&station, "carrier_power_battery_ratio"), None);
    let empty: PathBuf = station.home.join("doctor");
    std::fs::create_dir_all(&empty).expect("writable");
    let output = command(&empty)
        .args(["doctor", "--source", "scene", "--model", "none"])
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("the machine has no battery"), "{text}");
}

#[test]
fn a_suspension_is_noticed_and_counted() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    std::fs::write(station.home.join(INJECTED), "suspend 3600\n").expect("writable");
    wait_until("the suspension", || {
        station.status()["power"]["suspensions"] == 1
    });
    assert_eq!(
        metric(&station, "carrier_power_suspensions_total"),
        Some(1.0)
    );
    let log = station.log();
    assert!(
        log.contains("the machine was suspended") && log.contains("3600"),
        "{log}"
    );
}

#[test]
fn a_closed_lid_closes_the_shutter_where_the_owner_wants_that() {
    let home = fresh_folder();
    let lid = home.join(SYSTEM).join("proc/acpi/button/lid/LID0/state");
    std::fs::create_dir_all(lid.parent().expect("a folder")).expect("writable");
    let set =
        |state: &str| std::fs::write(&lid, format!("state:      {state}\n")).expect("writable");
    set("open");
    let toml = "[power]\nlid = \"close-shutter\"\n";
    let station = Station::in_folder(home, toml, &["--model", "none"]);
    station.wait_ready();
    let is = |state: &'static str| station.status()["source"]["state"] == state;
    set("closed");
    wait_until("closed", || is("closed"));
    set("open");
    wait_until("open again", || is("live"));
}
