//! A duel of two stations with pictures that are held up to one of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::hunt::{hold_up, picture_of};
use super::{owner, start, state, station_with};
use crate::carriers::{pair, toml, wait_connected};
use crate::station::{Station, fresh_folder};
use crate::timing::HANG_TIMEOUT;

/// What both stations detect: four targets.
const CLASSES: &str = r#"classes = ["person", "cup", "clock", "banana", "teddy bear"]"#;
/// Finds that are waited for: one of each station.
const WINS: [(usize, &str); 2] = [(0, "north"), (1, "south")];

struct Player {
    station: Station,
    shown: PathBuf,
    shared: PathBuf,
}

impl Player {
    fn new(name: &str, shared: PathBuf) -> Option<Self> {
        let shown = fresh_folder().join("shown.jpg");
        let nothing = shared.join("media/person.jpg");
        hold_up(&nothing, &shown);
        let model = shared.join("models/yolox_nano.onnx").display().to_string();
        let source = shown.display().to_string();
        let args = ["--source", &source, "--loop", "--model", &model];
        let station = station_with(&format!("{CLASSES}\n{}", toml(name)), &args)?;
        Some(Self {
            station,
            shown,
            shared,
        })
    }

    /// Shows the target that is asked for.
    fn show(&self, view: &Value) {
        let word = view["big_word"]["key"].as_str().unwrap_or_default();
        let slug = word.trim_start_matches("play.target.");
        let folder = self.shared.join("eval/coco80_288/images");
        if let Some(picture) = picture_of(&folder, slug) {
            hold_up(&picture, &self.shown);
        }
    }

    fn show_nothing(&self) {
        hold_up(&self.shared.join("media/person.jpg"), &self.shown);
    }

    fn view(&self) -> Value {
        state(&self.station)["view"].clone()
    }
}

/// The score of `name` in the rows of a view.
fn score(view: &Value, name: &str) -> u64 {
    let rows = view["rows"].as_array().into_iter().flatten();
    let mut scores =
        rows.filter(|row| row["key"] == "play.score-of" && row.to_string().contains(name));
    let row = scores.next().cloned().unwrap_or_default();
    row["values"]["score"].as_u64().unwrap_or(0)
}

#[test]
fn in_a_duel_each_station_wins_what_is_shown_to_it_and_both_say_so() {
    let Some(shared) = std::env::var_os("CARRIER_SHARED").map(PathBuf::from) else {
        println!("skipped: CARRIER_SHARED is not set");
        return;
    };
    let players = ["north", "south"].map(|name| Player::new(name, shared.clone()));
    let [Some(north), Some(south)] = players else {
        return;
    };
    pair(&north.station, &south.station, "south");
    wait_connected(&north.station, &["south"]);
    wait_connected(&south.station, &["north"]);
    let players = [&north, &south];
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let (name, token) = owner(&north.station);
        let started = start(&north.station, "duel", (name, &token));
        if started.status == 201 {
            break;
        }
        assert!(Instant::now() < until, "{}", started.body);
        std::thread::sleep(Duration::from_millis(200));
    }
    for (winner, name) in WINS {
        let until = Instant::now() + 2 * HANG_TIMEOUT;
        loop {
            let views = players.map(Player::view);
            if views.iter().all(|view| score(view, name) == 1) {
                break;
            }
            players[winner].show(&views[winner]);
            assert!(
                Instant::now() < until,
                "{name} does not win: {views:?}\n{}",
                players[winner].station.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        players[winner].show_nothing();
    }
}
