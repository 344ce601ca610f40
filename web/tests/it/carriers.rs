//! Three stations on loopback that find each other at given addresses.

use std::time::{Duration, Instant};

use image::imageops::replace;
use image::{GrayImage, Luma};
use qrcode::QrCode;
use serde_json::{Value, json};

use crate::play::{ask, owner, start, state, station_with_person};
use crate::settings::read_path;
use crate::station::{Station, command, fresh_folder, get};
use crate::timing::HANG_TIMEOUT;

const PATH: &str = "/api/carriers";

pub(crate) fn toml(name: &str) -> String {
    format!(
        "name = \"{name}\"\n[mesh]\nenabled = true\nevent = \"test\"\nlisten = \"127.0.0.1:0\"\nmdns = false\n"
    )
}

/// With what is told of other carriers, once that runs.
fn carrier(name: &str) -> Station {
    let station = Station::configured(&toml(name), &["--model", "none"]);
    wait_for(&station, "other carriers can be paired", |report| {
        report["id"].is_string()
    });
    station
}

fn report(station: &Station) -> Value {
    read_path(station, PATH).body
}

fn wait_for(station: &Station, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let now = report(station);
        if is_so(&now) {
            return now;
        }
        assert!(Instant::now() < until, "{what}: {now}\n{}", station.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn as_owner(station: &Station, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (name, token) = owner(station);
    let answer = ask(station, method, path, (name, &token), body);
    (answer.status, answer.body)
}

pub(crate) fn pair(one: &Station, other: &Station, name: &str) {
    let (status, code) = as_owner(other, "POST", "/api/carriers/code", &Value::Null);
    assert_eq!(status, 200, "{code}");
    let (status, paired) = as_owner(one, "POST", PATH, &json!({"code": code["link"]}));
    assert_eq!(
        (status, paired["name"].as_str()),
        (201, Some(name)),
        "{paired}"
    );
}

pub(crate) fn wait_connected(station: &Station, names: &[&str]) -> Value {
    wait_for(station, "all are connected", |report| {
        let carriers = report["carriers"].as_array().expect("a list");
        let is_here = |name: &&str| {
            let named = |one: &&Value| one["name"] == **name && one["state"] == "connected";
            carriers
                .iter()
                .any(|one| named(&one) && one["persons"].is_u64())
        };
        names.iter().all(is_here)
    })
}

#[test]
fn three_stations_pair_see_each_other_and_one_is_revoked() {
    let (north, south, west) = (carrier("north"), carrier("south"), carrier("west"));
    pair(&north, &south, "south");
    pair(&west, &south, "south");
    pair(&north, &west, "west");
    wait_connected(&north, &["south", "west"]);
    wait_connected(&south, &["north", "west"]);
    let seen = wait_connected(&west, &["north", "south"]);
    assert_eq!(seen["code"], Value::Null, "used up");

    let gone = seen["carriers"].as_array().expect("a list").iter();
    let gone = gone
        .clone()
        .find(|one| one["name"] == "south")
        .expect("paired");
    let path = format!("{PATH}/{}", gone["id"].as_str().expect("a key"));
    assert_eq!(as_owner(&west, "DELETE", &path, &Value::Null).0, 204);
    assert_eq!(as_owner(&west, "DELETE", &path, &Value::Null).0, 404);
    wait_for(&south, "west does not talk to it", |report| {
        let carriers = report["carriers"].as_array().expect("a list").iter();
        carriers
            .clone()
            .any(|one| one["name"] == "west" && one["state"] != "connected")
    });
    wait_connected(&north, &["south", "west"]);
}

#[test]
fn a_visitor_learns_nothing_of_other_carriers_and_a_wrong_code_is_told() {
    let north = carrier("north");
    assert_eq!(get(&north.at(PATH)).0, 401);
    assert_eq!(get(&north.at("/api/carriers/code.svg")).0, 401);
    let (status, problem) = as_owner(&north, "POST", PATH, &json!({"code": "acorn"}));
    assert_eq!(status, 400, "{problem}");
    assert!(
        problem["detail"].as_str().expect("why").contains("8 words"),
        "{problem}"
    );
    let words = "acorn acorn acorn acorn acorn acorn acorn acorn";
    let (status, problem) = as_owner(&north, "POST", PATH, &json!({"code": words}));
    assert_eq!(status, 404, "{problem}");
    assert_eq!(
        as_owner(&north, "GET", "/api/carriers/code.svg", &Value::Null).0,
        404
    );
}

/// Whether `carrier mesh` worked, and what it said.
fn mesh(station: &Station, args: &[&str]) -> (bool, String) {
    let at = station.at("");
    let at = at.strip_prefix("http://").expect("an address");
    let mut command = command(&station.home);
    command.env("CARRIER_ADMIN_TOKEN", &station.admin_token);
    command.args(["mesh"]).args(args).args(["--listen", at]);
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_command_pairs_lists_and_revokes() {
    let (north, south) = (carrier("north"), carrier("south"));
    let (_, code) = as_owner(&south, "POST", "/api/carriers/code", &Value::Null);
    let link = code["link"].as_str().expect("a link");
    let (worked, said) = mesh(&north, &["join", link]);
    assert!(worked && said.contains("paired with south"), "{said}");
    wait_connected(&north, &["south"]);
    let (worked, said) = mesh(&north, &[]);
    assert!(
        worked && said.contains("south") && said.contains("here"),
        "{said}"
    );
    let (worked, said) = mesh(&north, &["revoke", "west"]);
    assert!(!worked && said.contains("no carrier is called"), "{said}");
    let (worked, said) = mesh(&north, &["revoke", "south"]);
    assert!(worked && said.contains("revoked south"), "{said}");
    assert_eq!(report(&north)["carriers"], json!([]));
}

/// A QR code of 6 pixels a module, with the quiet zone.
fn paper_with_code(text: &str) -> GrayImage {
    const MODULE_PX: u32 = 6;
    const QUIET: u32 = 4;
    let code = QrCode::new(text).expect("short enough");
    let modules = u32::try_from(code.width()).expect("few");
    let colors = code.to_colors();
    let side = (modules + 2 * QUIET) * MODULE_PX;
    GrayImage::from_fn(side, side, |x, y| {
        let place = |at: u32| {
            (at / MODULE_PX)
                .checked_sub(QUIET)
                .filter(|at| *at < modules)
        };
        let module = place(x).zip(place(y));
        let is_dark =
            module.is_some_and(|(x, y)| colors[(y * modules + x) as usize] == qrcode::Color::Dark);
        Luma([if is_dark { 30 } else { 220 }])
    })
}

#[test]
fn a_code_is_read_from_the_camera() {
    let shown = fresh_folder().join("shown.png");
    let wall = GrayImage::from_pixel(1280, 720, Luma([90]));
    wall.save(&shown).expect("saved");
    let source = shown.display().to_string();
    let args = ["--model", "none", "--source", &source, "--loop"];
    let (north, south) = (Station::configured(&toml("north"), &args), carrier("south"));
    wait_for(&north, "it can be paired", |report| {
        report["id"].is_string()
    });
    std::thread::scope(|scope| {
        let joining = scope.spawn(|| mesh(&north, &["join"]));
        let (_, code) = as_owner(&south, "POST", "/api/carriers/code", &Value::Null);
        let link = code["link"].as_str().expect("a link");
        let mut held_up = wall.clone();
        replace(&mut held_up, &paper_with_code(link), 500, 120);
        let next = shown.with_file_name("next.png");
        held_up.save(&next).expect("saved");
        std::fs::rename(next, &shown).expect("renamed");
        let (worked, said) = joining.join().expect("it ends");
        assert!(worked && said.contains("paired with south"), "{said}");
    });
    wait_connected(&north, &["south"]);
}

#[test]
fn a_score_of_one_carrier_is_on_the_leaderboard_of_the_other() {
    let Some(north) = station_with_person(&toml("north")) else {
        return;
    };
    let south = carrier("south");
    wait_for(&north, "it can be paired", |report| {
        report["id"].is_string()
    });
    pair(&north, &south, "south");
    wait_connected(&south, &["north"]);
    let (name, token) = owner(&north);
    assert_eq!(start(&north, "how-many", (name, &token)).status, 201);
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let boards = state(&south)["leaderboard"].clone();
        let entries = boards[0]["entries"].clone();
        if entries[0]["carrier"] == "north" {
            assert_eq!(boards[0]["game"], "how-many", "{boards}");
            assert!(
                entries[0]["score"].as_u64().expect("a number") > 0,
                "{boards}"
            );
            return;
        }
        assert!(Instant::now() < until, "{boards}\n{}", south.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}
