//! A hunt with pictures that are held up: the file of the source is replaced by one of what is asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::GrayImage;
use image::imageops::{FilterType, crop_imm, resize};
use serde_json::Value;

use super::{VISITORS, ask, owner, start, state, station_with};
use crate::station::{Station, agent, fresh_folder};
use crate::timing::HANG_TIMEOUT;

/// Of the pictures of `carrier eval`, those in which `yolox_nano` finds what is asked for: class and number.
const PICTURES: [(&str, u32); 17] = [
    ("cup", 139270),
    ("laptop", 213003),
    ("chair", 520199),
    ("keyboard", 188416),
    ("umbrella", 36),
    ("tie", 389),
    ("banana", 344065),
    ("bowl", 196),
    ("remote", 599),
    ("donut", 438),
    ("carrot", 557059),
    ("suitcase", 106499),
    ("potted-plant", 560),
    ("clock", 626),
    ("teddy-bear", 466137),
    ("pizza", 450),
    ("skateboard", 417793),
];

/// Shots of a strip.
const FINDS: usize = 4;
/// A picture in which the model does not find what it shows is put away.
const HELD_UP_MAX: Duration = Duration::from_secs(5);
/// Rounds until one has enough finds: on a busy machine its clock runs out.
const ROUNDS_MAX: usize = 3;

pub(super) fn picture_of(folder: &Path, slug: &str) -> Option<PathBuf> {
    let found = PICTURES.iter().find(|(class, _)| *class == slug);
    found.map(|(_, number)| folder.join(format!("{number:012}.jpg")))
}

pub(super) fn hold_up(picture: &Path, shown: &Path) {
    let next = shown.with_extension("next");
    std::fs::copy(picture, &next).expect("copied");
    std::fs::rename(&next, shown).expect("renamed");
}

/// Plays a round until `FINDS` objects are found, and lets its clock run out. Returns the round, its key and the finds.
fn play(station: &Station, folder: &Path, shown: &Path) -> (u64, String, usize) {
    let (name, token) = owner(station);
    let started = start(station, "object-hunt", (name, &token));
    assert_eq!(started.status, 201, "{}", started.body);
    let round = started.body["round"].as_u64().expect("a number");
    let key = started.body["key"].as_str().expect("a key").to_owned();
    let mut found = BTreeSet::new();
    let mut held_up = (String::new(), Instant::now());
    loop {
        let view = state(station)["view"].clone();
        if view["round"] != round {
            return (round, key, found.len());
        }
        let word = view["big_word"]["key"].as_str().unwrap_or_default();
        let slug = word.trim_start_matches("play.target.").to_owned();
        let picture = picture_of(folder, &slug).filter(|_| found.len() < FINDS);
        match picture {
            _ if view["line"]["key"] == "play.object-hunt.found" => {
                found.insert(slug);
            }
            Some(picture) if held_up.0 != slug => {
                hold_up(&picture, shown);
                held_up = (slug, Instant::now());
            }
            Some(_) if held_up.1.elapsed() < HELD_UP_MAX => {}
            _ => {
                // The clock loses five seconds.
                let path = format!("/api/play/rounds/{round}/skip");
                ask(station, "POST", &path, ("X-Round-Key", &key), &Value::Null);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn strip(station: &Station, round: u64, key: &str) -> image::DynamicImage {
    let until = Instant::now() + HANG_TIMEOUT;
    while state(station)["result"]["strip"].is_null() {
        assert!(Instant::now() < until, "{}", station.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let path = format!("/api/play/rounds/{round}/strip.jpg");
    let answer = agent()
        .get(station.at(&path))
        .header("X-Round-Key", key)
        .call();
    let bytes = answer
        .expect("an answer")
        .body_mut()
        .read_to_vec()
        .expect("a body");
    let seen = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hunt.jpg");
    std::fs::write(&seen, &bytes).expect("written, to be looked at");
    image::load_from_memory(&bytes).expect("a JPEG")
}

/// The shots of a strip, small; they are one below the other.
fn shots(strip: &GrayImage) -> Vec<GrayImage> {
    let (width, height) = strip.dimensions();
    let each = |index: u32| {
        // They are 217 thousandths of the height apart.
        let top = height * (50 + 217 * index) / 1000;
        let shot = crop_imm(strip, width / 5, top, width * 3 / 5, height / 8);
        resize(&shot.to_image(), 16, 9, FilterType::Triangle)
    };
    (0..4).map(each).collect()
}

fn difference(one: &GrayImage, other: &GrayImage) -> u32 {
    let pairs = one.as_raw().iter().zip(other.as_raw());
    pairs
        .map(|(one, other)| u32::from(one.abs_diff(*other)))
        .sum::<u32>()
        / 144
}

/// A round of up to a minute.
#[test]
fn a_hunt_of_four_finds_gives_a_strip_of_four_moments() {
    let Some(shared) = std::env::var_os("CARRIER_SHARED").map(PathBuf::from) else {
        println!("skipped: CARRIER_SHARED is not set");
        return;
    };
    let folder = shared.join("eval/coco80_288/images");
    let shown = fresh_folder().join("shown.jpg");
    hold_up(&shared.join("media/person.jpg"), &shown);
    let model = shared.join("models/yolox_nano.onnx").display().to_string();
    let source = shown.display().to_string();
    let args = ["--source", &source, "--loop", "--model", &model];
    let Some(station) = station_with(VISITORS, &args) else {
        return;
    };
    let mut rounds = (0..ROUNDS_MAX).map(|_| play(&station, &folder, &shown));
    let enough = rounds.find(|(.., finds)| *finds >= FINDS);
    let (round, key, _) = enough.expect("a round with four finds");
    let strip = strip(&station, round, &key);
    assert!(strip.height() > 2 * strip.width() && strip.width() >= 400);
    let shots = shots(&strip.to_luma8());
    for (index, shot) in shots.iter().enumerate() {
        for other in &shots[index + 1..] {
            assert!(
                difference(shot, other) > 8,
                "two shots are the same picture"
            );
        }
    }
    let score = &state(&station)["result"]["score"];
    assert!(score.as_u64() >= Some(400), "{score}");
}
