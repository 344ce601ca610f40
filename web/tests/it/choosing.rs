//! Another source and another model are chosen while the station runs and is watched.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::player::client::Player;
use crate::player::{runtime, wait_for_viewers};
use crate::settings::{change, read, read_path, value};
use crate::station::{Station, fresh_folder, get_bytes};
use crate::timing::HANG_TIMEOUT;

/// A minute of grey pictures.
fn clip(folder: &Path) -> String {
    let path = folder.join("clip.y4m");
    let mut bytes = b"YUV4MPEG2 W64 H36 F10:1 C420mpeg2\n".to_vec();
    for _ in 0..600 {
        bytes.extend(b"FRAME\n");
        bytes.extend([190; 64 * 36]);
        bytes.extend([128; 64 * 36 / 2]);
    }
    std::fs::write(&path, bytes).expect("written");
    format!("y4m:{}", path.display())
}

pub(crate) fn until(what: &str, reached: impl Fn() -> bool) {
    let limit = Instant::now() + HANG_TIMEOUT;
    while !reached() {
        assert!(Instant::now() < limit, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn choose(station: &Station, query: &str, patch: &Value) {
    let answer = change(station, query, None, patch);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

pub(crate) fn refused(station: &Station, key: &str, text: &str) {
    let answer = change(station, "", None, &json!({ key: text }));
    let told = (answer.status, answer.body["key"].as_str());
    assert_eq!(told, (422, Some(key)), "{text}: {}", answer.body);
}

/// The values of a list, and which of them is in use.
pub(crate) fn listed(station: &Station, list: &str) -> (Vec<String>, Vec<String>) {
    let answer = read_path(station, &format!("/api/{list}"));
    assert_eq!(answer.status, 200);
    let all = answer.body[list].as_array().expect("a list").clone();
    let value = |one: &Value| one["value"].as_str().expect("a text").to_owned();
    let in_use = all.iter().filter(|one| one["in_use"] == true);
    (all.iter().map(value).collect(), in_use.map(value).collect())
}

fn choices(station: &Station, key: &str) -> Vec<String> {
    let answer = read(station);
    let settings = answer.body["settings"].as_array().expect("a list");
    let setting = settings.iter().find(|setting| setting["key"] == key);
    let choices = setting.expect("there")["choices"]
        .as_array()
        .expect("a list");
    let texts = choices
        .iter()
        .map(|choice| choice.as_str().expect("a text"));
    texts.map(str::to_owned).collect()
}

/// The share of the pixels of `/snapshot.jpg?boxes=0` with the brightness of the clip.
fn grey_share(station: &Station) -> f64 {
    let (status, jpeg) = get_bytes(&station.at("/snapshot.jpg?boxes=0"));
    if status != 200 {
        return 0.0;
    }
    let picture = image::load_from_memory(&jpeg).expect("a JPEG").to_luma8();
    let is_grey = |pixel: &&image::Luma<u8>| (180..230).contains(&pixel.0[0]);
    picture.pixels().filter(is_grey).count() as f64 / picture.pixels().len() as f64
}

/// A viewer that stays: its packets go on without a gap in their numbers.
pub(crate) struct Watching {
    runtime: tokio::runtime::Runtime,
    player: Player,
    last: u16,
}

impl Watching {
    pub(crate) fn start(station: &Station) -> Self {
        let runtime = runtime();
        let base = station.at("");
        let (player, last) = runtime.block_on(async {
            let mut player = Player::join(&base).await;
            let last = player.packet().await.header.sequence_number;
            (player, last)
        });
        wait_for_viewers(station, 1);
        Self {
            runtime,
            player,
            last,
        }
    }

    /// Receives what has come meanwhile and the next pictures.
    pub(crate) fn goes_on(&mut self) {
        let begun = Instant::now();
        let mut packets = 0;
        while begun.elapsed() < Duration::from_millis(500) || packets < 10 {
            let packet = self.runtime.block_on(self.player.packet());
            self.last = self.last.wrapping_add(1);
            assert_eq!(packet.header.sequence_number, self.last);
            packets += 1;
        }
    }
}

#[test]
fn a_viewer_stays_while_the_source_changes() {
    let home = fresh_folder();
    let clip = clip(&home);
    let station = Station::in_folder(home, "", &["--model", "none", "--source", &clip]);
    let session = |station: &Station| station.status()["source"]["description"].clone();
    station.wait_ready();
    let mut viewer = Watching::start(&station);
    until("the clip", || grey_share(&station) > 0.8);
    let (sources, in_use) = listed(&station, "sources");
    assert_eq!((&sources[0], &in_use), (&clip, &vec![clip.clone()]));
    assert!(sources.contains(&"auto".to_owned()));
    assert_eq!(choices(&station, "source"), sources);

    choose(&station, "", &json!({"source": "scene"}));
    assert!(grey_share(&station) < 0.5, "a picture of the clip");
    until("the scene", || {
        station.status()["source"]["state"] == "live"
    });
    assert!(
        session(&station)
            .as_str()
            .expect("a text")
            .contains("scene")
    );
    viewer.goes_on();
    let now = read(&station);
    assert_eq!(value(&now, "source"), (json!("scene"), json!("live")));
    assert_eq!(listed(&station, "sources").1, ["scene"]);
    assert!(grey_share(&station) < 0.5);

    choose(&station, "", &json!({ "source": clip }));
    until("the clip again", || grey_share(&station) > 0.8);
    viewer.goes_on();
    wait_for_viewers(&station, 1);
    for wrong in [
        "/etc/passwd",
        "y4m:-",
        "rtsp://10.0.0.1/",
        "webcam:none",
        "",
    ] {
        refused(&station, "source", wrong);
    }
    assert_eq!(listed(&station, "sources").1, [clip]);
    viewer.goes_on();
}

#[test]
fn a_source_of_a_closed_camera_is_opened_with_it() {
    let home = fresh_folder();
    let clip = clip(&home);
    let toml = "[privacy]\nstart_closed = true\n";
    let station = Station::in_folder(home, toml, &["--model", "none", "--source", &clip]);
    choose(&station, "", &json!({"source": "scene"}));
    assert_eq!(station.status()["source"]["state"], "closed");
    let open = crate::station::agent()
        .put(station.at("/api/shutter"))
        .header("Content-Type", "application/json")
        .header("Authorization", format!("Bearer {}", station.admin_token));
    assert_eq!(
        open.send(r#"{"closed": false}"#)
            .expect("an answer")
            .status(),
        200
    );
    until("the scene", || {
        station.status()["source"]["state"] == "live"
    });
    let description = station.status()["source"]["description"].clone();
    assert!(description.as_str().expect("a text").contains("scene"));
}

/// A model that is installed by its name and cannot be opened.
fn with_broken_model(home: &Path) {
    let models = home.join("models");
    std::fs::create_dir_all(&models).expect("created");
    std::fs::write(models.join("yolox_nano.onnx"), "no model").expect("written");
    let manifest = include_str!("../../../models/embedded.toml");
    std::fs::write(models.join("yolox_nano.toml"), manifest).expect("written");
}

fn model_value(station: &Station) -> Value {
    value(&read(station), "model").0
}

#[test]
fn a_model_that_fails_is_told_and_never_kept() {
    let home = fresh_folder();
    with_broken_model(&home);
    let station = Station::in_folder(home, "", &["--model", "none"]);
    station.wait_ready();
    assert!(
        listed(&station, "models")
            .0
            .contains(&"yolox_nano".to_owned())
    );
    choose(
        &station,
        "?save=true",
        &json!({"model": "yolox_nano", "name": "new"}),
    );
    until("told", || {
        !station.status()["detector"]["switch_error"].is_null()
    });
    let told = station.status()["detector"]["switch_error"].clone();
    assert!(
        told.as_str().expect("a text").contains("yolox_nano"),
        "{told}"
    );
    let models = read_path(&station, "/api/models").body;
    assert_eq!(
        (&models["switching_to"], &models["error"]),
        (&Value::Null, &told)
    );
    assert_eq!(model_value(&station), "none");
    let told_in = |path: &str, text: &str| {
        let body = read_path(&station, path).body.to_string();
        body.contains(text)
    };
    until("the audit", || {
        told_in("/api/admin/audit", "the model stays none")
    });
    assert!(station.log().contains("the model was not changed"));
    let file = std::fs::read_to_string(station.home.join("carrier.toml")).expect("there");
    assert_eq!(file, "name = \"new\"\n");
    for wrong in [
        "/tmp/x.onnx",
        "./models/yolox_nano.onnx",
        "nanodet_plus_m_416",
        "nothing",
    ] {
        refused(&station, "model", wrong);
    }
}

#[test]
fn a_viewer_stays_while_the_model_changes() {
    let home = fresh_folder();
    with_broken_model(&home);
    let station = Station::in_folder(home, "", &["--model", "none"]);
    station.wait_ready();
    let mut viewer = Watching::start(&station);
    choose(&station, "?save=true", &json!({"model": "embedded"}));
    let detector = || station.status()["detector"].clone();
    until("it ends", || detector()["switching_to"].is_null());
    if let Some(error) = detector()["switch_error"].as_str() {
        println!("skipped: {error}");
        return;
    }
    until("it detects", || {
        detector()["inference_ms"].as_f64() > Some(0.0)
    });
    viewer.goes_on();
    let file = || std::fs::read_to_string(station.home.join("carrier.toml")).expect("there");
    until("kept", || file() == "model = \"embedded\"\n");
    assert_eq!(listed(&station, "models").1, ["embedded"]);
    assert!(choices(&station, "model").starts_with(&["auto".to_owned(), "none".to_owned()]));

    choose(&station, "", &json!({"model": "yolox_nano"}));
    until("told", || !detector()["switch_error"].is_null());
    assert_eq!(
        (&detector()["state"], &detector()["model"]),
        (&json!("running"), &json!("embedded"))
    );
    assert_eq!(model_value(&station), "embedded");
    viewer.goes_on();

    choose(&station, "", &json!({"model": "none"}));
    until("off", || detector()["state"] == "off");
    assert!(listed(&station, "models").1.is_empty());
    let models = read_path(&station, "/api/models").body;
    let embedded = models["models"]
        .as_array()
        .expect("a list")
        .last()
        .expect("one")
        .clone();
    assert!(embedded["milliseconds"].as_f64() > Some(0.0), "{embedded}");
    let origin = value(&read(&station), "model").1;
    assert_eq!(origin, "live");
    viewer.goes_on();
    wait_for_viewers(&station, 1);
}
