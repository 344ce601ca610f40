//! Plays an object hunt with a synthetic visitor and prints what is shown and when, for a person to judge.
//!
//! `cargo run -p play --example timeline [LANGUAGE] [SEED]`

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use play::{
    GameEvent, GameKind, GameText, GameView, GameWords, Games, GamesSettings, Leaderboard,
    MeasuredModels, Region, SeenFrame, SeenObject, StartedBy,
};

const MEASURED: &str = include_str!("../measured_ap.toml");
const COCO: &str = include_str!("../../models/coco80.txt");
const MODEL: &str = "yolox_nano";
const FPS: u32 = 12;

/// Shows each target some seconds after it was asked for, later each time, with a short false label before.
struct Visitor {
    labels: Vec<String>,
    target: Option<String>,
    frames: u32,
    targets: u32,
}

impl Visitor {
    fn objects(&mut self, view: Option<&GameView>) -> Vec<SeenObject> {
        let target = view.filter(|view| view.countdown.is_some());
        let target = target.and_then(|view| target_class(view.big_word.as_ref()?));
        if target != self.target {
            self.target = target;
            self.frames = 0;
            self.targets += u32::from(self.target.is_some());
        }
        self.frames += 1;
        let object = |track_id, class: &str, region| SeenObject {
            track_id,
            class_id: self
                .labels
                .iter()
                .position(|label| label == class)
                .unwrap_or(0),
            score: 0.7,
            region,
            is_coasting: false,
        };
        let mut objects = vec![object(1, "person", Region::new(0.3, 0.2, 0.7, 1.0))];
        let shown_after = FPS * (1 + self.targets);
        if let Some(class) = self.target.as_deref().filter(|_| self.frames > shown_after) {
            let held = Region::new(0.45, 0.4, 0.6, 0.65);
            objects.push(object(100 + u64::from(self.targets), class, held));
        }
        objects
    }
}

fn target_class(word: &GameText) -> Option<String> {
    let GameText::Key { key, .. } = word else {
        return None;
    };
    Some(key.strip_prefix("play.target.")?.replace('-', " "))
}

fn shown(view: &GameView, words: &GameWords, now: Instant) -> String {
    let mut line = words.say(&view.line);
    if let Some(word) = &view.big_word {
        line = format!("{line} [{}]", words.say(word));
    }
    if let Some(countdown) = view.countdown {
        line = format!("{line}  {:.0} s", countdown.left(now).as_secs_f32());
    }
    if let Some(score) = view.score {
        line = format!("{line}  {score} points");
    }
    for row in &view.rows {
        line = format!("{line} | {}", words.say(row));
    }
    line
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let words = GameWords::new(&arguments.next().unwrap_or_else(|| "en".to_owned()));
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let measured: MeasuredModels = toml::from_str(MEASURED)?;
    let labels: Vec<String> = COCO.lines().map(str::to_owned).collect();

    let start = Instant::now();
    let mut games = Games::new(
        GamesSettings::default(),
        Leaderboard::default(),
        seed,
        start,
    );
    games.set_model(MODEL, &labels, measured.of(MODEL));
    let mut events = games.start(GameKind::ObjectHunt, StartedBy::Visitor, start)?;
    let mut visitor = Visitor {
        labels,
        target: None,
        frames: 0,
        targets: 0,
    };
    let mut last = None;
    let mut now = start;
    for frame_seq in 0..u64::from(FPS * 180) {
        now += Duration::from_secs(1) / FPS;
        let objects = visitor.objects(games.view().as_ref());
        let frame = SeenFrame {
            frame_seq,
            source_number: 0,
            captured_at: now,
            objects,
        };
        events.extend(games.observe(&frame, now));
        let at = (now - start).as_secs_f32();
        for event in events.drain(..) {
            println!("{at:6.2}  event  {}", one_line(&event)?);
        }
        let view = games.view();
        if view != last {
            let line = view
                .as_ref()
                .map_or("nothing".to_owned(), |view| shown(view, &words, now));
            println!("{at:6.2}  shown  {line}");
            last = view;
        }
        if last.is_none() {
            break;
        }
    }
    Ok(())
}

fn one_line(event: &GameEvent) -> Result<String, serde_json::Error> {
    serde_json::to_string(event)
}
