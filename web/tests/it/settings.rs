//! Settings that change while the station runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::station::{Station, agent, get_bytes};
use crate::timing::HANG_TIMEOUT;

struct Answer {
    status: u16,
    tag: String,
    body: Value,
}

fn answer(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let tag = answer.headers().get("etag");
    let tag = tag.map_or_else(String::new, |tag| tag.to_str().expect("text").to_owned());
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().expect("text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, tag, body }
}

fn read(station: &Station) -> Answer {
    let owner = format!("Bearer {}", station.admin_token);
    let request = agent().get(station.at("/api/settings"));
    answer(
        request
            .header("Authorization", owner)
            .call()
            .expect("an answer"),
    )
}

fn change(station: &Station, query: &str, tag: Option<&str>, patch: &Value) -> Answer {
    let mut request = agent()
        .patch(station.at(&format!("/api/settings{query}")))
        .header("Content-Type", "application/json")
        .header("Authorization", format!("Bearer {}", station.admin_token));
    if let Some(tag) = tag {
        request = request.header("If-Match", tag);
    }
    answer(request.send(patch.to_string()).expect("an answer"))
}

fn value(answer: &Answer, key: &str) -> (Value, Value) {
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
