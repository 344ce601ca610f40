use std::collections::BTreeSet;

use super::*;
use crate::nickname::{ADJECTIVES, ANIMALS};
use crate::start::{GameKind, StartError};
use crate::targets::huntable_slugs;

/// Longer big words cannot be read on a picture of 360 lines.
const BIG_WORD_CHARS_MAX: usize = 20;

fn table(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap()
}

fn names(text: &str) -> BTreeSet<&str> {
    let starts = text.split('{').skip(1);
    starts
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect()
}

#[test]
fn all_languages_have_the_same_keys_and_names() {
    let english = table(TEXTS[0].1);
    for (language, json) in TEXTS {
        let own = table(json);
        assert!(own.keys().eq(english.keys()), "{language}");
        for (key, text) in &own {
            assert_eq!(names(text), names(&english[key]), "{language} {key}");
            assert!(!text.trim().is_empty(), "{language} {key}");
        }
    }
}

/// Every key that stands in the sources of this crate has a text.
#[test]
fn each_key_of_the_rules_has_a_text() {
    let english = table(TEXTS[0].1);
    let has =
        |key: &str| english.contains_key(key) || english.contains_key(&format!("{key}.other"));
    let mut keys: Vec<String> = Vec::new();
    for source in [
        include_str!("../games.rs"),
        include_str!("../nickname.rs"),
        include_str!("../start.rs"),
        include_str!("../rules/group_photo.rs"),
        include_str!("../rules/how_many.rs"),
        include_str!("../rules/left_or_right.rs"),
        include_str!("../rules/object_hunt.rs"),
        include_str!("../rules/red_light.rs"),
        include_str!("../rules/shared_hunt.rs"),
    ] {
        let literals = source.split('"').skip(1).step_by(2);
        let literals = literals.filter(|text| text.starts_with("play.") && !text.contains('{'));
        keys.extend(literals.map(str::to_owned));
    }
    assert!(keys.len() > 30, "{keys:?}");
    keys.extend(ADJECTIVES.map(|word| format!("play.nickname.adjective.{word}")));
    keys.extend(ANIMALS.map(|word| format!("play.nickname.animal.{word}")));
    keys.extend(huntable_slugs().flat_map(|slug| {
        [
            format!("play.target.{slug}"),
            format!("play.target.{slug}.show"),
        ]
    }));
    let games = GameKind::ALL.into_iter().chain(GameKind::SHARED);
    keys.extend(games.flat_map(|game| {
        let slug = game.slug();
        [format!("play.{slug}"), format!("play.{slug}.rules")]
    }));
    let missing: Vec<_> = keys.iter().filter(|key| !has(key)).collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
}

#[test]
fn big_words_fit_on_a_small_picture() {
    for (language, json) in TEXTS {
        for (key, text) in table(json) {
            if key.starts_with("play.target.") && !key.ends_with(".show") {
                assert!(
                    text.chars().count() <= BIG_WORD_CHARS_MAX,
                    "{language} {text}"
                );
            }
        }
    }
}

#[test]
fn texts_have_values_plural_forms_and_texts_in_them() {
    let english = GameWords::new("en");
    let german = GameWords::new("de");
    let finds = |count: u32| GameText::key("play.object-hunt.over").with("count", count);
    assert_eq!(english.say(&finds(1)), "Time is up: 1 find");
    assert_eq!(german.say(&finds(3)), "Die Zeit ist um: 3 Funde");
    let seen =
        GameText::key("play.object-hunt.sees").with("what", GameText::key("play.target.cup"));
    assert_eq!(german.say(&seen), "Ist das: TASSE?");
    let wait = std::time::Duration::from_millis(1500);
    let too_soon = StartError::TooSoon { wait }.text();
    assert_eq!(
        english.say(&too_soon),
        "The next round can start in 2 seconds."
    );
}

#[test]
fn an_unknown_key_is_shown_and_an_unknown_language_is_english() {
    let words = GameWords::new("xx");
    assert_eq!(words.say(&GameText::key("play.no-such")), "play.no-such");
    assert_eq!(words.say(&GameText::key("play.target.cup")), "CUP");
}
