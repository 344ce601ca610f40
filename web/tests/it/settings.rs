//! Settings that change while the station runs.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::station::{Station, agent, command, get_bytes};
use crate::timing::HANG_TIMEOUT;

pub(crate) struct Answer {
    pub(crate) status: u16,
    tag: String,
    pub(crate) body: Value,
}

fn answer(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let tag = answer.headers().get("etag");
    let tag = tag.map_or_else(String::new, |tag| tag.to_str().expect("text").to_owned());
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().expect("text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, tag, body }
}

pub(crate) fn read(station: &Station) -> Answer {
    read_path(station, "/api/settings")
}

/// A GET with the owner's token.
pub(crate) fn read_path(station: &Station, path: &str) -> Answer {
    let owner = format!("Bearer {}", station.admin_token);
    let request = agent().get(station.at(path));
    answer(
        request
            .header("Authorization", owner)
            .call()
            .expect("an answer"),
    )
}

pub(crate) fn change(station: &Station, query: &str, tag: Option<&str>, patch: &Value) -> Answer {
    let mut request = agent()
        .patch(station.at(&format!("/api/settings{query}")))
        .header("Content-Type", "application/json")
        .header("Authorization", format!("Bearer {}", station.admin_token));
    if let Some(tag) = tag {
        request = request.header("If-Match", tag);
    }
    answer(request.send(patch.to_string()).expect("an answer"))
}

pub(crate) fn value(answer: &Answer, key: &str) -> (Value, Value) {
    let settings = answer.body["settings"].as_array().expect("a list");
    let setting = settings.iter().find(|setting| setting["key"] == key);
    let setting = setting.unwrap_or_else(|| panic!("{key} is there"));
    (setting["value"].clone(), setting["origin"].clone())
}

#[test]
fn a_change_is_in_effect_at_once_and_kept_on_demand() {
    let mut station =
        Station::configured("# mine\nname = \"first\" # shown\n", &["--model", "none"]);
    assert_eq!(
        value(&read(&station), "name"),
        (json!("first"), json!("file"))
    );
    let changed = change(
        &station,
        "",
        None,
        &json!({"name": "second", "booth": {"open": false}}),
    );
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(value(&changed, "name"), (json!("second"), json!("live")));
    assert_eq!(station.status()["name"], "second");
    let form = "--x\r\nContent-Disposition: form-data; name=\"style\"\r\n\r\npencil\r\n--x--\r\n";
    let order = agent()
        .post(station.at("/api/stylise"))
        .header("Content-Type", "multipart/form-data; boundary=x")
        .send(form);
    assert_eq!(
        order.expect("an answer").status(),
        503,
        "the booth is closed"
    );
    // Not kept: the next run begins as configured.
    station.kill_and_start_again(|_| {});
    assert_eq!(station.status()["name"], "first");

    let kept = change(&station, "?save=true", None, &json!({"name": "third"}));
    assert_eq!(kept.status, 200, "{}", kept.body);
    let file = std::fs::read_to_string(station.home.join("carrier.toml")).expect("there");
    assert_eq!(file, "# mine\nname = \"third\" # shown\n");
    station.kill_and_start_again(|_| {});
    assert_eq!(
        value(&read(&station), "name"),
        (json!("third"), json!("file"))
    );
}

#[test]
fn the_picture_is_turned_while_the_station_runs() {
    let station = Station::start(&["--source", "scene", "--model", "none"]);
    let size = || {
        let (_, jpeg) = get_bytes(&station.at("/snapshot.jpg?boxes=0"));
        let picture = image::load_from_memory(&jpeg).expect("a JPEG");
        (picture.width(), picture.height())
    };
    assert_eq!(size(), (1280, 720));
    let patch = json!({"camera": {"rotation": 90, "mirror": true}});
    let changed = change(&station, "", None, &patch);
    assert_eq!(changed.status, 200, "{}", changed.body);
    let deadline = Instant::now() + HANG_TIMEOUT;
    while size() != (720, 1280) {
        assert!(Instant::now() < deadline, "{:?}", size());
    }
    let owner = format!("Bearer {}", station.admin_token);
    let camera = agent().get(station.at("/api/camera"));
    let camera = answer(
        camera
            .header("Authorization", owner)
            .call()
            .expect("an answer"),
    );
    let none = json!({"camera": null, "device": null, "mirror": true, "rotation": 90, "controls": [], "problems": []});
    assert_eq!((camera.status, camera.body), (200, none));
    let unsigned = agent().get(station.at("/api/camera")).call();
    assert_eq!(unsigned.expect("an answer").status(), 401);
}

#[test]
fn a_wrong_change_names_its_key_and_changes_nothing() {
    let station = Station::start(&["--model", "none"]);
    let before = read(&station);
    for (patch, key) in [
        (json!({"name": "x", "min_score": 3}), "min_score"),
        (json!({"privacy": {"mode": "gone"}}), "privacy.mode"),
        (json!({"publish": {"url": "http://x"}}), "publish.url"),
        (json!({"source": "/etc/passwd"}), "source"),
    ] {
        let refused = change(&station, "", None, &patch);
        assert_eq!(
            (refused.status, &refused.body["key"]),
            (422, &json!(key)),
            "{patch}"
        );
    }
    assert_eq!(read(&station).body, before.body);
    let unsigned = agent()
        .get(station.at("/api/settings"))
        .call()
        .expect("an answer");
    assert_eq!(unsigned.status(), 401);
}

#[test]
fn two_admins_do_not_overwrite_each_other() {
    let station = Station::start(&["--model", "none"]);
    let seen = read(&station).tag;
    let first = change(&station, "", Some(&seen), &json!({"name": "first"}));
    assert_eq!(first.status, 200);
    assert_ne!(first.tag, seen);
    assert_eq!(
        change(&station, "", Some(&seen), &json!({"name": "second"})).status,
        412
    );
    assert_eq!(station.status()["name"], "first");
    assert_eq!(
        change(&station, "", Some(&first.tag), &json!({"name": "second"})).status,
        200
    );
}

/// How much neighbouring pixels differ: a picture of large soft cells has hardly any edges.
fn sharpness(station: &Station, path: &str) -> f64 {
    let (status, jpeg) = get_bytes(&station.at(path));
    assert_eq!(status, 200);
    let picture = image::load_from_memory(&jpeg).expect("a JPEG").to_luma8();
    let (width, height) = picture.dimensions();
    let mut sum = 0.0;
    for y in 0..height {
        for x in 1..width {
            sum +=
                f64::from(picture.get_pixel(x, y).0[0].abs_diff(picture.get_pixel(x - 1, y).0[0]));
        }
    }
    sum / f64::from(width * height)
}

#[test]
fn without_detections_a_privacy_mode_blurs_the_whole_picture_on_every_output() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let paths = ["/snapshot.jpg", "/snapshot.jpg?boxes=0"];
    let sharp = paths.map(|path| sharpness(&station, path));
    let changed = change(
        &station,
        "",
        None,
        &json!({"privacy": {"mode": "blur_faces"}}),
    );
    assert_eq!(changed.status, 200, "{}", changed.body);
    for (path, sharp) in paths.iter().zip(sharp) {
        let blurred = sharpness(&station, path);
        assert!(blurred < sharp / 3.0, "{path}: {blurred} of {sharp}");
    }
    change(&station, "", None, &json!({"privacy": {"mode": "open"}}));
    let until = Instant::now() + HANG_TIMEOUT;
    while sharpness(&station, "/snapshot.jpg") < sharp[0] * 0.8 {
        assert!(Instant::now() < until, "it stays blurred");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_network_and_the_bitrates_change_live_and_secrets_are_not_shown() {
    let station = Station::start(&["--model", "none"]);
    let host = |name: &str| {
        let request = agent().get(station.at("/api/status"));
        let answer = request.header("Host", name).call().expect("an answer");
        answer.status().as_u16()
    };
    assert_eq!(host("booth.example"), 421);
    let mut renditions = value(&read(&station), "renditions").0;
    renditions[0]["bitrate_bps"] = json!(1_200_000);
    let patch = json!({
        "public_url": "https://booth.example",
        "wifi": {"ssid": "hall", "password": "a secret word"},
        "renditions": renditions,
    });
    let changed = change(&station, "", None, &patch);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert!(!changed.body.to_string().contains("a secret word"));
    let settings = changed.body["settings"].as_array().expect("a list");
    let password = settings.iter().find(|one| one["key"] == "wifi.password");
    assert_eq!(password.expect("there")["is_set"], true);
    assert_eq!(host("booth.example"), 200);
    let (_, join) = get_bytes(&station.at("/api/join"));
    let join: Value = serde_json::from_slice(&join).expect("JSON");
    assert_eq!(join["feed_url"], "https://booth.example/");
    assert_eq!(join["wifi"]["ssid"], "hall");
    assert_eq!(station.status()["renditions"][0]["bitrate_bps"], 1_200_000);
    renditions[0]["width"] = json!(640);
    let refused = change(&station, "", None, &json!({"renditions": renditions}));
    assert_eq!(
        (refused.status, &refused.body["key"]),
        (422, &json!("renditions"))
    );
}

fn reload(station: &Station) -> Output {
    let mut command = command(&station.home);
    let at = station.at("");
    let at = at.strip_prefix("http://").expect("an address");
    command.args(["reload", "--listen", at, "--format", "json"]);
    command
        .env("CARRIER_ADMIN_TOKEN", &station.admin_token)
        .args([
            "--config".as_ref(),
            station.home.join("carrier.toml").as_os_str(),
        ])
        .output()
        .expect("it runs")
}

#[test]
fn the_configuration_is_read_again_on_demand() {
    let station = Station::configured("name = \"first\"\n", &["--model", "none"]);
    let file = station.home.join("carrier.toml");
    change(&station, "", None, &json!({"boxes": false}));
    std::fs::write(
        &file,
        "name = \"second\"\nboxes = true\nmin_score = 0.5\nthreads = 1\n",
    )
    .expect("written");
    let outcome = reload(&station);
    let text = String::from_utf8_lossy(&outcome.stdout);
    assert!(
        outcome.status.success(),
        "{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
    let outcome: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(outcome["changed"], json!(["min_score", "name"]));
    assert_eq!(outcome["kept_live"], json!(["boxes"]));
    assert_eq!(outcome["needs_restart"], json!(["threads"]));
    let now = read(&station);
    assert_eq!(value(&now, "name"), (json!("second"), json!("file")));
    assert_eq!(value(&now, "boxes"), (json!(false), json!("live")));

    std::fs::write(&file, "name = \"third\"\nmin_score = 7\n").expect("written");
    let refused = reload(&station);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("min_score"), "{said}");
    assert_eq!(station.status()["name"], "second", "nothing has changed");

    std::fs::write(&file, "name = \"fourth\"\n").expect("written");
    // Without a controlling terminal, as a service. With one, this signal ends the program.
    if std::fs::File::open("/dev/tty").is_ok() {
        println!("skipped: SIGHUP, because there is a controlling terminal");
        return;
    }
    let pid = station.pid().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &pid])
        .status();
    assert!(sent.expect("kill").success());
    let until = Instant::now() + HANG_TIMEOUT;
    while station.status()["name"] != "fourth" {
        assert!(Instant::now() < until, "the file is not read again");
        std::thread::sleep(Duration::from_millis(50));
    }
}
